"""Scikit-learn's handwritten digits: real pictures that need no download."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import tensorflow as tf

from archspec.recipe.data import Digits
from builder.data.splits import Arrays, Request, Splits, channels_error, channels_fit

FILE = "datasets/data/digits.csv.gz"
"""Where scikit-learn keeps the digits."""
INK = 16
"""The highest value in the source, which counts the inked pixels of 4x4."""


def load(source: Digits, request: Request) -> Splits:
    """Loads 1,797 grey pictures of 8x8 pixels, uint8, with labels 0 to 9. The source's values, 0 to 16, are
    scaled to 0 to 255, the range of other pictures, so that a drawn or photographed digit can be classified.

    The pictures are sorted by label, and otherwise keep the source's order. Every fifth one, starting with the first,
    is held out (360); the others are trained on (1,437). That holds out a fifth of each class without drawing numbers.

    Raises:
        SpecError: the network takes neither 1 nor 3 channels.
    """
    if not channels_fit(1, request.channels):
        raise channels_error(request.where, "digits", 1, request.channels)
    table = _table()
    pictures = np.rint(table[:, :-1].reshape(-1, 8, 8, 1) * (255 / INK)).astype(np.uint8)
    labels = table[:, -1].astype(np.int64)
    validation = np.zeros(len(pictures), bool)
    validation[np.argsort(labels, kind="stable")[::5]] = True
    train, test = (
        Arrays(tf.constant(pictures[chosen]), tf.constant(labels[chosen])) for chosen in (~validation, validation)
    )
    return Splits("digits", train, test, tuple("0123456789"), "scikit-learn digits, 0 to 255")


def _table() -> np.ndarray:
    """The source's rows, (1797, 65): 64 pixels and a label. They are read from scikit-learn's file without importing
    scikit-learn, which takes a second."""
    package = find_spec("sklearn")
    folders = [] if package is None else package.submodule_search_locations or []
    path = next((path for folder in folders if (path := Path(folder, FILE)).exists()), None)
    if path is not None:
        return np.loadtxt(path, delimiter=",")
    from sklearn.datasets import load_digits  # another version may keep the file elsewhere

    digits = load_digits()
    return np.column_stack([digits.data, digits.target])

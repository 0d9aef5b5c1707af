"""Scikit-learn's handwritten digits: real pictures that need no download."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from archspec.recipe.data import Digits
from builder.data.splits import Arrays, Request, Splits, channels_error, channels_fit

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
    from sklearn.datasets import load_digits  # importing takes a second

    digits = load_digits()
    pictures = np.rint(digits.images * (255 / INK)).astype(np.uint8)[..., np.newaxis]
    labels = digits.target.astype(np.int64)
    validation = np.zeros(len(pictures), bool)
    validation[np.argsort(labels, kind="stable")[::5]] = True
    train, test = (
        Arrays(tf.constant(pictures[chosen]), tf.constant(labels[chosen])) for chosen in (~validation, validation)
    )
    return Splits("digits", train, test, tuple("0123456789"), "scikit-learn digits, 0 to 255")

"""Scikit-learn's handwritten digits: real pictures that need no download."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from archspec.recipe.data import Digits
from builder.data.splits import Arrays, Request, Splits, channels_error, channels_fit


def load(source: Digits, request: Request) -> Splits:
    """Loads 1,797 grey pictures of 8x8 pixels, uint8 from 0 to 16 (the source counts ink), with labels 0 to 9.

    The pictures are sorted by label, and otherwise keep the source's order. Every fifth one, starting with the first,
    is held out (360); the others are trained on (1,437). That holds out a fifth of each class without drawing numbers.

    Raises:
        SpecError: the network takes neither 1 nor 3 channels.
    """
    if not channels_fit(1, request.channels):
        raise channels_error(request.where, "digits", 1, request.channels)
    from sklearn.datasets import load_digits  # importing takes a second

    digits = load_digits()
    pictures = digits.images.astype(np.uint8)[..., np.newaxis]
    labels = digits.target.astype(np.int64)
    validation = np.zeros(len(pictures), bool)
    validation[np.argsort(labels, kind="stable")[::5]] = True
    train, test = (
        Arrays(tf.constant(pictures[chosen]), tf.constant(labels[chosen])) for chosen in (~validation, validation)
    )
    return Splits("digits", train, test, tuple("0123456789"), "scikit-learn digits")

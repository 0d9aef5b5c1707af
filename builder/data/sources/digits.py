"""Scikit-learn's handwritten digits: real pictures that need no download."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from builder.data.splits import Arrays, Splits


def load() -> Splits:
    """1,797 grey pictures of 8x8 pixels, uint8 with values from 0 to 16 (as the source counts ink), labels 0 to 9.

    With the pictures sorted by label, otherwise in the source's order, every fifth one from the first on is held out
    (360), the others are trained on (1,437). Each class is so held out to a fifth, and nothing is drawn at random.
    """
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

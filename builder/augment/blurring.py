"""Blurring of one picture."""

from __future__ import annotations

import tensorflow as tf

from archspec.recipe.augment import Blur
from builder.augment.arithmetic import between, to_float, to_pixels


def blur(options: Blur, picture: tf.Tensor, numbers: tf.Tensor) -> tf.Tensor:
    """Convolves the picture with a Gaussian. Its two numbers say whether, and the deviation in pixels.

    The weights of pixels outside the picture are given to those inside, so that its edges do not darken.
    """

    def blurred() -> tf.Tensor:
        sigma = between(numbers[1], *options.sigma)
        rows, columns = (_weights(length, sigma) for length in picture.shape[:2])
        return to_pixels(tf.einsum("yi,xj,ijc->yxc", rows, columns, to_float(picture)))

    return tf.cond(numbers[0] < options.probability, blurred, lambda: picture)


def _weights(length: int, sigma: tf.Tensor) -> tf.Tensor:
    """The weight of each pixel of a row (columns) in each pixel of the blurred row (rows)."""
    places = tf.range(length, dtype=tf.float32)
    weights = tf.exp(-0.5 * tf.square((places - places[:, tf.newaxis]) / sigma))
    return weights / tf.reduce_sum(weights, 1, keepdims=True)

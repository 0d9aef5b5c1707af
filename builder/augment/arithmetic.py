"""Arithmetic on the pixels of one picture, uint8 (height, width, channels)."""

from __future__ import annotations

import tensorflow as tf

LUMA = (0.299, 0.587, 0.114)
"""The weights of red, green and blue in the grey of a colour (ITU-R BT.601)."""


def to_float(picture: tf.Tensor) -> tf.Tensor:
    """The pixels as float32, from 0 to 255."""
    return tf.cast(picture, tf.float32)


def to_pixels(values: tf.Tensor) -> tf.Tensor:
    """Float values rounded to the nearest uint8."""
    return tf.cast(tf.clip_by_value(values + 0.5, 0.0, 255.0), tf.uint8)


def grey(values: tf.Tensor) -> tf.Tensor:
    """The grey of each pixel of a float picture, (height, width, 1). A picture of one channel is returned as it is."""
    if values.shape[-1] == 1:
        return values
    return tf.reduce_sum(values * LUMA, -1, keepdims=True)


def between(number: tf.Tensor, least: float, most: float) -> tf.Tensor:
    """Maps a number from 0 to 1 to one from `least` to `most`."""
    return least + (most - least) * number


def index(number: tf.Tensor, count: int | tf.Tensor) -> tf.Tensor:
    """Maps a number from 0 to below 1 to a whole number from 0 to below `count`."""
    return tf.minimum(tf.cast(number * tf.cast(count, tf.float32), tf.int32), count - 1)


def normal(number: tf.Tensor) -> tf.Tensor:
    """Maps a uniform number from 0 to 1 to the standard normal distribution, cut off at five standard deviations."""
    return tf.math.ndtri(tf.clip_by_value(number, 3e-7, 1 - 3e-7))


def inside(shape: tf.TensorShape, top: tf.Tensor, left: tf.Tensor, bottom: tf.Tensor, right: tf.Tensor) -> tf.Tensor:
    """Whether each pixel is inside a rectangle, bool (..., height, width, 1).

    `bottom` and `right` are the first row and column outside. For a batch the sides are (batch, 1, 1, 1).
    """
    rows, columns = tf.range(shape[-3])[:, tf.newaxis, tf.newaxis], tf.range(shape[-2])[:, tf.newaxis]
    return (rows >= top) & (rows < bottom) & (columns >= left) & (columns < right)

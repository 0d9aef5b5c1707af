"""Augmentations that move or cover the pixels of one picture: crops, flips and erased rectangles."""

from __future__ import annotations

import math

import tensorflow as tf

from archspec.recipe.augment import HorizontalFlip, RandomCrop, RandomErasing
from builder.augment.arithmetic import between, index, inside


def random_crop(options: RandomCrop, picture: tf.Tensor, numbers: tf.Tensor) -> tf.Tensor:
    """Adds a border and crops the picture's own size. Its two numbers say how far down and how far right."""
    height, width, _ = picture.shape
    pad = options.pad
    padded = tf.pad(picture, [[pad, pad], [pad, pad], [0, 0]], constant_values=options.fill)
    top, left = tf.unstack(index(numbers, 2 * pad + 1))
    # Not `tf.slice`: XLA would treat the corner as a constant, and compile again for each of its values.
    return tf.gather(tf.gather(padded, top + tf.range(height)), left + tf.range(width), axis=1)


def horizontal_flip(options: HorizontalFlip, picture: tf.Tensor, numbers: tf.Tensor) -> tf.Tensor:
    """Mirrors the picture if its number is below the probability."""
    return tf.cond(numbers[0] < options.probability, lambda: tf.reverse(picture, [1]), lambda: picture)


def random_erasing(options: RandomErasing, picture: tf.Tensor, numbers: tf.Tensor) -> tf.Tensor:
    """Fills a rectangle with noise. Its six numbers say whether, area, ratio, two for the position, and which noise.

    A side that is longer than the picture's is cut to it; the paper draws again in that case.
    """

    def erased() -> tf.Tensor:
        height, width, _ = picture.shape
        area = between(numbers[1], *options.area) * (height * width)
        ratio = tf.exp(between(numbers[2], *map(math.log, options.ratio)))
        rows = tf.clip_by_value(tf.cast(tf.round(tf.sqrt(area * ratio)), tf.int32), 1, height)
        columns = tf.clip_by_value(tf.cast(tf.round(tf.sqrt(area / ratio)), tf.int32), 1, width)
        top, left = index(numbers[3], height - rows + 1), index(numbers[4], width - columns + 1)
        covered = inside(picture.shape, top, left, top + rows, left + columns)
        return tf.where(covered, noise(picture.shape, numbers[5]), picture)

    return tf.cond(numbers[0] < options.probability, erased, lambda: picture)


def noise(shape: tf.TensorShape, number: tf.Tensor) -> tf.Tensor:
    """Uniformly distributed bytes of a shape, the same for the same number: a hash of their positions (Wellons 2018,
    "Prospecting for hash functions", lowbias32). Philox took seven times as long."""
    start = tf.cast(number * 2**24, tf.uint32) * 0x9E3779B9
    words = start + tf.cast(tf.reshape(tf.range(math.prod(shape)), shape), tf.uint32)
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        words = tf.bitwise.bitwise_xor(words, tf.bitwise.right_shift(words, tf.constant(shift, tf.uint32))) * factor
    return tf.cast(tf.bitwise.right_shift(words, tf.constant(24, tf.uint32)), tf.uint8)

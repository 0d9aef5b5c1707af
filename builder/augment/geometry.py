"""Augmentations that turn or cover the pixels of one picture: rotations, shears and erased rectangles."""

from __future__ import annotations

import math

import tensorflow as tf

from archspec.recipe.augment import Affine, RandomErasing, Rotation
from builder.augment.arithmetic import between, index, inside, to_float, to_pixels


def rotation(options: Rotation, picture: tf.Tensor, numbers: tf.Tensor) -> tf.Tensor:
    """Turns the picture about its centre. Its number says by which angle; a positive one is counter-clockwise."""
    angle = math.radians(options.degrees) * between(numbers[0], -1.0, 1.0)
    return moved(picture, tf.cos(angle), -tf.sin(angle), tf.sin(angle), tf.cos(angle), tf.zeros(2), options.fill)


def affine(options: Affine, picture: tf.Tensor, numbers: tf.Tensor) -> tf.Tensor:
    """Shears, scales, turns and then moves the picture. Its five numbers say angle, shear, scale, and how far down and
    right."""
    height, width, _ = picture.shape
    angle = math.radians(options.degrees) * between(numbers[0], -1.0, 1.0)
    slope = tf.tan(math.radians(options.shear) * between(numbers[1], -1.0, 1.0))
    scale = between(numbers[2], *options.scale)
    cos, sin = tf.cos(angle) / scale, tf.sin(angle) / scale
    shift = options.translate * between(numbers[3:], -1.0, 1.0) * [height, width]
    # The inverse of moving, turning, scaling and shearing, in this order, for columns and rows.
    return moved(picture, cos - slope * sin, -sin - slope * cos, sin, cos, shift, options.fill)


def moved(
    picture: tf.Tensor, a: tf.Tensor, b: tf.Tensor, c: tf.Tensor, d: tf.Tensor, shift: tf.Tensor, fill: int
) -> tf.Tensor:
    """Takes each pixel from between the four nearest to (a x + b y, c x + d y), bilinearly. x and y are measured from
    the centre, after the picture was moved by `shift`, (down, right) in pixels."""
    height, width, channels = picture.shape
    y = tf.range(height, dtype=tf.float32)[:, tf.newaxis] - ((height - 1) / 2 + shift[0])
    x = tf.range(width, dtype=tf.float32) - ((width - 1) / 2 + shift[1])
    columns, rows = a * x + b * y + (width - 1) / 2, c * x + d * y + (height - 1) / 2
    left, top = tf.floor(columns), tf.floor(rows)
    across, down = (columns - left)[..., tf.newaxis], (rows - top)[..., tf.newaxis]
    pixels = tf.reshape(picture, (height * width, channels))

    def at(row: tf.Tensor, column: tf.Tensor) -> tf.Tensor:
        known = (column >= 0) & (column < width) & (row >= 0) & (row < height)
        place = tf.clip_by_value(row, 0, height - 1) * width + tf.clip_by_value(column, 0, width - 1)
        return tf.where(known[..., tf.newaxis], to_float(tf.gather(pixels, tf.cast(place, tf.int32))), float(fill))

    above = (1 - across) * at(top, left) + across * at(top, left + 1)
    below = (1 - across) * at(top + 1, left) + across * at(top + 1, left + 1)
    return to_pixels((1 - down) * above + down * below)


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

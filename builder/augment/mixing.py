"""Augmentations that mix each picture of a batch, and its label, with its partner."""

from __future__ import annotations

import functools

import numpy as np
import tensorflow as tf
from scipy.special import betaincinv

from archspec.recipe.augment import Cutmix, Mixup
from builder.augment.arithmetic import index, inside, to_float, to_pixels

QUANTILES = 4096


def partners(batch: tf.Tensor) -> tf.Tensor:
    """Each one's neighbour: the first and the second are partners, the third and the fourth, and so on; the last of an
    odd number has the first.

    So it makes no difference whether a batch is whole or in parts, as long as the parts are even.
    """
    count = tf.shape(batch)[0]
    neighbour = tf.bitwise.bitwise_xor(tf.range(count), 1)
    return tf.gather(batch, tf.where(neighbour < count, neighbour, 0))


def mixup(
    options: Mixup, pictures: tf.Tensor, others: tf.Tensor, chosen: tf.Tensor, numbers: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """The mean of pictures and others, weighted. One number: the share of the own picture.

    Args:
        pictures, others: uint8 (batch, height, width, channels).
        chosen: (batch,), which pictures are to be mixed.

    Returns: the pictures, and the share of the own label, (batch,).
    """
    share = tf.where(chosen, beta(options.alpha, numbers[:, 0]), 1.0)
    weight = share[:, tf.newaxis, tf.newaxis, tf.newaxis]
    return to_pixels(weight * to_float(pictures) + (1 - weight) * to_float(others)), share


def cutmix(
    options: Cutmix, pictures: tf.Tensor, others: tf.Tensor, chosen: tf.Tensor, numbers: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Pictures with a rectangle of the others, of the picture's own proportions. Three numbers: the share of the own
    picture, and the rectangle's centre. What would stand out of the picture is cut off, and the share is that of the
    pixels in the end. Arguments and result as for `mixup`."""
    height, width = pictures.shape[1:3]
    side = tf.sqrt(1 - tf.where(chosen, beta(options.alpha, numbers[:, 0]), 1.0))

    def edges(length: int, number: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        long, middle = tf.cast(tf.round(side * length), tf.int32), index(number, length)
        first = middle - long // 2
        return tf.maximum(first, 0), tf.minimum(first + long, length)

    (top, bottom), (left, right) = edges(height, numbers[:, 1]), edges(width, numbers[:, 2])
    share = 1 - tf.cast((bottom - top) * (right - left), tf.float32) / (height * width)
    sides = (side[:, tf.newaxis, tf.newaxis, tf.newaxis] for side in (top, left, bottom, right))
    return tf.where(inside(pictures.shape, *sides), others, pictures), share


def beta(alpha: float, numbers: tf.Tensor) -> tf.Tensor:
    """Numbers from 0 to 1 as ones of the distribution Beta(alpha, alpha): its quantiles, interpolated."""
    place = numbers * QUANTILES
    low = tf.minimum(tf.cast(place, tf.int32), QUANTILES - 1)
    table = tf.constant(_quantiles(alpha))
    below, above = tf.gather(table, low), tf.gather(table, low + 1)
    return below + (above - below) * (place - tf.cast(low, tf.float32))


@functools.cache
def _quantiles(alpha: float) -> np.ndarray:
    return betaincinv(alpha, alpha, np.linspace(0, 1, QUANTILES + 1)).astype(np.float32)

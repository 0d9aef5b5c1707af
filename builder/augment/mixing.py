"""Augmentations that mix each picture of a batch, and its label, with a partner from the same batch."""

from __future__ import annotations

import functools

import numpy as np
import tensorflow as tf

from archspec.recipe.augment import Cutmix, Mixup
from builder.augment.arithmetic import index, inside, to_float

QUANTILES = 4096
"""The intervals in a table of quantiles."""


def partners(batch: tf.Tensor) -> tf.Tensor:
    """The partner of each element of a batch.

    The first and the second are partners, the third and the fourth, and so on; the last of an odd number gets the first
    one. So the result is the same if a batch comes in parts, as long as their sizes are even.
    """
    count = tf.shape(batch)[0]
    neighbour = tf.bitwise.bitwise_xor(tf.range(count), 1)
    return tf.gather(batch, tf.where(neighbour < count, neighbour, 0))


def mixup(
    options: Mixup, pictures: tf.Tensor, others: tf.Tensor, chosen: tf.Tensor, numbers: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """A weighted mean of pictures and their partners. The one number of a picture decides its own share.

    Args:
        options: of the augmentation.
        pictures, others: the pictures and their partners, uint8 (batch, height, width, channels).
        chosen: the pictures that are mixed, bool (batch,).
        numbers: float32 (batch, count), from 0 to below 1.

    Returns:
        The pictures, and the share that each picture's own label keeps, float32 (batch,).
    """
    share = tf.where(chosen, beta(options.alpha, numbers[:, 0]), 1.0)
    weight = share[:, tf.newaxis, tf.newaxis, tf.newaxis]
    others = to_float(others)
    mixed = weight * (to_float(pictures) - others) + (others + 0.5)  # a mean, so that it needs no limits
    return tf.cast(mixed, tf.uint8), share


def cutmix(
    options: Cutmix, pictures: tf.Tensor, others: tf.Tensor, chosen: tf.Tensor, numbers: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Pictures with a rectangle taken from their partners, in the proportions of the picture.

    Three numbers decide the picture's own share and the centre of the rectangle. The part of a rectangle outside the
    picture is cut off, and the share is that of the pixels that remain. Arguments and result are those of `mixup`.
    """
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
    """Maps uniform numbers from 0 to 1 to the distribution Beta(alpha, alpha), by interpolating its quantiles."""
    position = numbers * QUANTILES
    low = tf.minimum(tf.cast(position, tf.int32), QUANTILES - 1)
    table = tf.constant(_quantiles(alpha))
    below, above = tf.gather(table, low), tf.gather(table, low + 1)
    return below + (above - below) * (position - tf.cast(low, tf.float32))


@functools.cache
def _quantiles(alpha: float) -> np.ndarray:
    from scipy.special import betaincinv  # a third of a second, and few networks are trained with mixup

    return betaincinv(alpha, alpha, np.linspace(0, 1, QUANTILES + 1)).astype(np.float32)

"""Augmentation of whole batches of uint8 pictures, by random numbers that are given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from archspec.recipe.augment import HorizontalFlip, RandomCrop


def random_crop(options: RandomCrop, pictures: tf.Tensor, numbers: tf.Tensor) -> tf.Tensor:
    """Pictures (batch, height, width, channels) with zeros around, cropped to their own size. Two numbers a picture."""
    height, width = pictures.shape[1:3]
    pad = options.pad
    padded = tf.pad(pictures, [[0, 0], [pad, pad], [pad, pad], [0, 0]])
    offsets = tf.cast(numbers * (2 * pad + 1), tf.int32)
    rows = offsets[:, :1] + tf.range(height)
    columns = offsets[:, 1:] + tf.range(width)
    return tf.gather(tf.gather(padded, rows, axis=1, batch_dims=1), columns, axis=2, batch_dims=1)


def horizontal_flip(options: HorizontalFlip, pictures: tf.Tensor, numbers: tf.Tensor) -> tf.Tensor:
    """Pictures (batch, height, width, channels), those with a number below a half mirrored. One number a picture."""
    mirrored = numbers[:, :, tf.newaxis, tf.newaxis] < 0.5
    return tf.where(mirrored, tf.reverse(pictures, [2]), pictures)


Function = Callable[[Any, tf.Tensor, tf.Tensor], tf.Tensor]
AUGMENTATIONS: dict[type, tuple[Function, int]] = {RandomCrop: (random_crop, 2), HorizontalFlip: (horizontal_flip, 1)}
"""For each in the language its function, and how many random numbers it takes for a picture."""


def numbers_needed(augmentations: Sequence[Any]) -> int:
    """How many random numbers from 0 to below 1 a picture needs for all of them."""
    return sum(AUGMENTATIONS[type(one)][1] for one in augmentations)


def augmented(augmentations: Sequence[Any], pictures: tf.Tensor, numbers: tf.Tensor) -> tf.Tensor:
    """A batch of pictures after all augmentations in order; `numbers` is (batch, numbers_needed)."""
    used = 0
    for options in augmentations:
        function, count = AUGMENTATIONS[type(options)]
        pictures = function(options, pictures, numbers[:, used : used + count])
        used += count
    return pictures

"""How the pictures of a split become batches of the network's shape: from memory or decoded on the way, one at a time
or a batch at once. Free memory decides about speed only, never about a picture."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from builder.data.memory import aligned, free_memory, shared
from builder.data.splits import Arrays, Data, Encoded, Split
from builder.pictures.crops import cropped, cropped_bytes, scales, windows
from builder.pictures.resizing import Shape, centre_crop, centre_crop_bytes, decoded
from builder.system.terminal import watched

SMALL = 128 * 128
"""Pixels. Pictures of one size that have no more are decoded whole and cropped a batch at once."""
FREE_SHARE = 0.5
"""Of the free memory, what decoded pictures may take."""
BATCH = 256

One = Callable[[tf.Tensor, Any], tuple[tf.Tensor, tf.Tensor]]
Many = Callable[[tf.Tensor, Any], tf.Tensor]


@dataclass(frozen=True)
class Pipeline:
    """How to make batches.

    Attributes:
        arrays: the pictures, where they are in memory.
        one: a picture and its label by number and window, where they are not.
        many: from a batch of either, with random numbers (batch, count), to the network's shape.
        windows: what to decode, by numbers of pictures (batch,) and random numbers (batch, count): (batch, 4).
    """

    arrays: Arrays | None
    one: One
    many: Many
    windows: Callable[[tf.Tensor, tf.Tensor], tf.Tensor] | None = None


def training_form(data: Data, crop: Any, keep: bool, resize: int | None, shards: int) -> Pipeline:
    """That of training pictures: with a crop that brings them to size, else after the evaluation transform.

    Args:
        crop: one of `archspec.recipe.augment.CROPS`, or None.
        keep: whether decoded pictures may be kept in memory.
        resize: of the evaluation transform.
        shards: how many processes may want the same memory.
    """
    split, shape = data.train, data.shape
    if crop is None:
        return _form(split, shape, resize, keep, shards)
    many: Many = lambda pictures, numbers: cropped(crop, pictures, shape, numbers)  # noqa: E731
    if isinstance(split, Arrays) or _small(split):
        return _whole(split, shape[2], many, keep, shards)

    assert split.sizes is not None
    sizes, needed = tf.constant(split.sizes), scales(split.sizes, shape)

    def place(numbers_of_pictures: tf.Tensor, numbers: tf.Tensor) -> tf.Tensor:
        return windows(crop, tf.gather(sizes, numbers_of_pictures), shape, numbers)

    def one(number: tf.Tensor, window: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        contents, label = split.read(number)
        return cropped_bytes(contents, window, shape, split.jpeg, needed), label

    return Pipeline(None, one, _same, place)


def evaluation_form(data: Data, keep: bool, resize: int | None, shards: int) -> Pipeline:
    """That of validation pictures."""
    return _form(data.validation, data.shape, resize, keep, shards)


def _form(split: Split, shape: Shape, resize: int | None, keep: bool, shards: int) -> Pipeline:
    """The evaluation transform of every picture."""
    if isinstance(split, Arrays) or _small(split):
        return _whole(split, shape[2], lambda pictures, numbers: centre_crop(pictures, shape, resize), keep, shards)

    def one(number: tf.Tensor, window: Any = None) -> tuple[tf.Tensor, tf.Tensor]:
        contents, label = split.read(number)
        return centre_crop_bytes(contents, shape, resize), label

    return Pipeline(_kept(split, (shape, resize), shape, one, keep, shards), one, _same)


def _whole(split: Split, channels: int, many: Many, keep: bool, shards: int) -> Pipeline:
    """Pictures of one size as they are, made ready a batch at once."""
    if isinstance(split, Arrays):
        return Pipeline(split, _never, many)
    assert split.size is not None
    shape = (*split.size, channels)

    def one(number: tf.Tensor, window: Any = None) -> tuple[tf.Tensor, tf.Tensor]:
        contents, label = split.read(number)
        return tf.ensure_shape(decoded(contents, channels), shape), label

    return Pipeline(_kept(split, shape, shape, one, keep, shards), one, many)


def _small(split: Encoded) -> bool:
    return split.size is not None and math.prod(split.size) <= SMALL


def _same(pictures: tf.Tensor, numbers: Any) -> tf.Tensor:
    return pictures


def _never(number: tf.Tensor, numbers: Any) -> tuple[tf.Tensor, tf.Tensor]:
    raise AssertionError("pictures in memory are not read one at a time")


def _kept(split: Encoded, key: Any, shape: Shape, one: One, keep: bool, shards: int) -> Arrays | None:
    """The decoded pictures in memory, where they fit; made once for a split."""
    if key in split.kept:
        return split.kept[key]
    if not keep or split.count * math.prod(shape) > free_memory() * FREE_SHARE / shards:
        return None
    pictures, labels = aligned((split.count, *shape)), np.empty(split.count, np.int64)
    dataset = tf.data.Dataset.range(split.count).map(
        tf.autograph.experimental.do_not_convert(one), tf.data.AUTOTUNE, deterministic=True
    )
    start = 0
    batches = dataset.batch(BATCH).prefetch(tf.data.AUTOTUNE).as_numpy_iterator()
    for some, theirs in watched(batches, split.count, "decoding the pictures into memory, once", split.say):
        pictures[start : start + len(some)], labels[start : start + len(some)] = some, theirs
        start += len(some)
    return split.kept.setdefault(key, Arrays(shared(pictures), tf.constant(labels)))

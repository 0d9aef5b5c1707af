"""How the pictures of a split become batches of the network's shape: from memory or decoded on the way, one at a time
or a whole batch at once. Free memory affects the speed, never a picture."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from archspec.recipe.resizing import Resizing
from builder.data.memory import aligned, shared
from builder.data.splits import Arrays, Data, Encoded, Split
from builder.pictures.crops import cropped, cropped_bytes, scales, windows
from builder.pictures.resizing import Shape, decoded, fitted, fitted_bytes
from builder.system.cpu import parallel_calls
from builder.system.memory import free_memory
from builder.system.terminal import watched

SMALL = 128 * 128
"""Pixels. Pictures of one size with at most this many are decoded whole, and cropped a batch at once."""
FREE_SHARE = 0.5
"""The share of the free memory that decoded pictures may take."""
BATCH = 256

ReadPicture = Callable[[tf.Tensor, Any], tuple[tf.Tensor, tf.Tensor]]
"""From a picture's number, and the window to decode, to the picture and its label."""
FitBatch = Callable[[tf.Tensor, Any], tf.Tensor]
"""From pictures (batch, height, width, channels), and random numbers (batch, count), to the network's shape."""


@dataclass(frozen=True)
class Pipeline:
    """How batches of a split are made.

    Attributes:
        arrays: the pictures, if they are in memory.
        read: reads one picture, if they are not.
        fit: brings a batch of pictures to the network's shape.
        windows: the windows to decode, int32 (batch, 4), from numbers of pictures (batch,) and random numbers (batch,
            count). None if pictures are decoded whole.
    """

    arrays: Arrays | None
    read: ReadPicture
    fit: FitBatch
    windows: Callable[[tf.Tensor, tf.Tensor], tf.Tensor] | None = None


def training_pipeline(data: Data, crop: Any, keep: bool, resizing: Resizing, shards: int) -> Pipeline:
    """The pipeline of training pictures: with a crop to the network's size, or the evaluation transform without one.

    Args:
        data: the data set.
        crop: one of `archspec.recipe.crops.CROPS`, or None.
        keep: whether decoded pictures may be kept in memory.
        resizing: the evaluation transform.
        shards: the number of processes that share the machine's memory.
    """
    split, shape = data.train, data.shape
    if crop is None:
        return _evaluation_pipeline(split, shape, resizing, keep, shards)

    def fit(pictures: tf.Tensor, numbers: tf.Tensor) -> tf.Tensor:
        return cropped(crop, pictures, shape, numbers)

    if isinstance(split, Arrays) or _small(split):
        return _whole(split, shape[2], fit, keep, shards)

    assert split.sizes is not None
    sizes, needed = tf.constant(split.sizes), scales(split.sizes, shape)

    def crop_windows(numbers_of_pictures: tf.Tensor, numbers: tf.Tensor) -> tf.Tensor:
        return windows(crop, tf.gather(sizes, numbers_of_pictures), shape, numbers)

    def read(number: tf.Tensor, window: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        contents, label = split.read(number)
        return cropped_bytes(contents, window, shape, split.jpeg, needed), label

    return Pipeline(None, read, _unchanged, crop_windows)


def validation_pipeline(data: Data, keep: bool, resizing: Resizing, shards: int) -> Pipeline:
    """The pipeline of validation pictures, with the evaluation transform."""
    return _evaluation_pipeline(data.validation, data.shape, resizing, keep, shards)


def validation_pictures(data: Data, numbers: Sequence[int], resizing: Resizing) -> list[np.ndarray]:
    """Some validation pictures as the network sees them, uint8 (height, width, channels) each."""
    split, found = data.validation, []
    for number in numbers:
        if isinstance(split, Arrays):
            picture = split.pictures[number]
        else:
            picture = decoded(split.read(tf.constant(number, tf.int64))[0], data.shape[2], is_checked=True)
        found.append(fitted(picture, data.shape, resizing).numpy())
    return found


def _evaluation_pipeline(split: Split, shape: Shape, resizing: Resizing, keep: bool, shards: int) -> Pipeline:
    """A pipeline with the evaluation transform."""
    if isinstance(split, Arrays) or _small(split):
        return _whole(split, shape[2], lambda pictures, numbers: fitted(pictures, shape, resizing), keep, shards)

    def read(number: tf.Tensor, window: Any = None) -> tuple[tf.Tensor, tf.Tensor]:
        contents, label = split.read(number)
        return fitted_bytes(contents, shape, resizing, is_checked=True), label

    return Pipeline(_decoded(split, (shape, resizing), shape, read, keep, shards), read, _unchanged)


def _whole(split: Split, channels: int, fit: FitBatch, keep: bool, shards: int) -> Pipeline:
    """A pipeline for pictures of one size: decoded whole, then brought to the network's shape a batch at once."""
    if isinstance(split, Arrays):
        return Pipeline(split, _never, fit)
    assert split.size is not None
    shape = (*split.size, channels)

    def read(number: tf.Tensor, window: Any = None) -> tuple[tf.Tensor, tf.Tensor]:
        contents, label = split.read(number)
        return tf.ensure_shape(decoded(contents, channels, is_checked=True), shape), label

    return Pipeline(_decoded(split, shape, shape, read, keep, shards), read, fit)


def _small(split: Encoded) -> bool:
    return split.size is not None and math.prod(split.size) <= SMALL


def _unchanged(pictures: tf.Tensor, numbers: Any) -> tf.Tensor:
    return pictures


def _never(number: tf.Tensor, numbers: Any) -> tuple[tf.Tensor, tf.Tensor]:
    raise AssertionError("pictures in memory are not read one at a time")


def _decoded(split: Encoded, key: Any, shape: Shape, read: ReadPicture, keep: bool, shards: int) -> Arrays | None:
    """The pictures of a split decoded into memory, once for each key; None if they may not be kept or do not fit."""
    if key in split.decoded:
        return split.decoded[key]
    if not keep or split.count * math.prod(shape) > free_memory() * FREE_SHARE / shards:
        return None
    pictures, labels = aligned((split.count, *shape)), np.empty(split.count, np.int64)
    dataset = tf.data.Dataset.range(split.count).map(
        tf.autograph.experimental.do_not_convert(read), parallel_calls(), deterministic=True
    )
    start = 0
    batches = dataset.batch(BATCH).prefetch(tf.data.AUTOTUNE).as_numpy_iterator()
    for some, theirs in watched(batches, split.count, "decoding the pictures into memory, once", split.say):
        pictures[start : start + len(some)], labels[start : start + len(some)] = some, theirs
        start += len(some)
    return split.decoded.setdefault(key, Arrays(shared(pictures), tf.constant(labels)))

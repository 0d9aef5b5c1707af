"""Batches: shuffled, augmented and batched pictures, in an order that the seed alone decides."""

from __future__ import annotations

import math

import tensorflow as tf

from archspec.recipe import Train
from builder.augment import augmented, numbers_needed
from builder.data import Data

CACHE_BYTES = 2**30
"""A split whose pictures take less is kept in memory."""
SHUFFLE_BYTES = 2**28
"""What a shuffle may hold of a split that is not kept in memory."""


def steps_per_epoch(data: Data, recipe: Train) -> int:
    """Full batches in an epoch."""
    return data.train_count // recipe.batch_size


def training_batches(data, recipe, batch_size, step=0, shard=(0, 1)):
    steps = steps_per_epoch(data, recipe)
    parts = recipe.batch_size // batch_size
    local = parts // shard[1]
    whole = training_batches_(data, recipe, step // steps).skip(step % steps)
    ds = whole.flat_map(
        lambda x, y: (
            tf.data.Dataset.from_tensor_slices((tf.stack(tf.split(x, parts)), tf.stack(tf.split(y, parts))))
            .skip(shard[0] * local)
            .take(local)
        )
    )
    return ds.prefetch(2)


def training_batches_(data: Data, recipe: Train, first_epoch: int = 0) -> tf.data.Dataset:
    """Batches of all epochs from `first_epoch` on, one after another.

    The order of an epoch follows from (seed, epoch) alone, and the augmentation of a picture from (seed, epoch, its
    number), whatever the batch size. The pictures left over from the last full batch are dropped; which ones they are
    changes with the epoch.
    """
    count = numbers_needed(recipe.augment)
    numbered = _cached(data.train, data.train_count, data.shape).enumerate()
    in_memory = _fits_in_memory(data.train_count, data.shape)
    buffer = data.train_count if in_memory else max(1, SHUFFLE_BYTES // math.prod(data.shape))

    def batches_of(epoch: tf.Tensor) -> tf.data.Dataset:
        tf.random.set_seed(recipe.seed + 1)  # that of this function's graph; 0 is no seed to tf.data
        numbers = tf.random.stateless_uniform([data.train_count, count], [recipe.seed, epoch])

        def augment(index: tf.Tensor, example: tuple[tf.Tensor, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
            pictures, labels = example
            return augmented(recipe.augment, pictures, labels, tf.gather(numbers, index), len(data.class_names))

        shuffled = numbered.shuffle(buffer, seed=epoch, reshuffle_each_iteration=False)
        batches = shuffled.batch(recipe.batch_size, drop_remainder=True)
        return batches.map(augment, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)

    epochs = tf.data.Dataset.range(first_epoch, recipe.epochs)
    return epochs.flat_map(batches_of).prefetch(tf.data.AUTOTUNE)


def validation_batches(data, recipe, batch_size, shard=(0, 1)):
    B = recipe.batch_size
    n = data.validation_count
    pad = -n % B
    parts = B // batch_size
    local = parts // shard[1]
    ds = _cached(data.validation, data.validation_count, data.shape).map(lambda x, y: (x, y, 1.0))
    ds = ds.concatenate(ds.take(1).map(lambda x, y, w: (x, y, 0.0)).repeat(pad)) if pad else ds
    ds = ds.batch(B, drop_remainder=True)
    return ds.flat_map(
        lambda *t: (
            tf.data.Dataset.from_tensor_slices(tuple(tf.stack(tf.split(x, parts)) for x in t))
            .skip(shard[0] * local)
            .take(local)
        )
    ).prefetch(2)


def validation_batches_(data: Data, batch_size: int) -> tf.data.Dataset:
    """Batches of every validation picture once, as it is; the last batch may be short."""
    return _cached(data.validation, data.validation_count, data.shape).batch(batch_size).prefetch(tf.data.AUTOTUNE)


def _fits_in_memory(count: int, shape: tuple[int, ...]) -> bool:
    return count * math.prod(shape) <= CACHE_BYTES


def _cached(dataset: tf.data.Dataset, count: int, shape: tuple[int, ...]) -> tf.data.Dataset:
    return dataset.cache() if _fits_in_memory(count, shape) else dataset

"""Batches of shuffled, cropped and augmented pictures, in an order that depends on the seed and the epoch alone."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from archspec.recipe import Train
from archspec.recipe.crops import CROPS
from builder import augment
from builder.data.balance import balanced_order
from builder.data.pipeline import Pipeline, training_pipeline, validation_pipeline
from builder.data.splits import Arrays, Data, labels_of
from builder.pictures.crops import numbers_needed as crop_numbers_needed
from builder.system.cpu import parallel_calls

ORDER, NUMBERS = 0, 1
"""The two streams of random numbers: one for the order of pictures, one for crops and augmentations."""
PHILOX = 1
"""TensorFlow's number for this generator (Salmon et al. 2011), which can jump to any part of its stream."""
PHILOX_BLOCK = 4
"""The numbers that one step of its counter produces."""


def steps_per_epoch(data: Data, recipe: Train) -> int:
    """The number of full batches in an epoch."""
    return data.train_count // recipe.global_batch


def training_batches(
    data: Data, recipe: Train, batch_size: int, step: int = 0, shard: tuple[int, int] = (0, 1)
) -> tf.data.Dataset:
    """The batches of all epochs from a step on, one epoch after another.

    The order of an epoch depends on the sampler and (seed, epoch) alone, and the crop and augmentation of a picture on
    (seed, epoch, its position in that order), whatever `batch_size`, `step` and `shard` are. Pictures left over after
    the last full batch are dropped; which ones these are changes with the epoch. Nothing before `step` is read or
    decoded.

    Args:
        data: the data set.
        recipe: its `batch_size` is the global one, over all shards.
        batch_size: the pictures in an element: what one replica takes of a global batch, or a part of that.
        step: the first step, counted from the beginning of the first epoch.
        shard: (index, count): consecutive elements together are rows index/count to (index + 1)/count of each global
            batch.

    Returns:
        A data set of (pictures, labels): uint8 (batch_size, height, width, channels) of the network's input shape, and
        int64 (batch_size,), or float32 (batch_size, classes) if an augmentation mixes labels.

    Raises:
        ValueError: `batch_size` and shards do not divide a global batch, or there are fewer pictures than in one.
    """
    index, shards = shard
    steps = steps_per_epoch(data, recipe)
    if recipe.global_batch % (batch_size * shards) or not steps:
        raise ValueError(
            f"{shards} shards of {batch_size} do not divide a batch of {recipe.global_batch}, "
            f"or {data.train_count} pictures are less than one"
        )
    first_epoch, first_step = divmod(step, steps)
    crop = next((one for one in recipe.augment if isinstance(one, CROPS)), None)
    augmentations = [one for one in recipe.augment if not isinstance(one, CROPS)]
    for_crop = crop_numbers_needed(crop)
    row = for_crop + augment.numbers_needed(augmentations)
    pipeline = training_pipeline(data, crop, recipe.cache == "auto", recipe.resizing, shards)

    def elements(epoch: tf.Tensor) -> Elements:
        order = _order(data, recipe, epoch)
        positions = tf.reshape(_range(steps * recipe.global_batch), [steps, shards, -1])[:, index]
        positions = tf.reshape(positions[tf.where(epoch == first_epoch, first_step, 0) :], [-1, batch_size])
        return tf.fill(tf.shape(positions), epoch), positions, tf.gather(order, positions)

    def random(epoch: tf.Tensor, position: tf.Tensor) -> tf.Tensor:
        """The random numbers for an element's pictures, which have consecutive positions in one epoch."""
        return _random(_seed(recipe, epoch[0], NUMBERS), position[0], batch_size, row)

    def windows(epoch: tf.Tensor, position: tf.Tensor, number: tf.Tensor) -> tf.Tensor:
        assert pipeline.windows is not None
        return pipeline.windows(number, random(epoch, position)[:, :for_crop])

    def finish(epoch: tf.Tensor, position: tf.Tensor, pictures: tf.Tensor, labels: tf.Tensor) -> Any:
        numbers = random(epoch, position)
        pictures = pipeline.fit(pictures, numbers[:, :for_crop])
        return _augmented(augmentations, pictures, labels, numbers[:, for_crop:], data)

    epochs = tf.data.Dataset.range(first_epoch, recipe.epochs)
    batches = _batches(pipeline, epochs, elements, windows, finish, batch_size)
    count = max(0, recipe.epochs * steps - step) * recipe.global_batch // (shards * batch_size)
    return batches.apply(tf.data.experimental.assert_cardinality(count))


def _order(data: Data, recipe: Train, epoch: tf.Tensor) -> tf.Tensor:
    """The numbers of an epoch's pictures, int64 (train_count,)."""
    seed = _seed(recipe, epoch, ORDER)
    if recipe.sampler == "balanced":
        # The streams of an epoch have numbers from 0; negative ones are free.
        other = tf.stack([tf.constant(recipe.seed, tf.int64), -1 - epoch])
        return balanced_order(labels_of(data.train), seed, other)
    return tf.random.experimental.stateless_shuffle(_range(data.train_count), seed)


def _augmented(
    augmentations: list[Any], pictures: tf.Tensor, labels: tf.Tensor, numbers: tf.Tensor, data: Data
) -> tuple[tf.Tensor, tf.Tensor]:
    """A batch after the augmentations that follow the crop."""
    return augment.augmented(augmentations, pictures, labels, numbers, len(data.class_names))


def validation_batches(data: Data, recipe: Train, batch_size: int, shard: tuple[int, int] = (0, 1)) -> tf.data.Dataset:
    """Batches with every validation picture once, after the evaluation transform.

    Args:
        data: the data set.
        recipe: says how to resize, and whether pictures may be kept in memory.
        batch_size: the pictures in an element.
        shard: (index, count): the shard gets one of every `count` elements. All shards get equally many.

    Returns:
        A data set of (pictures, labels, weights): uint8 (batch_size, height, width, channels), int64 (batch_size,) and
        float32 (batch_size,). A weight is 1, or 0 for pictures that fill up the last global batch, which gives all
        replicas equally many.
    """
    index, shards = shard
    count = data.validation_count
    steps = -(-count // recipe.global_batch) * (recipe.global_batch // (batch_size * shards))
    pipeline = validation_pipeline(data, recipe.cache == "auto", recipe.resizing, shards)

    def elements(epoch: tf.Tensor) -> Elements:
        positions = tf.reshape(_range(steps * shards * batch_size), [steps, shards, batch_size])[:, index]
        return tf.zeros_like(positions), positions, tf.minimum(positions, count - 1)

    def finish(epoch: tf.Tensor, position: tf.Tensor, pictures: tf.Tensor, labels: tf.Tensor) -> Any:
        return pipeline.fit(pictures, None), labels, tf.cast(position < count, tf.float32)

    batches = _batches(pipeline, tf.data.Dataset.range(1), elements, None, finish, batch_size)
    return batches.apply(tf.data.experimental.assert_cardinality(steps))


Elements = tuple[tf.Tensor, tf.Tensor, tf.Tensor]
"""An epoch's batches, each tensor (batches, batch_size): the epoch, positions in its order, and numbers of pictures."""


def _batches(
    pipeline: Pipeline,
    epochs: tf.data.Dataset,
    elements: Callable[[tf.Tensor], Elements],
    windows: Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor] | None,
    finish: Callable[[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor], Any],
    batch_size: int,
) -> tf.data.Dataset:
    """The data set of batches. All costly steps come after the epochs are joined, so that one runs into the next."""
    parallel = {"num_parallel_calls": parallel_calls(), "deterministic": True}
    plain = tf.autograph.experimental.do_not_convert  # the functions consist of TensorFlow operations already

    def rows(epoch: tf.Tensor) -> tf.data.Dataset:
        return tf.data.Dataset.from_tensor_slices(elements(epoch))

    def gather(arrays: Arrays, epoch: tf.Tensor, position: tf.Tensor, number: tf.Tensor) -> Any:
        return finish(epoch, position, tf.gather(arrays.pictures, number), tf.gather(arrays.labels, number))

    def with_windows(epoch: tf.Tensor, position: tf.Tensor, number: tf.Tensor) -> tuple[tf.Tensor, ...]:
        window = (
            windows(epoch, position, number) if windows and pipeline.windows else tf.zeros([batch_size, 4], tf.int32)
        )
        return epoch, position, number, window

    def read(epoch: tf.Tensor, position: tf.Tensor, number: tf.Tensor, window: tf.Tensor) -> tuple[tf.Tensor, ...]:
        return epoch, position, *pipeline.read(number, window)

    batches = epochs.flat_map(plain(rows))
    if pipeline.arrays is not None:
        batches = batches.map(plain(functools.partial(gather, pipeline.arrays)), **parallel)
    else:
        pictures = batches.map(plain(with_windows)).unbatch().map(plain(read), **parallel)
        batches = pictures.batch(batch_size, drop_remainder=True).map(plain(finish), **parallel)
    options = tf.data.Options()
    options.threading.max_intra_op_parallelism = 1  # the maps keep all cores busy
    return batches.prefetch(tf.data.AUTOTUNE).with_options(options)


# -- random numbers ----------------------------------------------------------------------------------------------------


def _range(count: int) -> tf.Tensor:
    return tf.range(count, dtype=tf.int64)


def _seed(recipe: Train, epoch: tf.Tensor, stream: int) -> tf.Tensor:
    return tf.stack([tf.constant(recipe.seed, tf.int64), 2 * epoch + stream])


def _random(seed: tf.Tensor, position: tf.Tensor, count: int, row: int) -> tf.Tensor:
    """Random numbers from 0 to below 1, float32 (count, row): rows `position` and following of the seed's matrix."""
    if not row:
        return tf.zeros([count, 0])
    blocks = -(-row // PHILOX_BLOCK)
    key, _ = tf.raw_ops.StatelessRandomGetKeyCounter(seed=seed)
    counter = tf.stack([tf.cast(position * blocks, tf.uint64), tf.constant(0, tf.uint64)])
    numbers = tf.raw_ops.StatelessRandomUniformV2(
        shape=[count, blocks * PHILOX_BLOCK], key=key, counter=counter, alg=PHILOX, dtype=tf.float32
    )
    return numbers[:, :row]

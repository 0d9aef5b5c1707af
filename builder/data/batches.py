"""Batches: shuffled, cropped and augmented pictures, in an order that the seed and the epoch alone decide."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from archspec.recipe import Train
from archspec.recipe.augment import CROPS
from builder import augment
from builder.data.pipeline import Pipeline, evaluation_form, training_form
from builder.data.splits import Arrays, Data
from builder.pictures.crops import numbers_needed as crop_numbers_needed

ORDER, NUMBERS = 0, 1
"""Streams of random numbers."""
PHILOX = 1
"""TensorFlow's number of that generator (Salmon et al. 2011), any part of whose stream can be had at once."""
PHILOX_BLOCK = 4
"""Numbers that one step of its counter gives."""


def steps_per_epoch(data: Data, recipe: Train) -> int:
    """Full batches in an epoch."""
    return data.train_count // recipe.batch_size


def training_batches(
    data: Data, recipe: Train, batch_size: int, step: int = 0, shard: tuple[int, int] = (0, 1)
) -> tf.data.Dataset:
    """Batches of all epochs from a step on, one after another.

    An epoch's order follows from (seed, epoch) alone, and the crop and augmentation of a picture from (seed, epoch, its
    place in that order), whatever `batch_size`, `step` and `shard` are. The pictures left over from the last full batch
    are dropped; which ones they are changes with the epoch. Nothing before `step` is read or decoded.

    Args:
        data: what to train on.
        recipe: its `batch_size` is global, over all shards.
        batch_size: pictures of an element: what one replica takes of a global batch, or a part of that.
        step: the first, counted through all epochs.
        shard: (index, count): consecutive elements together are rows index/count to (index + 1)/count of each global
            batch.

    Returns:
        (pictures, labels): uint8 (batch_size, height, width, channels) of the network's input, and int64 (batch_size,),
        or float32 (batch_size, classes) where an augmentation mixes them.

    Raises:
        ValueError: elements and shards do not divide a global batch, or there are fewer pictures than in one.
    """
    index, shards = shard
    steps = steps_per_epoch(data, recipe)
    if recipe.batch_size % (batch_size * shards) or not steps:
        raise ValueError(
            f"{shards} shards of {batch_size} do not divide a batch of {recipe.batch_size}, "
            f"or {data.train_count} pictures are less than one"
        )
    first_epoch, first_step = divmod(step, steps)
    crop = next((one for one in recipe.augment if isinstance(one, CROPS)), None)
    augmentations = [one for one in recipe.augment if not isinstance(one, CROPS)]
    for_crop = crop_numbers_needed(crop)
    row = for_crop + augment.numbers_needed(augmentations)
    form = training_form(data, crop, recipe.cache == "auto", recipe.eval_resize, shards)

    def elements(epoch: tf.Tensor) -> Elements:
        order = tf.random.experimental.stateless_shuffle(_range(data.train_count), _seed(recipe, epoch, ORDER))
        places = tf.reshape(_range(steps * recipe.batch_size), [steps, shards, -1])[:, index]
        places = tf.reshape(places[tf.where(epoch == first_epoch, first_step, 0) :], [-1, batch_size])
        return tf.fill(tf.shape(places), epoch), places, tf.gather(order, places)

    def random(epoch: tf.Tensor, place: tf.Tensor) -> tf.Tensor:
        """Random numbers of an element's pictures, which have consecutive places in one epoch."""
        return _random(_seed(recipe, epoch[0], NUMBERS), place[0], batch_size, row)

    def windows(epoch: tf.Tensor, place: tf.Tensor, number: tf.Tensor) -> tf.Tensor:
        assert form.windows is not None
        return form.windows(number, random(epoch, place)[:, :for_crop])

    def many(epoch: tf.Tensor, place: tf.Tensor, pictures: tf.Tensor, labels: tf.Tensor) -> Any:
        numbers = random(epoch, place)
        pictures = form.many(pictures, numbers[:, :for_crop])
        return _augmented(augmentations, pictures, labels, numbers[:, for_crop:], data)

    epochs = tf.data.Dataset.range(first_epoch, recipe.epochs)
    batches = _batches(form, epochs, elements, windows, many, batch_size)
    count = max(0, recipe.epochs * steps - step) * recipe.batch_size // (shards * batch_size)
    return batches.apply(tf.data.experimental.assert_cardinality(count))


def _augmented(
    augmentations: list[Any], pictures: tf.Tensor, labels: tf.Tensor, numbers: tf.Tensor, data: Data
) -> tuple[tf.Tensor, tf.Tensor]:
    """A batch after the augmentations of pictures that have the network's size."""
    return augment.augmented(augmentations, pictures, labels, numbers, len(data.class_names))


def validation_batches(data: Data, recipe: Train, batch_size: int, shard: tuple[int, int] = (0, 1)) -> tf.data.Dataset:
    """Batches of every validation picture once, after the evaluation transform.

    Args:
        data: what to validate on.
        recipe: says how to resize, and whether pictures may be kept in memory.
        batch_size: pictures of an element.
        shard: (index, count): of each `count` elements, the one that this shard gets. All get as many.

    Returns:
        (pictures, labels, weights): uint8 (batch_size, height, width, channels), int64 (batch_size,) and float32
        (batch_size,): 1, and 0 for pictures that fill up the last global batch, so that all replicas have as many.
    """
    index, shards = shard
    count = data.validation_count
    steps = -(-count // recipe.batch_size) * (recipe.batch_size // (batch_size * shards))
    form = evaluation_form(data, recipe.cache == "auto", recipe.eval_resize, shards)

    def elements(epoch: tf.Tensor) -> Elements:
        places = tf.reshape(_range(steps * shards * batch_size), [steps, shards, batch_size])[:, index]
        return tf.zeros_like(places), places, tf.minimum(places, count - 1)

    def many(epoch: tf.Tensor, place: tf.Tensor, pictures: tf.Tensor, labels: tf.Tensor) -> Any:
        return form.many(pictures, None), labels, tf.cast(place < count, tf.float32)

    batches = _batches(form, tf.data.Dataset.range(1), elements, None, many, batch_size)
    return batches.apply(tf.data.experimental.assert_cardinality(steps))


Elements = tuple[tf.Tensor, tf.Tensor, tf.Tensor]
"""An epoch's batches, each tensor (batches, batch_size): the epoch, places in its order, and numbers of pictures."""


def _batches(
    form: Pipeline,
    epochs: tf.data.Dataset,
    elements: Callable[[tf.Tensor], Elements],
    windows: Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor] | None,
    many: Callable[[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor], Any],
    batch_size: int,
) -> tf.data.Dataset:
    """The pipeline. All that costs time stands behind the epochs, so that one runs into the next."""
    parallel = {"num_parallel_calls": tf.data.AUTOTUNE, "deterministic": True}
    plain = tf.autograph.experimental.do_not_convert  # all of it is TensorFlow's already

    def rows(epoch: tf.Tensor) -> tf.data.Dataset:
        return tf.data.Dataset.from_tensor_slices(elements(epoch))

    def gather(arrays: Arrays, epoch: tf.Tensor, place: tf.Tensor, number: tf.Tensor) -> Any:
        return many(epoch, place, tf.gather(arrays.pictures, number), tf.gather(arrays.labels, number))

    def with_windows(epoch: tf.Tensor, place: tf.Tensor, number: tf.Tensor) -> tuple[tf.Tensor, ...]:
        window = windows(epoch, place, number) if windows and form.windows else tf.zeros([batch_size, 4], tf.int32)
        return epoch, place, number, window

    def one(epoch: tf.Tensor, place: tf.Tensor, number: tf.Tensor, window: tf.Tensor) -> tuple[tf.Tensor, ...]:
        return epoch, place, *form.one(number, window)

    batches = epochs.flat_map(plain(rows))
    if form.arrays is not None:
        batches = batches.map(plain(functools.partial(gather, form.arrays)), **parallel)
    else:
        pictures = batches.map(plain(with_windows)).unbatch().map(plain(one), **parallel)
        batches = pictures.batch(batch_size, drop_remainder=True).map(plain(many), **parallel)
    options = tf.data.Options()
    options.threading.max_intra_op_parallelism = 1  # the maps keep all cores busy
    return batches.prefetch(tf.data.AUTOTUNE).with_options(options)


# -- random numbers ----------------------------------------------------------------------------------------------------


def _range(count: int) -> tf.Tensor:
    return tf.range(count, dtype=tf.int64)


def _seed(recipe: Train, epoch: tf.Tensor, stream: int) -> tf.Tensor:
    return tf.stack([tf.constant(recipe.seed, tf.int64), 2 * epoch + stream])


def _random(seed: tf.Tensor, place: tf.Tensor, count: int, row: int) -> tf.Tensor:
    """float32 (count, row) from 0 to below 1: rows `place` and following of the matrix that the seed stands for."""
    if not row:
        return tf.zeros([count, 0])
    blocks = -(-row // PHILOX_BLOCK)
    key, _ = tf.raw_ops.StatelessRandomGetKeyCounter(seed=seed)
    counter = tf.stack([tf.cast(place * blocks, tf.uint64), tf.constant(0, tf.uint64)])
    numbers = tf.raw_ops.StatelessRandomUniformV2(
        shape=[count, blocks * PHILOX_BLOCK], key=key, counter=counter, alg=PHILOX, dtype=tf.float32
    )
    return numbers[:, :row]

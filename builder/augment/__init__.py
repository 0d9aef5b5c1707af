"""Augmentation of training pictures by random numbers that are given, compiled by XLA into one function a batch.

Pictures are augmented one after another, each by its own numbers: a picture stays in the processor's cache on its way,
and what becomes of it does not depend on its batch. tf.data works on several batches at once, so all cores are busy.

None of this is a Keras layer: those draw their own numbers, many of them one for the whole batch, and on two cores all
took longer, 2 (crop, flip) to 80 times (RandAugment) for pictures of 224x224: `python -m benchmarks augment`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from archspec.recipe.augment import (
    CROPS,
    ColorJitter,
    Cutmix,
    HorizontalFlip,
    Mixup,
    PcaColor,
    RandAugment,
    RandomCrop,
    RandomErasing,
)
from builder.augment.color import color_jitter, pca_color
from builder.augment.geometry import horizontal_flip, random_crop, random_erasing
from builder.augment.mixing import cutmix, mixup, partners
from builder.augment.rand_augment import rand_augment

PICTURE: dict[type, tuple[Callable[[Any, tf.Tensor, tf.Tensor], tf.Tensor], int]] = {
    RandomCrop: (random_crop, 2),
    HorizontalFlip: (horizontal_flip, 1),
    PcaColor: (pca_color, 3),
    ColorJitter: (color_jitter, 4),
    RandAugment: (rand_augment, 1),  # for each of its layers
    RandomErasing: (random_erasing, 6),
}
"""For each augmentation of single pictures its function, from (options, uint8 picture, numbers) to a picture, and how
many random numbers it takes."""
MIXING: dict[type, tuple[Callable[..., tuple[tf.Tensor, tf.Tensor]], int]] = {Mixup: (mixup, 1), Cutmix: (cutmix, 3)}
"""The same for those that mix the pictures of a batch; `builder.augment.mixing` says what they take."""


def numbers_needed(augmentations: Sequence[Any]) -> int:
    """How many random numbers a picture needs for all augmentations, crops to the network's size aside, as these are
    carried out where pictures are read."""
    return sum(map(_count, augmentations))


def _count(options: Any) -> int:
    if isinstance(options, CROPS):
        return 0
    if type(options) in MIXING:
        return 1 + MIXING[type(options)][1]
    return PICTURE[type(options)][1] * (options.layers if isinstance(options, RandAugment) else 1)


def augmented(
    augmentations: Sequence[Any], pictures: tf.Tensor, labels: tf.Tensor, numbers: tf.Tensor, classes: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """A batch after all augmentations in order, crops to the network's size aside.

    Args:
        augmentations: of a recipe, in an order that the language accepts: those that mix pictures come last.
        pictures: uint8 (batch, height, width, channels), all but the batch known when traced.
        labels: int64 (batch,).
        numbers: float32 (batch, numbers_needed(augmentations)), from 0 to below 1. They decide everything.
        classes: how many there are.

    Returns:
        Pictures as they came, and labels: int64 (batch,), or float32 (batch, classes), the shares of each class, where
        pictures are mixed.
    """
    chain = tuple(options for options in augmentations if not isinstance(options, CROPS))
    return _compiled(chain, classes)(pictures, labels, numbers) if chain else (pictures, labels)


@functools.cache
def _compiled(augmentations: tuple[Any, ...], classes: int) -> Callable[..., tuple[tf.Tensor, tf.Tensor]]:
    alone = [options for options in augmentations if type(options) in PICTURE]
    mixers = [options for options in augmentations if type(options) in MIXING]
    for_alone = numbers_needed(alone)

    @tf.function(jit_compile=True, autograph=False)
    def apply(pictures: tf.Tensor, labels: tf.Tensor, numbers: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        if alone:
            spec = tf.TensorSpec(pictures.shape[1:], tf.uint8)
            chain = functools.partial(_one_by_one, alone)
            pictures = tf.map_fn(chain, (pictures, numbers[:, :for_alone]), fn_output_signature=spec)
        if mixers:
            pictures, labels = _mixed(mixers, pictures, tf.one_hot(labels, classes), numbers[:, for_alone:])
        return pictures, labels

    return apply


def _one_by_one(augmentations: list[Any], example: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
    """One picture after the augmentations."""
    picture, numbers = example
    shape, used = picture.shape, 0
    for options in augmentations:
        count = _count(options)
        picture = PICTURE[type(options)][0](options, picture, numbers[used : used + count])
        picture.set_shape(shape)
        used += count
    return picture


def _mixed(
    augmentations: list[Any], pictures: tf.Tensor, labels: tf.Tensor, numbers: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Pictures and shares of classes, each picture mixed at most once: by the first that its numbers say so of."""
    others, labels_of_others = partners(pictures), partners(labels)
    free, used = tf.ones(tf.shape(labels)[0], tf.bool), 0
    for options in augmentations:
        function, count = MIXING[type(options)]
        chosen = free & (numbers[:, used] < options.probability)
        pictures, share = function(options, pictures, others, chosen, numbers[:, used + 1 : used + 1 + count])
        labels = share[:, tf.newaxis] * labels + (1 - share)[:, tf.newaxis] * labels_of_others
        free &= ~chosen
        used += 1 + count
    return pictures, labels

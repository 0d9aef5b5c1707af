"""Augmentation of training pictures by random numbers that are passed in, compiled by XLA into one function per batch.

Pictures are augmented one after another, each by its own numbers: a picture stays in the processor's cache all the way,
and the result does not depend on its batch. tf.data works on several batches at once, so all cores are busy.

None of this is a Keras layer. Those draw their own numbers, many of them one number for the whole batch, and on two
cores all were slower, from 2 (crop, flip) to 80 times (RandAugment) for pictures of 224x224: `python -m benchmarks
augment`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from archspec.recipe.augment import (
    Affine,
    AugMix,
    Blur,
    ColorJitter,
    Cutmix,
    Grayscale,
    HorizontalFlip,
    Mixup,
    PcaColor,
    RandAugment,
    RandomCrop,
    RandomErasing,
    Rotation,
    TrivialAugment,
    VerticalFlip,
)
from archspec.recipe.crops import CROPS
from builder.augment.blurring import blur
from builder.augment.color import color_jitter, grayscale, pca_color
from builder.augment.geometry import affine, horizontal_flip, random_crop, random_erasing, rotation, vertical_flip
from builder.augment.mixing import cutmix, mixup, partners
from builder.augment.rand_augment import LONGEST_CHAIN, aug_mix, rand_augment, trivial_augment


class Augmentation(NamedTuple):
    """How one kind of augmentation is carried out.

    Attributes:
        apply: for a single picture, from (options, uint8 picture, its numbers) to the new picture; for those that mix,
            see `builder.augment.mixing`.
        numbers: the random numbers that a picture takes, by the augmentation's options.
    """

    apply: Callable[..., Any]
    numbers: Callable[[Any], int]


PICTURE = {
    RandomCrop: Augmentation(random_crop, lambda options: 2),
    HorizontalFlip: Augmentation(horizontal_flip, lambda options: 1),
    VerticalFlip: Augmentation(vertical_flip, lambda options: 1),
    Rotation: Augmentation(rotation, lambda options: 1),
    Affine: Augmentation(affine, lambda options: 5),
    Blur: Augmentation(blur, lambda options: 2),
    Grayscale: Augmentation(grayscale, lambda options: 1),
    PcaColor: Augmentation(pca_color, lambda options: 3),
    ColorJitter: Augmentation(color_jitter, lambda options: 4),
    RandAugment: Augmentation(rand_augment, lambda options: options.layers),
    TrivialAugment: Augmentation(trivial_augment, lambda options: 2),
    AugMix: Augmentation(aug_mix, lambda options: 1 + options.width * (2 + 2 * LONGEST_CHAIN)),
    RandomErasing: Augmentation(random_erasing, lambda options: 6),
}
"""The augmentations of single pictures."""
MIXING = {Mixup: Augmentation(mixup, lambda options: 1), Cutmix: Augmentation(cutmix, lambda options: 3)}
"""The augmentations that mix the pictures of a batch. Each takes one more number, which decides whether it applies."""


def numbers_needed(augmentations: Sequence[Any]) -> int:
    """The number of random numbers that a picture takes for all augmentations.

    Crops to the network's size count as none: they are carried out where pictures are read, by numbers of their own.
    """
    return sum(map(_count, augmentations))


def _count(options: Any) -> int:
    if isinstance(options, CROPS):
        return 0
    if type(options) in MIXING:
        return 1 + MIXING[type(options)].numbers(options)
    return PICTURE[type(options)].numbers(options)


def augmented(
    augmentations: Sequence[Any], pictures: tf.Tensor, labels: tf.Tensor, numbers: tf.Tensor, classes: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """A batch after all augmentations in order, except crops to the network's size.

    Args:
        augmentations: those of a recipe, in an order that the language accepts: the ones that mix pictures come last.
        pictures: uint8 (batch, height, width, channels); all but the batch must be known when the function is traced.
        labels: int64 (batch,).
        numbers: float32 (batch, numbers_needed(augmentations)), from 0 to below 1. The result depends on nothing else.
        classes: the number of classes.

    Returns:
        Pictures of the same shape and type, and labels: int64 (batch,), or, if pictures are mixed, the share of each
        class, float32 (batch, classes).
    """
    chain = tuple(options for options in augmentations if not isinstance(options, CROPS))
    return _compiled(chain, classes)(pictures, labels, numbers) if chain else (pictures, labels)


@functools.cache
def _compiled(augmentations: tuple[Any, ...], classes: int) -> Callable[..., tuple[tf.Tensor, tf.Tensor]]:
    alone = [options for options in augmentations if type(options) in PICTURE]
    mixers = [options for options in augmentations if type(options) in MIXING]
    count = numbers_needed(alone)

    @tf.function(jit_compile=True, autograph=False)
    def apply(pictures: tf.Tensor, labels: tf.Tensor, numbers: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        if alone:
            spec = tf.TensorSpec(pictures.shape[1:], tf.uint8)
            chain = functools.partial(_one_by_one, alone)
            pictures = tf.map_fn(chain, (pictures, numbers[:, :count]), fn_output_signature=spec)
        if mixers:
            pictures, labels = _mixed(mixers, pictures, tf.one_hot(labels, classes), numbers[:, count:])
        return pictures, labels

    return apply


def _one_by_one(augmentations: list[Any], example: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
    """One picture after the augmentations."""
    picture, numbers = example
    shape, used = picture.shape, 0
    for options in augmentations:
        count = _count(options)
        picture = PICTURE[type(options)].apply(options, picture, numbers[used : used + count])
        picture.set_shape(shape)
        used += count
    return picture


def _mixed(
    augmentations: list[Any], pictures: tf.Tensor, labels: tf.Tensor, numbers: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Pictures and the shares of their classes after mixing. A picture is mixed at most once, by the first augmentation
    that its random numbers select."""
    others, labels_of_others = partners(pictures), partners(labels)
    free, used = tf.ones(tf.shape(labels)[0], tf.bool), 0
    for options in augmentations:
        mixing, count = MIXING[type(options)], MIXING[type(options)].numbers(options)
        chosen = free & (numbers[:, used] < options.probability)
        pictures, share = mixing.apply(options, pictures, others, chosen, numbers[:, used + 1 : used + 1 + count])
        labels = share[:, tf.newaxis] * labels + (1 - share)[:, tf.newaxis] * labels_of_others
        free &= ~chosen
        used += 1 + count
    return pictures, labels

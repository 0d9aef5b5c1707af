"""Augmentation of training pictures by random numbers that are passed in, compiled by XLA.

Crops and flips move the pixels of a whole batch at once (`builder.augment.moves`). Otherwise pictures are augmented one
after another, each by its own numbers: a picture stays in the processor's cache all the way, and the result does not
depend on its batch. tf.data works on several batches at once, so all cores are busy.

None of this is a Keras layer. Those draw their own numbers, many of them one number for the whole batch, and on two
cores all were slower, from 2 (crop, flip) to 80 times (RandAugment) for pictures of 224x224: `python -m benchmarks
augment`.
"""

from __future__ import annotations

import functools
import itertools
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
    Mixup,
    PcaColor,
    RandAugment,
    RandomErasing,
    Rotation,
    TrivialAugment,
)
from archspec.recipe.crops import CROPS
from builder.augment.blurring import blur
from builder.augment.color import color_jitter, grayscale, pca_color
from builder.augment.geometry import affine, random_erasing, rotation
from builder.augment.mixing import cutmix, mixup, partners
from builder.augment.moves import MOVES, mover, runs
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
"""The augmentations of single pictures, besides `builder.augment.moves.MOVES`."""
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
    if type(options) in MOVES:
        return MOVES[type(options)].numbers
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
    """The augmentations as functions that are compiled one by one: together, XLA would compute what one of them reads
    again for each pixel of the next."""
    alone = [options for options in augmentations if type(options) not in MIXING]
    mixers = [options for options in augmentations if type(options) in MIXING]
    parts: list[tuple[int, Callable[[tf.Tensor, tf.Tensor], tf.Tensor]]] = []
    for is_move, some in itertools.groupby(alone, lambda options: type(options) in MOVES):
        if is_move:
            parts += [(numbers_needed(run), mover(run)) for run in runs(list(some))]
        else:
            run = list(some)
            change = tf.function(functools.partial(_one_by_one, run), jit_compile=True, autograph=False)
            parts.append((numbers_needed(run), change))
    mix = tf.function(functools.partial(_mixed, mixers, classes), jit_compile=True, autograph=False)

    def apply(pictures: tf.Tensor, labels: tf.Tensor, numbers: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        pictures, numbers, used = tf.convert_to_tensor(pictures), tf.convert_to_tensor(numbers), 0
        for count, change in parts:
            pictures = change(pictures, numbers[:, used : used + count])
            used += count
        return mix(pictures, labels, numbers[:, used:]) if mixers else (pictures, tf.convert_to_tensor(labels))

    return apply


def _one_by_one(augmentations: list[Any], pictures: tf.Tensor, numbers: tf.Tensor) -> tf.Tensor:
    """A batch after augmentations of single pictures."""
    spec = tf.TensorSpec(pictures.shape[1:], tf.uint8)
    return tf.map_fn(functools.partial(_changed, augmentations), (pictures, numbers), fn_output_signature=spec)


def _changed(augmentations: list[Any], example: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
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
    augmentations: list[Any], classes: int, pictures: tf.Tensor, labels: tf.Tensor, numbers: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Pictures and the shares of their classes after mixing. A picture is mixed at most once, by the first augmentation
    that its random numbers select."""
    labels = tf.one_hot(labels, classes)
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

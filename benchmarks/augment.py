"""Augmentations in tf.data against Keras's layers of the same names."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from archspec.recipe.augment import (
    ColorJitter,
    Cutmix,
    HorizontalFlip,
    Mixup,
    PcaColor,
    RandAugment,
    RandomCrop,
    RandomErasing,
)
from benchmarks.measure import Row, in_turn, seconds, show
from builder.augment import augmented, numbers_needed

CLASSES = 10
SIZES = ((64, 224), (128, 32))
"""Pictures in a batch, and their side."""
SECONDS = 0.7
"""How long a measurement should last: most of it would be the start of tf.data's threads otherwise."""
LEAST, MOST = 4, 2000
"""The number of batches in a measurement."""
PAD = 4
"""The border of a random crop, in pixels."""
layers = keras.layers


def run() -> None:
    for count, side in SIZES:
        rows = []
        for augmentations, keras_layers in cases(side):
            pictures, labels = batch(count, side)
            ours = Measured(by_us(augmentations, pictures, labels))
            other = Measured(by_keras(keras_layers, pictures, labels)) if keras_layers else None
            first, second, ratio = in_turn(ours.run, other.run if other else (lambda: None), rounds=3, warm_up=0)
            name = ", ".join(type(options).__name__ for options in augmentations)
            rate = f"{count * ours.batches / first:,.0f}/s"
            if other is None:
                rows.append(Row(name, rate, "has none"))
                continue
            other_rate = f"{count * other.batches / second:,.0f}/s"
            rows.append(Row(name, rate, other_rate, ratio * ours.batches / other.batches, 1.0))
        show(f"Augmentation of {side}x{side} pictures in batches of {count}", rows, "Keras's layers")


class Measured:
    """An augmentation of as many batches as fit into SECONDS, with one batch for each core at a time.

    Attributes:
        batches: how many batches a run augments.
    """

    def __init__(self, dataset: tf.data.Dataset) -> None:
        self.dataset = dataset
        self.batches = LEAST
        self.run()  # compiles
        for _ in range(2):  # the second time from a number that is large enough to say something
            self.batches = min(MOST, max(LEAST, int(self.batches * SECONDS / seconds(self.run))))

    def run(self) -> None:
        for _ in self.dataset.take(self.batches):
            pass


def cases(side: int) -> list[tuple[list[Any], list[Any]]]:
    """Lists augmentations with the Keras layers that do nearly the same."""
    erasing = layers.RandomErasing(0.25, (0.02, 0.33))
    jitter = layers.RandomColorJitter((0, 255), 0.4, 0.4, (0.3, 0.7), 0.1)
    crop = [layers.RandomCrop(side, side, dtype="uint8")]
    flip = layers.RandomFlip("horizontal", dtype="uint8")
    return [
        ([RandomCrop(pad=PAD)], crop),
        ([HorizontalFlip()], [flip]),
        ([PcaColor()], []),
        ([ColorJitter(hue=0.1)], [jitter]),
        ([RandAugment()], [layers.RandAugment((0, 255), num_ops=2, factor=0.3)]),
        ([RandomErasing()], [erasing]),
        ([Mixup()], [layers.MixUp(0.2)]),
        ([Cutmix()], [layers.CutMix(1.0)]),
        ([RandomCrop(pad=PAD), HorizontalFlip()], [*crop, flip]),
        (
            [HorizontalFlip(), ColorJitter(hue=0.1), RandomErasing(), Mixup()],
            [flip, jitter, erasing, layers.MixUp(0.2)],
        ),
    ]


def batch(count: int, side: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Random pictures with their labels."""
    generator = np.random.default_rng(0)
    pictures = tf.constant(generator.integers(0, 256, (count, side, side, 3), np.uint8))
    return pictures, tf.constant(generator.integers(0, CLASSES, count))


def by_us(augmentations: list[Any], pictures: tf.Tensor, labels: tf.Tensor) -> tf.data.Dataset:
    count = numbers_needed(augmentations)

    def augment(number: tf.Tensor) -> Any:
        numbers = tf.random.stateless_uniform([pictures.shape[0], count], [number, 0])
        return augmented(augmentations, pictures, labels, numbers, CLASSES)

    return _mapped(tf.data.Dataset.range(MOST), augment)


def by_keras(keras_layers: list[Any], pictures: tf.Tensor, labels: tf.Tensor) -> tf.data.Dataset:
    """Batches by Keras's layers. Its RandomCrop cuts all pictures of a batch at the same place: for crops of their own,
    as they are here, pictures are cut before they are batched."""
    mixes = isinstance(keras_layers[-1], layers.MixUp | layers.CutMix)
    cuts = [layer for layer in keras_layers if isinstance(layer, layers.RandomCrop)]
    others = [layer for layer in keras_layers if layer not in cuts]

    def augment(number: tf.Tensor, given: tf.Tensor = pictures) -> Any:
        data = {"images": given, "labels": tf.one_hot(labels, CLASSES)} if mixes else given
        for layer in others:
            data = layer(data, training=True)
        return data

    if not cuts:
        return _mapped(tf.data.Dataset.range(MOST), augment)
    (cut,), count, border = cuts, pictures.shape[0], [[PAD, PAD], [PAD, PAD], [0, 0]]
    numbers = tf.data.Dataset.range(MOST * count)
    cropped = _mapped(numbers, lambda number: cut(tf.pad(pictures[number % count], border), training=True)).batch(count)
    return _mapped(cropped, lambda given: augment(0, given)) if others else cropped


def _mapped(dataset: tf.data.Dataset, function: Callable[..., Any]) -> tf.data.Dataset:
    return dataset.map(function, num_parallel_calls=os.cpu_count(), deterministic=True)

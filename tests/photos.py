"""Real pictures and helpers that augment them, for the tests of augmentation."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits, load_sample_images

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
from builder.augment import augmented, numbers_needed

CHINA, FLOWER = load_sample_images().images
HEIGHT, WIDTH = 48, 60
PHOTOS = np.stack(
    [photo[y : y + HEIGHT, x : x + WIDTH] for photo in (CHINA, FLOWER) for y, x in ((60, 90), (200, 300))]
)
DIGITS = load_digits().images[:4, :, :, np.newaxis].astype(np.uint8) * 15
LABELS = np.arange(4)
ALL = [
    RandomCrop(pad=4),
    HorizontalFlip(),
    VerticalFlip(),
    Rotation(degrees=15),
    Affine(shear=10.0),
    Blur(),
    Grayscale(probability=0.5),
    PcaColor(),
    ColorJitter(hue=0.1),
    RandAugment(),
    TrivialAugment(),
    AugMix(),
    RandomErasing(probability=0.9),
    Mixup(),
    Cutmix(),
]
"""One of each augmentation, except the crops, which are carried out when pictures are read."""
FOR_GREY = [
    ColorJitter(saturation=0),
    *(options for options in ALL if not isinstance(options, PcaColor | ColorJitter | Grayscale)),
]


def name(options):
    return type(options).__name__


def drawn(options, count, seed=0):
    """Random numbers for `count` pictures."""
    return np.random.default_rng(seed).random((count, numbers_needed([options])), np.float32)


def applied(options, pictures, numbers, labels=None, classes=4):
    """Pictures and labels after one augmentation, as arrays. A single row of numbers is used for all pictures."""
    numbers = np.broadcast_to(np.array(numbers, np.float32), (len(pictures), numbers_needed([options])))
    labels = np.arange(len(pictures)) % classes if labels is None else labels
    new_pictures, new_labels = augmented(
        (options,), tf.constant(pictures), tf.constant(labels), tf.constant(numbers), classes
    )
    return new_pictures.numpy(), new_labels.numpy()


def changed(options, pictures, numbers):
    return applied(options, pictures, numbers)[0]


def assert_close(found, expected, levels=1):
    """Asserts that pictures are equal up to rounding."""
    assert abs(found.astype(int) - expected.astype(int)).max() <= levels

"""Augmentations of colour for one picture: every new pixel is a linear function of the old one."""

from __future__ import annotations

import math

import numpy as np
import tensorflow as tf

from archspec.recipe.augment import ColorJitter, Grayscale, PcaColor
from builder.augment.arithmetic import LUMA, between, grey, normal, to_float, to_pixels

EIGENVALUES = (55.4625, 4.7940, 1.1475)
"""The eigenvalues of the colours of ImageNet's training pictures, in units of uint8 pixels: 255 times those that
Facebook published with its ResNets (fb.resnet.torch, datasets/imagenet.lua), as AlexNet's authors published none."""
EIGENVECTORS = ((-0.5675, -0.5808, -0.5836), (0.7192, -0.0045, -0.6948), (0.4009, -0.8140, 0.4203))
"""The eigenvectors of the three eigenvalues, as red, green and blue, from the same source: brightness, orange to blue,
and green to purple."""

RED, _, BLUE = np.eye(3)
TO_YIQ = np.stack(
    [LUMA, 0.74 * (RED - LUMA) - 0.27 * (BLUE - LUMA), 0.48 * (RED - LUMA) + 0.41 * (BLUE - LUMA)], axis=1
)
"""From a row of red, green and blue to NTSC's grey and two differences of colour, which span the plane of hues (47 CFR
73.682)."""


def pca_color(options: PcaColor, picture: tf.Tensor, numbers: tf.Tensor) -> tf.Tensor:
    """Adds one colour to the whole picture. Its three numbers say how much of each component."""
    shift = tf.linalg.matvec(EIGENVECTORS, normal(numbers) * EIGENVALUES * options.std, transpose_a=True)
    return to_pixels(to_float(picture) + shift)


def color_jitter(options: ColorJitter, picture: tf.Tensor, numbers: tf.Tensor) -> tf.Tensor:
    """Changes brightness, contrast, saturation and hue, by one number each.

    None of the four affects another: contrast and saturation keep the mean grey of the picture, and hue keeps the grey
    of every pixel. So their order does not matter as long as values are not clipped between them, and one matrix
    product does all four.
    """
    factors = (options.brightness, options.contrast, options.saturation)
    brightness, contrast, saturation = (between(numbers[i], 1 - x, 1 + x) for i, x in enumerate(factors))
    values = to_float(picture)
    if options.contrast:
        mean = tf.reduce_mean(grey(values))
        offset = brightness * (1 - contrast) * mean
    else:
        offset = 0.0
    if not options.saturation and not options.hue:
        return to_pixels(brightness * contrast * values + offset)
    turned = hue_matrix(between(numbers[3], -options.hue, options.hue)) if options.hue else tf.eye(3)
    greyed = tf.constant([[share] * 3 for share in LUMA])
    matrix = brightness * contrast * (greyed + saturation * (turned - greyed))
    # Three products are too few for a matrix multiplication: this was twice as fast.
    return to_pixels(tf.reduce_sum(values[..., tf.newaxis] * matrix, -2) + offset)


def grayscale(options: Grayscale, picture: tf.Tensor, numbers: tf.Tensor) -> tf.Tensor:
    """Replaces each colour by its grey if its number is below the probability."""

    def greyed() -> tf.Tensor:
        return to_pixels(tf.broadcast_to(grey(to_float(picture)), picture.shape))

    return tf.cond(numbers[0] < options.probability, greyed, lambda: picture)


def hue_matrix(turn: tf.Tensor) -> tf.Tensor:
    """The matrix that turns the hue of a colour, a row of red, green and blue, by a share of the circle."""
    cos, sin = tf.cos(2 * math.pi * turn), tf.sin(2 * math.pi * turn)
    rotation = tf.reshape(tf.stack([1.0, 0.0, 0.0, 0.0, cos, sin, 0.0, -sin, cos]), (3, 3))
    return tf.matmul(tf.matmul(TO_YIQ.astype(np.float32), rotation), np.linalg.inv(TO_YIQ).astype(np.float32))

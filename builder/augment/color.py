"""Augmentations of colour: every new pixel is a linear function of the old one, of one picture."""

from __future__ import annotations

import math

import numpy as np
import tensorflow as tf

from archspec.recipe.augment import ColorJitter, PcaColor
from builder.augment.arithmetic import LUMA, between, grey, normal, to_float, to_pixels

EIGENVALUES = (55.4625, 4.7940, 1.1475)
"""Of the colours of ImageNet's training pictures, in units of their uint8 pixels: 255 times those that Facebook
published with its ResNets (fb.resnet.torch, datasets/imagenet.lua), as AlexNet's authors gave none."""
EIGENVECTORS = ((-0.5675, -0.5808, -0.5836), (0.7192, -0.0045, -0.6948), (0.4009, -0.8140, 0.4203))
"""Those of the three eigenvalues, as red, green and blue, from the same source: brightness, orange to blue, and green
to purple."""


RED, GREEN, BLUE = np.eye(3)
TO_YIQ = np.stack(
    [LUMA, 0.74 * (RED - LUMA) - 0.27 * (BLUE - LUMA), 0.48 * (RED - LUMA) + 0.41 * (BLUE - LUMA)], axis=1
)
"""From red, green and blue, a row, to NTSC's grey and the two differences of colour whose plane has the hues around its
middle (47 CFR 73.682)."""


def pca_color(options: PcaColor, picture: tf.Tensor, numbers: tf.Tensor) -> tf.Tensor:
    """The picture plus one colour. Three numbers: how much of each component."""
    shift = tf.linalg.matvec(EIGENVECTORS, normal(numbers) * EIGENVALUES * options.std, transpose_a=True)
    return to_pixels(to_float(picture) + shift)


def color_jitter(options: ColorJitter, picture: tf.Tensor, numbers: tf.Tensor) -> tf.Tensor:
    """The picture brighter or darker, and so on. Four numbers: brightness, contrast, saturation, hue.

    None of the four changes what another sees: contrast and saturation keep the mean grey, hue keeps every pixel's. So
    as long as values are not cut to 0 and 255 between them, their order does not matter, and one product does all.
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


def hue_matrix(turn: tf.Tensor) -> tf.Tensor:
    """Turns the hue of a colour, a row of red, green and blue, by a share of the circle and keeps its grey."""
    cos, sin = tf.cos(2 * math.pi * turn), tf.sin(2 * math.pi * turn)
    rotation = tf.reshape(tf.stack([1.0, 0.0, 0.0, 0.0, cos, sin, 0.0, -sin, cos]), (3, 3))
    return tf.matmul(tf.matmul(TO_YIQ.astype(np.float32), rotation), np.linalg.inv(TO_YIQ).astype(np.float32))

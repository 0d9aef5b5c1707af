"""Crops that bring training pictures to the network's size, by random numbers that are given.

Each is a window of the picture, resized. What comes from a JPEG is decoded in the window only.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from archspec.recipe.augment import RandomResizedCrop, ResizedCrop, ScaleJitter
from builder.pictures.resizing import Shape, decoded, with_channels

TRIES = 10
"""Windows drawn by RandomResizedCrop until one lies in the picture, as is usual; then the largest in the middle."""


def numbers_needed(crop: Any) -> int:
    """How many random numbers from 0 to below 1 a picture's crop needs."""
    return 0 if crop is None else WINDOWS[type(crop)][1]


def windows(crop: Any, sizes: tf.Tensor, shape: Shape, numbers: tf.Tensor) -> tf.Tensor:
    """Where to crop pictures: int32 (batch, 4), top, left, height and width in pixels of the picture.

    Args:
        sizes: (batch, 2), height and width of each picture.
        numbers: (batch, numbers_needed(crop)).
    """
    height, width = tf.unstack(tf.cast(sizes, tf.float32), axis=1)
    tall, wide, numbers = WINDOWS[type(crop)][0](crop, height, width, shape, numbers)
    tall, wide = tf.clip_by_value(tf.round(tall), 1, height), tf.clip_by_value(tf.round(wide), 1, width)
    top, left = tf.floor(numbers[:, 0] * (height - tall + 1)), tf.floor(numbers[:, 1] * (width - wide + 1))
    return tf.cast(tf.stack([top, left, tall, wide], 1), tf.int32)


Extent = tuple[tf.Tensor, tf.Tensor, tf.Tensor]
"""Height and width (batch,) of each window, and numbers (batch, 2) that place it."""


def _resized_crop(crop: ResizedCrop, height: tf.Tensor, width: tf.Tensor, shape: Shape, numbers: tf.Tensor) -> Extent:
    scale = tf.minimum(height, width) / crop.side
    return shape[0] * scale, shape[1] * scale, numbers


def _scale_jitter(crop: ScaleJitter, height: tf.Tensor, width: tf.Tensor, shape: Shape, numbers: tf.Tensor) -> Extent:
    side = crop.least + tf.floor(numbers[:, 2] * (crop.most - crop.least + 1))
    scale = tf.minimum(height, width) / side
    return shape[0] * scale, shape[1] * scale, numbers


def _random_resized_crop(
    crop: RandomResizedCrop, height: tf.Tensor, width: tf.Tensor, shape: Shape, numbers: tf.Tensor
) -> Extent:
    least, most = crop.ratio
    share = crop.area[0] + numbers[:, 2 : 2 + TRIES] * (crop.area[1] - crop.area[0])
    area = (height * width)[:, tf.newaxis] * share
    ratio = least * tf.pow(most / least, numbers[:, 2 + TRIES :])  # its logarithm is uniform
    heights, widths = tf.round(tf.sqrt(area / ratio)), tf.round(tf.sqrt(area * ratio))
    fits = (heights <= height[:, tf.newaxis]) & (widths <= width[:, tf.newaxis]) & (heights >= 1) & (widths >= 1)
    found = tf.reduce_any(fits, 1)
    first = tf.one_hot(tf.argmax(tf.cast(fits, tf.int32), 1), TRIES)
    clipped = tf.clip_by_value(width / height, least, most)
    tall = tf.where(found, tf.reduce_sum(heights * first, 1), tf.minimum(height, width / clipped))
    wide = tf.where(found, tf.reduce_sum(widths * first, 1), tf.minimum(width, height * clipped))
    return tall, wide, tf.where(found[:, tf.newaxis], numbers[:, :2], 0.5)


WINDOWS: dict[type, tuple[Callable[..., Extent], int]] = {
    ResizedCrop: (_resized_crop, 2),
    ScaleJitter: (_scale_jitter, 3),
    RandomResizedCrop: (_random_resized_crop, 2 + 2 * TRIES),
}
"""For each crop the extent of its windows, and how many random numbers it takes."""


# -- one encoded picture -----------------------------------------------------------------------------------------------


def scales(sizes: np.ndarray, shape: Shape) -> tuple[int, ...]:
    """Of the scales 1/1, 1/2, 1/4 and 1/8 that a JPEG can be decoded at, those that crops of pictures of some sizes
    (count, 2) may need."""
    return tuple(scale for scale in (1, 2, 4, 8) if scale == 1 or (sizes >= np.multiply(shape[:2], scale)).all(1).any())


def cropped_bytes(
    contents: tf.Tensor, window: tf.Tensor, shape: Shape, jpeg: bool = False, scales: tuple[int, ...] = (1, 2, 4, 8)
) -> tf.Tensor:
    """A window (4,) of one encoded picture, resized: uint8 of the network's shape.

    Args:
        jpeg: whether it is known to be a JPEG.
        scales: those that may be needed.
    """

    def of_jpeg() -> tf.Tensor:
        return _resize(_decoded_window(contents, window, shape, scales), shape)

    def of_other() -> tf.Tensor:
        picture = decoded(contents, shape[2])
        top, left, height, width = tf.unstack(window)
        part = picture[top : top + height, left : left + width]
        halved = (height >= 2 * shape[0]) & (width >= 2 * shape[1])
        return tf.cond(halved, lambda: _resize(part, shape, antialias=True), lambda: _resize(part, shape))

    return tf.ensure_shape(of_jpeg() if jpeg else tf.cond(tf.image.is_jpeg(contents), of_jpeg, of_other), shape)


def _decoded_window(contents: tf.Tensor, window: tf.Tensor, shape: Shape, scales: tuple[int, ...]) -> tf.Tensor:
    """The window, decoded at the smallest scale that leaves no less than what is wanted: the decoder averages, so that
    plain bilinear resizing need not, and large photographs cost little."""

    def at(scale: int) -> tf.Tensor:
        return tf.io.decode_and_crop_jpeg(contents, window // scale, channels=shape[2], ratio=scale)

    if len(scales) == 1:
        return at(1)
    enough = [tf.reduce_all(window[2:] >= np.multiply(shape[:2], scale)) for scale in scales[1:]]
    return tf.switch_case(tf.reduce_sum(tf.cast(enough, tf.int32)), [functools.partial(at, scale) for scale in scales])


def _resize(picture: tf.Tensor, shape: Shape, antialias: bool = False) -> tf.Tensor:
    """Bilinear. `tf.image.resize` does the same with more operations around it, which cost a tenth of the time."""
    if antialias:
        resized = tf.image.resize(picture, shape[:2], antialias=True)
    else:
        resized = tf.raw_ops.ResizeBilinear(images=picture[tf.newaxis], size=shape[:2], half_pixel_centers=True)[0]
    return tf.cast(tf.round(resized), tf.uint8)


# -- a batch of pictures of one size -----------------------------------------------------------------------------------


def cropped(crop: Any, pictures: tf.Tensor, shape: Shape, numbers: tf.Tensor) -> tf.Tensor:
    """The crops of a batch of pictures (batch, height, width, channels): uint8 (batch, *shape), antialiased."""
    height, width, channels = pictures.shape[1:]
    sizes = tf.tile([[height, width]], [tf.shape(pictures)[0], 1])
    top, left, tall, wide = tf.unstack(windows(crop, sizes, shape, numbers), axis=1)
    rows = _weights(top, tall, height, shape[0])
    columns = _weights(left, wide, width, shape[1])
    values = tf.reshape(tf.cast(pictures, tf.float32), [-1, height, width * channels])
    values = tf.reshape(tf.matmul(rows, values), [-1, shape[0], width, channels])
    values = tf.transpose(values, [0, 2, 1, 3])
    values = tf.matmul(columns, tf.reshape(values, [-1, width, shape[0] * channels]))
    values = tf.transpose(tf.reshape(values, [-1, shape[1], shape[0], channels]), [0, 2, 1, 3])
    return with_channels(tf.cast(tf.round(values), tf.uint8), shape[2])


def _weights(start: tf.Tensor, length: tf.Tensor, size: int, out: int) -> tf.Tensor:
    """The share (batch, out, size) that each pixel of a row has in each pixel of its resized window: triangles as wide
    as the scale, cut off at the window's ends."""
    first, count = tf.cast(start, tf.float32)[:, tf.newaxis], tf.cast(length, tf.float32)[:, tf.newaxis]
    scale = count / out
    centres = (tf.range(out, dtype=tf.float32) + 0.5) * scale - 0.5
    pixels = tf.range(size, dtype=tf.float32) - first  # (batch, size), from the window's start
    distance = tf.abs(centres[:, :, tf.newaxis] - pixels[:, tf.newaxis])
    inside = ((pixels >= 0) & (pixels < count))[:, tf.newaxis]
    weights = tf.where(inside, tf.maximum(0.0, 1 - distance / tf.maximum(scale, 1.0)[:, :, tf.newaxis]), 0.0)
    return weights / tf.reduce_sum(weights, -1, keepdims=True)

"""Crops that bring training pictures to the network's size, by random numbers that are passed in.

Each crop is a window of the picture, resized. Of a JPEG only the window is decoded.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from archspec.recipe.crops import RandomResizedCrop, ResizedCrop, ScaleJitter
from builder.pictures import headers
from builder.pictures.resizing import Shape, decoded, with_channels

TRIES = 10
"""How many windows RandomResizedCrop draws until one is inside the picture, as is usual; if none is, it takes the
largest one at the centre."""


def numbers_needed(crop: Any) -> int:
    """The number of random numbers, from 0 to below 1, that a picture takes for its crop."""
    return 0 if crop is None else WINDOWS[type(crop)].numbers


def windows(crop: Any, sizes: tf.Tensor, shape: Shape, numbers: tf.Tensor) -> tf.Tensor:
    """The windows to crop, int32 (batch, 4): top, left, height and width in pixels of the picture.

    Args:
        crop: one of `archspec.recipe.crops.CROPS`.
        sizes: the height and width of each picture, int32 (batch, 2).
        shape: the network's input, (height, width, channels).
        numbers: float32 (batch, numbers_needed(crop)), from 0 to below 1.
    """
    height, width = tf.unstack(tf.cast(sizes, tf.float32), axis=1)
    tall, wide, numbers = WINDOWS[type(crop)].extent(crop, height, width, shape, numbers)
    tall, wide = tf.clip_by_value(tf.round(tall), 1, height), tf.clip_by_value(tf.round(wide), 1, width)
    top, left = tf.floor(numbers[:, 0] * (height - tall + 1)), tf.floor(numbers[:, 1] * (width - wide + 1))
    return tf.cast(tf.stack([top, left, tall, wide], 1), tf.int32)


Extent = tuple[tf.Tensor, tf.Tensor, tf.Tensor]
"""The height and width (batch,) of each window, and the numbers (batch, 2) that decide its position."""


class Window(NamedTuple):
    """How a crop draws its windows.

    Attributes:
        extent: from (crop, heights, widths, shape, numbers) to the extents of the windows.
        numbers: the random numbers that a picture takes.
    """

    extent: Callable[..., Extent]
    numbers: int


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


WINDOWS = {
    ResizedCrop: Window(_resized_crop, 2),
    ScaleJitter: Window(_scale_jitter, 3),
    RandomResizedCrop: Window(_random_resized_crop, 2 + 2 * TRIES),
}
"""The windows of each crop in `archspec.recipe.crops.CROPS`."""


# -- one encoded picture -----------------------------------------------------------------------------------------------


def scales(sizes: np.ndarray, shape: Shape) -> tuple[int, ...]:
    """The denominators of the scales 1/1, 1/2, 1/4 and 1/8 of a JPEG's decoder that crops of pictures with these sizes,
    (count, 2), may use."""
    return tuple(scale for scale in (1, 2, 4, 8) if scale == 1 or (sizes >= np.multiply(shape[:2], scale)).all(1).any())


def cropped_bytes(
    contents: tf.Tensor, window: tf.Tensor, shape: Shape, jpeg: bool = False, scales: tuple[int, ...] = (1, 2, 4, 8)
) -> tf.Tensor:
    """A window of one encoded picture whose header has been checked, resized to the network's shape, uint8.

    Args:
        contents: the bytes of the file.
        window: top, left, height and width, int32 (4,).
        shape: the network's input, (height, width, channels).
        jpeg: whether the file is known to be a JPEG.
        scales: the denominators of the scales that may be used.
    """

    def of_jpeg() -> tf.Tensor:
        return _resize(_decoded_window(contents, window, shape, scales), shape)

    def of_other() -> tf.Tensor:
        picture = decoded(contents, shape[2], is_checked=True)
        top, left, height, width = tf.unstack(window)
        part = picture[top : top + height, left : left + width]
        halved = (height >= 2 * shape[0]) & (width >= 2 * shape[1])
        return tf.cond(halved, lambda: _resize(part, shape, antialias=True), lambda: _resize(part, shape))

    return tf.ensure_shape(of_jpeg() if jpeg else tf.cond(tf.image.is_jpeg(contents), of_jpeg, of_other), shape)


def _decoded_window(contents: tf.Tensor, window: tf.Tensor, shape: Shape, scales: tuple[int, ...]) -> tf.Tensor:
    """The window, decoded at the smallest scale that is no smaller than the result. The decoder averages pixels, so
    plain bilinear resizing is enough afterwards, and large photographs cost little."""

    def at(scale: int) -> tf.Tensor:
        return tf.io.decode_and_crop_jpeg(contents, window // scale, channels=shape[2], ratio=scale)

    if len(scales) == 1:
        return at(1)
    enough = [tf.reduce_all(window[2:] >= np.multiply(shape[:2], scale)) for scale in scales[1:]]
    index = tf.maximum(tf.reduce_sum(tf.cast(enough, tf.int32)), tf.cast(headers.is_reduced(contents), tf.int32))
    return tf.switch_case(index, [functools.partial(at, scale) for scale in scales])


def _resize(picture: tf.Tensor, shape: Shape, antialias: bool = False) -> tf.Tensor:
    """Resizes bilinearly. `tf.image.resize` does the same with more operations around it, a tenth of the time."""
    if antialias:
        resized = tf.image.resize(picture, shape[:2], antialias=True)
    else:
        resized = tf.raw_ops.ResizeBilinear(images=picture[tf.newaxis], size=shape[:2], half_pixel_centers=True)[0]
    return tf.cast(tf.round(resized), tf.uint8)


# -- a batch of pictures of one size -----------------------------------------------------------------------------------


def cropped(crop: Any, pictures: tf.Tensor, shape: Shape, numbers: tf.Tensor) -> tf.Tensor:
    """The crops of a batch of pictures (batch, height, width, channels), antialiased: uint8 (batch, *shape)."""
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
    """The weights (batch, out, size) of the pixels of a row in each pixel of its resized window: triangles as wide as
    the scale, cut off at the ends of the window."""
    first, count = tf.cast(start, tf.float32)[:, tf.newaxis], tf.cast(length, tf.float32)[:, tf.newaxis]
    scale = count / out
    centres = (tf.range(out, dtype=tf.float32) + 0.5) * scale - 0.5
    pixels = tf.range(size, dtype=tf.float32) - first  # (batch, size), from the window's start
    distance = tf.abs(centres[:, :, tf.newaxis] - pixels[:, tf.newaxis])
    inside = ((pixels >= 0) & (pixels < count))[:, tf.newaxis]
    weights = tf.where(inside, tf.maximum(0.0, 1 - distance / tf.maximum(scale, 1.0)[:, :, tf.newaxis]), 0.0)
    return weights / tf.reduce_sum(weights, -1, keepdims=True)

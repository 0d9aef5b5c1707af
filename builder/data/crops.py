"""Crops that bring training pictures to the network's size, by random numbers that are given.

Each is a window of the picture, resized. What comes from a JPEG is decoded in the window only.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from archspec.recipe.augment import RandomResizedCrop, ResizedCrop, ScaleJitter
from builder.preprocess import Shape, decoded, with_channels

TRIES = 10
"""Windows drawn by RandomResizedCrop until one lies in the picture, as is usual; then the largest in the middle."""

Window = tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]
"""Top, left, height and width in pixels of the picture, int32."""


def numbers_needed(crop: Any) -> int:
    """How many random numbers from 0 to below 1 a picture's crop needs."""
    return 0 if crop is None else WINDOWS[type(crop)][1]


def window(crop: Any, size: tf.Tensor, shape: Shape, numbers: tf.Tensor) -> Window:
    """Where to crop pictures of one size (height, width); `numbers` are (..., numbers_needed), for each a window."""
    height, width = tf.unstack(tf.cast(size, tf.float32))
    return WINDOWS[type(crop)][0](crop, height, width, shape, numbers)


def _resized_crop(crop: ResizedCrop, height: tf.Tensor, width: tf.Tensor, shape: Shape, numbers: tf.Tensor) -> Window:
    return _of_resized(float(crop.side), height, width, shape, numbers)


def _scale_jitter(crop: ScaleJitter, height: tf.Tensor, width: tf.Tensor, shape: Shape, numbers: tf.Tensor) -> Window:
    side = crop.least + tf.floor(numbers[..., 2] * (crop.most - crop.least + 1))
    return _of_resized(side, height, width, shape, numbers[..., :2])


def _of_resized(side: Any, height: tf.Tensor, width: tf.Tensor, shape: Shape, numbers: tf.Tensor) -> Window:
    """A crop of the network's size from the picture whose shorter side is resized to `side`."""
    scale = tf.minimum(height, width) / side
    return _placed(height, width, shape[0] * scale, shape[1] * scale, numbers)


def _random_resized_crop(
    crop: RandomResizedCrop, height: tf.Tensor, width: tf.Tensor, shape: Shape, numbers: tf.Tensor
) -> Window:
    least, most = crop.ratio
    area = height * width * (crop.area[0] + numbers[..., 2 : 2 + TRIES] * (crop.area[1] - crop.area[0]))
    ratio = least * tf.pow(most / least, numbers[..., 2 + TRIES :])  # its logarithm is uniform
    heights, widths = tf.round(tf.sqrt(area / ratio)), tf.round(tf.sqrt(area * ratio))
    fits = (heights <= height) & (widths <= width) & (heights >= 1) & (widths >= 1)
    found = tf.reduce_any(fits, -1)
    first = tf.one_hot(tf.argmax(tf.cast(fits, tf.int32), -1), TRIES)
    clipped = tf.clip_by_value(width / height, least, most)
    largest = tf.minimum(height, width / clipped), tf.minimum(width, height * clipped)
    tall = tf.where(found, tf.reduce_sum(heights * first, -1), largest[0])
    wide = tf.where(found, tf.reduce_sum(widths * first, -1), largest[1])
    return _placed(height, width, tall, wide, tf.where(found[..., tf.newaxis], numbers[..., :2], 0.5))


def _placed(height: tf.Tensor, width: tf.Tensor, tall: tf.Tensor, wide: tf.Tensor, numbers: tf.Tensor) -> Window:
    tall, wide = tf.clip_by_value(tf.round(tall), 1, height), tf.clip_by_value(tf.round(wide), 1, width)
    top, left = tf.floor(numbers[..., 0] * (height - tall + 1)), tf.floor(numbers[..., 1] * (width - wide + 1))
    top, left, tall, wide = (tf.cast(value, tf.int32) for value in (top, left, tall, wide))
    return top, left, tf.broadcast_to(tall, tf.shape(top)), tf.broadcast_to(wide, tf.shape(top))


WINDOWS: dict[type, tuple[Callable[..., Window], int]] = {
    ResizedCrop: (_resized_crop, 2),
    ScaleJitter: (_scale_jitter, 3),
    RandomResizedCrop: (_random_resized_crop, 2 + 2 * TRIES),
}
"""For each crop its window, and how many random numbers it takes."""


# -- one encoded picture -----------------------------------------------------------------------------------------------


def cropped_bytes(crop: Any, contents: tf.Tensor, shape: Shape, numbers: tf.Tensor) -> tf.Tensor:
    """The crop of one encoded picture: uint8 of the network's shape."""

    def jpeg() -> tf.Tensor:
        place = window(crop, tf.io.extract_jpeg_shape(contents)[:2], shape, numbers)
        return _resize(_decoded_window(contents, place, shape), shape, antialias=False)

    def other() -> tf.Tensor:
        picture = decoded(contents, shape[2])
        top, left, height, width = window(crop, tf.shape(picture)[:2], shape, numbers)
        part = picture[top : top + height, left : left + width]
        halved = (height >= 2 * shape[0]) & (width >= 2 * shape[1])
        return tf.cond(
            halved, lambda: _resize(part, shape, antialias=True), lambda: _resize(part, shape, antialias=False)
        )

    return tf.ensure_shape(tf.cond(tf.image.is_jpeg(contents), jpeg, other), shape)


def _decoded_window(contents: tf.Tensor, place: Window, shape: Shape) -> tf.Tensor:
    """The window, decoded at 1, 1/2, 1/4 or 1/8 of the size, the smallest that is no smaller than what is wanted: the
    decoder averages, so that plain bilinear resizing need not, and large photographs cost little."""
    top, left, height, width = place
    exponent = tf.reduce_sum(
        [tf.cast((height >= shape[0] * ratio) & (width >= shape[1] * ratio), tf.int32) for ratio in (2, 4, 8)]
    )

    def at(ratio: int) -> tf.Tensor:
        corner = tf.stack([top // ratio, left // ratio, height // ratio, width // ratio])
        return tf.io.decode_and_crop_jpeg(contents, corner, channels=shape[2], ratio=ratio)

    return tf.switch_case(exponent, [functools.partial(at, ratio) for ratio in (1, 2, 4, 8)])


def _resize(picture: tf.Tensor, shape: Shape, antialias: bool) -> tf.Tensor:
    return tf.cast(tf.round(tf.image.resize(picture, shape[:2], antialias=antialias)), tf.uint8)


# -- a batch of pictures of one size -----------------------------------------------------------------------------------


def cropped(crop: Any, pictures: tf.Tensor, shape: Shape, numbers: tf.Tensor) -> tf.Tensor:
    """The crops of a batch of pictures (batch, height, width, channels): uint8 (batch, *shape), antialiased."""
    height, width, channels = pictures.shape[1:]
    top, left, tall, wide = window(crop, tf.constant([height, width]), shape, numbers)
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

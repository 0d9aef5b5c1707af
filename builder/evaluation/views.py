"""The views of a picture: the crops that papers average over at test time, in pure TensorFlow."""

from __future__ import annotations

import tensorflow as tf

from builder.evaluation.scheme import Scheme
from builder.pictures.resizing import Shape, centre_crop, with_channels

GRID = 5
"""The number of positions along each side."""


def views(picture: tf.Tensor, shape: Shape, scheme: Scheme, side: int) -> tf.Tensor:
    """The views of one picture at one scale.

    Args:
        picture: uint8 (height, width, channels).
        shape: the network's input.
        scheme: the kind of views.
        side: the length that the shorter side is resized to; it is longer if the crop would not fit.

    Returns:
        uint8 (views, height, width, channels), mirror images last. Height and width are those of `shape`, or for
        `dense` those of the whole resized picture.
    """
    if scheme.crops == "centre":
        return centre_crop(picture, shape, side)[tf.newaxis]
    whole = resized(picture, shape, side)
    if scheme.crops == "dense":
        cut = whole[tf.newaxis]
    else:
        size = tf.shape(whole)[:2]
        offsets = _ten(size, shape, side) if scheme.crops == "ten" else _grid(size, shape)
        cut = tf.stack([tf.slice(whole, [offset[0], offset[1], 0], shape) for offset in tf.unstack(offsets)])
    return tf.concat([cut, cut[:, :, ::-1]], 0) if scheme.mirrors else cut


def resized(picture: tf.Tensor, shape: Shape, side: int) -> tf.Tensor:
    """A picture resized so that its shorter side has a length, or a longer one if the network's input would not fit.

    This is the evaluation transform before its crop.
    """
    old = tf.cast(tf.shape(picture)[:2], tf.float32)
    target = tf.constant(shape[:2], tf.float32)
    scale = tf.maximum(side / tf.reduce_min(old), tf.reduce_max(target / old))
    new = tf.maximum(tf.round(old * scale), target)
    large = tf.raw_ops.ScaleAndTranslate(
        images=picture[tf.newaxis],
        size=tf.cast(new, tf.int32),
        scale=new / old,
        translation=tf.zeros(2),
        kernel_type="triangle",
        antialias=True,
    )[0]
    return with_channels(tf.cast(tf.round(large), tf.uint8), shape[2])


def _ten(size: tf.Tensor, shape: Shape, side: int) -> tf.Tensor:
    """The top and left of the crops at the four corners and the centre of the central part, int32 (5, 2).

    For a square network the central part is the square of the shorter side.
    """
    target = tf.constant(shape[:2])
    part = tf.minimum(size, [max(length, round(length * side / min(shape[:2]))) for length in shape[:2]])
    first = (size - part) // 2
    last = first + part - target
    middle = (size - target) // 2
    rows, columns = [first[0], first[0], last[0], last[0]], [first[1], last[1], first[1], last[1]]
    return tf.stack([tf.stack([*rows, middle[0]]), tf.stack([*columns, middle[1]])], 1)


def _grid(size: tf.Tensor, shape: Shape) -> tf.Tensor:
    """The top and left of crops that are evenly spread over the whole picture, int32 (25, 2)."""
    room = tf.cast(size - shape[:2], tf.float32)
    steps = tf.linspace(0.0, 1.0, GRID)
    rows, columns = (tf.cast(tf.round(room[axis] * steps), tf.int32) for axis in (0, 1))
    return tf.reshape(tf.stack(tf.meshgrid(rows, columns, indexing="ij"), -1), [-1, 2])

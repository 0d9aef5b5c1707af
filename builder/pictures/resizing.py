"""The evaluation transform: from any picture to the network's input, the same in validation, in prediction and in an
exported model. It is pure TensorFlow, and sizes need not be known before it runs."""

from __future__ import annotations

import tensorflow as tf

from builder.pictures.orientation import upright

Shape = tuple[int, int, int]
MARGIN = 256 / 224
"""The usual ratio of the resized side to the side of the crop (Krizhevsky et al. 2012, section 4.1)."""


def centre_crop(pictures: tf.Tensor, shape: Shape, resize: int | None = None) -> tf.Tensor:
    """Brings pictures of one size to the network's: resizes them, then crops the centre, as one operation.

    Resizing is bilinear, with antialiasing.

    Args:
        pictures: uint8 (height, width, channels) or (batch, height, width, channels); grey ones are repeated if the
            network takes three channels.
        shape: the network's input, (height, width, channels).
        resize: the length of the shorter side before the crop (a recipe's `eval_resize`); it is longer if the crop
            would not fit. By default it is 256/224 of the network's, and pictures of exactly the network's size are
            left as they are.

    Returns:
        uint8 of `shape`, with a batch dimension in front if `pictures` has one.
    """
    pictures = tf.convert_to_tensor(pictures)
    if resize is None and pictures.shape[-3:-1] == shape[:2]:
        return with_channels(pictures, shape[2])
    batch = pictures if pictures.shape.rank == 4 else pictures[tf.newaxis]
    old = tf.shape(batch)[1:3]
    new = _resized(tf.cast(old, tf.float32), shape, resize)
    offset = (new - shape[:2]) // 2
    crop = tf.raw_ops.ScaleAndTranslate(
        images=batch,
        size=shape[:2],
        scale=tf.cast(new, tf.float32) / tf.cast(old, tf.float32),
        translation=-tf.cast(offset, tf.float32),
        kernel_type="triangle",
        antialias=True,
    )
    crop = with_channels(tf.cast(tf.round(crop), tf.uint8), shape[2])
    return crop if pictures.shape.rank == 4 else crop[0]


def _resized(old: tf.Tensor, shape: Shape, resize: int | None) -> tf.Tensor:
    """The height and width, int32, to which a picture of size `old` is resized before the crop."""
    target = tf.constant(shape[:2], tf.float32)
    if resize is None:
        side = min(shape[:2])
        scale = tf.reduce_max(target / old) * (round(side * MARGIN) / side)
        scale = tf.where(tf.reduce_all(old == target), 1.0, scale)
    else:
        scale = tf.maximum(resize / tf.reduce_min(old), tf.reduce_max(target / old))
    return tf.cast(tf.maximum(tf.round(old * scale), target), tf.int32)


def centre_crop_bytes(
    contents: tf.Tensor, shape: Shape, resize: int | None = None, is_turned: bool = False
) -> tf.Tensor:
    """Decodes JPEG, PNG, GIF or BMP files and brings them to the network's size; see `decoded` and `centre_crop`.

    Args:
        contents: the bytes of a file, a scalar string, or a batch of them, (batch,).
        shape, resize: see `centre_crop`.
        is_turned: see `decoded`.

    Returns:
        uint8 of `shape`, with a batch dimension in front if `contents` has one.
    """

    def transform(one: tf.Tensor) -> tf.Tensor:
        return centre_crop(decoded(one, shape[2], is_turned), shape, resize)

    if contents.shape.rank == 0:
        return transform(contents)
    return tf.map_fn(transform, contents, fn_output_signature=tf.TensorSpec(shape, tf.uint8))


def decoded(contents: tf.Tensor, channels: int, is_turned: bool = False) -> tf.Tensor:
    """One encoded picture as uint8 (height, width, channels).

    The first frame of an animation is taken. Grey is repeated if three channels are wanted, transparency is dropped.

    Args:
        contents: the bytes of a JPEG, PNG, GIF or BMP file.
        channels: the channels of the result.
        is_turned: whether JPEGs are turned as their Exif metadata say, as a served model does. Training and validation
            take pixels as they are stored, as is usual for ImageNet.
    """

    def bmp() -> tf.Tensor:  # TensorFlow's decoder for it does not convert channels
        picture = tf.io.decode_bmp(contents)
        colours = picture[..., :3] + tf.zeros(3, tf.uint8)
        if channels == 1:
            is_grey = tf.shape(picture)[2] == 1
            return tf.cond(is_grey, lambda: picture, lambda: tf.image.rgb_to_grayscale(colours))
        opaque = tf.fill((*tf.unstack(tf.shape(picture)[:2]), 1), tf.constant(255, tf.uint8))
        return tf.concat([colours, picture[..., 3:], opaque], 2)[..., :channels]

    def other() -> tf.Tensor:
        return tf.io.decode_image(contents, channels, expand_animations=False)

    is_bmp = tf.strings.substr(contents, 0, 2) == b"BM"
    picture = tf.cond(is_bmp, bmp, other)
    return tf.ensure_shape(upright(picture, contents) if is_turned else picture, (None, None, channels))


def with_channels(pictures: tf.Tensor, channels: int) -> tf.Tensor:
    """Repeats grey pictures (..., 1) to more channels; others are returned as they are."""
    grey = pictures.shape[-1] == 1 and channels > 1
    return tf.repeat(pictures, channels, axis=-1) if grey else pictures

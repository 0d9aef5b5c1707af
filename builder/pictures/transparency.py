"""Pictures with transparent parts, put on a background: the same in training, prediction and a served model.

The colours of transparent pixels mean nothing, and many programs store black there. Icons and cut-outs may even be
black throughout, so that a picture whose transparency is dropped shows nothing. This is TensorFlow code.
"""

from __future__ import annotations

import tensorflow as tf

BACKGROUND = "white, or black where a picture shows nothing else than white"
"""What transparent parts are put on, in words."""
MOST_BLOCKS = 1000
"""The blocks of a GIF's extensions that are looked at; real files have a few."""
EXTENSION, CONTROL, IMAGE, TABLE, TRANSPARENT = 0x21, 0xF9, 0x2C, 0x80, 1
"""Bytes and flags of GIFs (GIF89a specification, sections 18, 20 and 23)."""
SCREEN_FLAGS, SCREEN = 10, 13
"""The position of the flags of a GIF's logical screen, and that of what follows it."""


def flattened(picture: tf.Tensor) -> tf.Tensor:
    """A picture without its transparency: on white, as web browsers show it, or on black if it shows nothing else than
    white. One of the same opacity everywhere keeps its colours.

    Args:
        picture: uint8 (height, width, 4): red, green, blue and opacity; or (height, width, 3), which is returned.

    Returns:
        uint8 (height, width, 3).
    """
    colours = picture[..., :3]

    def on_background() -> tf.Tensor:
        opacity = tf.cast(picture[..., 3:], tf.uint16)
        shown = tf.cast(colours, tf.uint16) * opacity + 127  # at most 255 * 255 + 127, which is a uint16
        on_white = tf.cast((shown + 255 * (255 - opacity)) // 255, tf.uint8)
        return tf.cond(tf.reduce_min(on_white) == 255, lambda: tf.cast(shown // 255, tf.uint8), lambda: on_white)

    return tf.cond(is_transparent(picture), on_background, lambda: colours)


def is_transparent(picture: tf.Tensor) -> tf.Tensor:
    """Whether some parts of a picture, uint8 (height, width, 3 or 4), are more opaque than others."""
    opacity = picture[..., 3:]
    return tf.reduce_min(opacity) < tf.reduce_max(opacity)  # nothing is the other way round: 255 and 0


def opaque(picture: tf.Tensor) -> tf.Tensor:
    """A picture with opacity, uint8 (height, width, 4), from one with or without it."""
    full = tf.fill((*tf.unstack(tf.shape(picture)[:2]), 1), tf.constant(255, tf.uint8))
    return tf.concat([picture, full], 2)[..., :4]


def decoded_gif(contents: tf.Tensor) -> tf.Tensor:
    """The first frame of a GIF, uint8 (height, width, 3), or 4 with opacity.

    TensorFlow's decoder returns black where a pixel is transparent. It is so where the pixel becomes white once the
    file says that no colour is transparent, and that this one is white.
    """
    control, colour = _transparent_colour(contents)

    def decode(file: tf.Tensor) -> tf.Tensor:
        return tf.io.decode_image(file, 3, expand_animations=False)

    def with_opacity() -> tf.Tensor:
        picture = decode(contents)
        other = decode(_replaced(_replaced(contents, colour, b"\xff\xff\xff"), control + 3, b"\0"))
        is_opaque = tf.reduce_all(picture == other, -1, keepdims=True)
        return tf.concat([picture, 255 * tf.cast(is_opaque, tf.uint8)], 2)

    return tf.cond(colour < 0, lambda: decode(contents), with_opacity)


def _replaced(contents: tf.Tensor, position: tf.Tensor, some: bytes) -> tf.Tensor:
    """The contents with other bytes at a position."""
    after = tf.strings.substr(contents, position + len(some), tf.strings.length(contents))
    return tf.strings.join([tf.strings.substr(contents, 0, position), some, after])


def _transparent_colour(contents: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The positions in a GIF of the extension that makes a colour of its first frame transparent, and of that colour,
    int32; the second is -1 if none is."""
    data = tf.io.decode_raw(contents, tf.uint8)
    size = tf.size(data)

    def byte(position: tf.Tensor) -> tf.Tensor:
        return tf.cast(tf.gather(data, tf.clip_by_value(position, 0, size - 1)), tf.int32)

    def is_before_image(position: tf.Tensor, is_inside: tf.Tensor, control: tf.Tensor) -> tf.Tensor:
        return (position < size) & (is_inside | (byte(position) == EXTENSION))

    def next_block(position: tf.Tensor, is_inside: tf.Tensor, control: tf.Tensor) -> tuple[tf.Tensor, ...]:
        """From an extension to its first block, and from one of its blocks to the next; an empty block ends it."""
        is_control = ~is_inside & (byte(position + 1) == CONTROL) & (byte(position + 3) % 2 == TRANSPARENT)
        step = tf.where(is_inside, byte(position) + 1, 2)
        return position + step, ~is_inside | (byte(position) > 0), tf.where(is_control, position, control)

    screen = byte(tf.constant(SCREEN_FLAGS))
    start = SCREEN + tf.where(screen >= TABLE, 3 * _colours(screen), 0)
    first = (start, tf.constant(False), tf.constant(-1))
    position, _, control = tf.while_loop(is_before_image, next_block, first, maximum_iterations=MOST_BLOCKS)
    index, image = byte(control + 6), byte(position + 9)
    table = tf.where(image >= TABLE, position + 10, SCREEN)
    flags = tf.where(image >= TABLE, image, screen)
    is_known = (byte(position) == IMAGE) & (control >= 0) & (flags >= TABLE) & (index < _colours(flags))
    return control, tf.where(is_known, table + 3 * index, -1)


def _colours(flags: tf.Tensor) -> tf.Tensor:
    """The number of colours in a GIF's table, from its flags."""
    return tf.bitwise.left_shift(2, flags % 8)

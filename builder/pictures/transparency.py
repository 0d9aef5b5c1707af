"""Pictures with transparent parts, put on a background: the same in training, prediction and a served model.

The colours of transparent pixels mean nothing, and many programs store black there. Icons and cut-outs may even be
black throughout, so that a picture whose transparency is dropped shows nothing. This is TensorFlow code.
"""

from __future__ import annotations

import tensorflow as tf

BACKGROUND = "white, or black where a picture shows nothing else than white"
"""What transparent parts are put on, in words."""


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

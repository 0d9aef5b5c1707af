"""Turning pictures upright as their Exif metadata say, for files as cameras and phones write them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf

HEAD = 1 << 18
"""The bytes at the startning of a file that are searched for its metadata."""
EXIF, APP1 = b"Exif\0\0", 0xE1
"""What a segment of Exif metadata starts with, and its marker (JEITA CP-3451, section 4.7.2)."""
ORIENTATION, ENTRY = 0x0112, 12
"""The tag, and the bytes of an entry in a directory of tags (JEITA CP-3451, sections 4.6.2 and 4.6.4)."""
MOST_TAGS = 1024
SWAPPED, UPSIDE_DOWN, MIRRORED = (5, 6, 7, 8), (3, 4, 7, 8), (2, 3, 6, 7)
"""The orientations in which height and width are swapped, and, after that, the rows or the columns are reversed (JEITA
CP-3451, section 4.6.4). 1 is upright."""
ORIENTATIONS = range(1, 9)


def upright(picture: tf.Tensor, contents: tf.Tensor) -> tf.Tensor:
    """A decoded picture (height, width, channels) turned as its JPEG's Exif metadata say, inside a TensorFlow graph.

    A picture of another format, or without metadata, is returned as it is.
    """
    orientation = tf.cond(tf.image.is_jpeg(contents), lambda: _of_jpeg(contents), lambda: tf.constant(1))
    return tf.cond(orientation == 1, lambda: picture, lambda: _turned(picture, orientation))


def turned(picture: np.ndarray, orientation: int) -> np.ndarray:
    """A picture (height, width, channels) of an Exif orientation turned upright, with NumPy."""
    if orientation in SWAPPED:
        picture = picture.transpose(1, 0, 2)
    if orientation in UPSIDE_DOWN:
        picture = picture[::-1]
    if orientation in MIRRORED:
        picture = picture[:, ::-1]
    return np.ascontiguousarray(picture)


def _turned(picture: tf.Tensor, orientation: tf.Tensor) -> tf.Tensor:
    """A picture turned as `turned` does, inside a TensorFlow graph."""

    def within(orientations: tuple[int, ...]) -> tf.Tensor:
        return tf.reduce_any(orientation == tf.constant(orientations))

    picture = tf.cond(within(SWAPPED), lambda: tf.transpose(picture, (1, 0, 2)), lambda: picture)
    picture = tf.cond(within(UPSIDE_DOWN), lambda: tf.reverse(picture, [0]), lambda: picture)
    return tf.cond(within(MIRRORED), lambda: tf.reverse(picture, [1]), lambda: picture)


def _of_jpeg(contents: tf.Tensor) -> tf.Tensor:
    """The Exif orientation of a JPEG, int32, from 1 to 8; 1 if it has none, or damaged metadata."""
    head = tf.io.decode_raw(tf.strings.substr(contents, 0, HEAD), tf.uint8)
    size = tf.size(head)

    def byte(position: tf.Tensor) -> tf.Tensor:
        inside = tf.clip_by_value(position, 0, size - 1)  # nothing is found beyond the end
        return tf.cast(tf.gather(head, inside), tf.int32)

    def is_exif(start: tf.Tensor) -> tf.Tensor:
        letters = byte(start + 4 + tf.range(len(EXIF)))
        return (byte(start + 1) == APP1) & tf.reduce_all(letters == tf.constant(list(EXIF)))

    def next_segment(start: tf.Tensor) -> tuple[tf.Tensor]:
        return (start + 2 + 256 * byte(start + 2) + byte(start + 3),)

    def is_not_found(start: tf.Tensor) -> tf.Tensor:
        is_metadata = (byte(start + 1) >= 0xE0) | (byte(start + 1) == 0xDB)  # tables may precede the metadata
        return (start + 4 < size) & (byte(start) == 0xFF) & is_metadata & ~is_exif(start)

    (segment,) = tf.while_loop(is_not_found, next_segment, (tf.constant(2),))
    found = (segment + 4 < size) & (byte(segment) == 0xFF) & is_exif(segment)
    return tf.cond(found, lambda: _in_exif(byte, segment + 4 + len(EXIF)), lambda: tf.constant(1))


def _in_exif(byte: Callable[[tf.Tensor], tf.Tensor], start: tf.Tensor) -> tf.Tensor:
    """The orientation in the first directory of Exif metadata."""
    is_little = byte(start) == ord("I")  # the byte order of Intel; Motorola's is "M"

    def number(position: tf.Tensor) -> tf.Tensor:
        """The whole number in the two bytes at a position."""
        first, second = byte(position), byte(position + 1)
        return tf.where(is_little, first + 256 * second, 256 * first + second)

    offset = tf.where(is_little, number(start + 4), number(start + 6))  # the half of its four bytes that is not zero
    directory = start + offset
    entries = directory + 2 + ENTRY * tf.range(tf.minimum(number(directory), MOST_TAGS))
    value = tf.where(number(entries) == ORIENTATION, number(entries + 8), 0)
    orientation = tf.reduce_max(tf.concat([value, [1]], 0))
    return tf.where(orientation <= ORIENTATIONS[-1], orientation, 1)

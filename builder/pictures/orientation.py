"""Turning JPEGs upright inside a TensorFlow graph, for files as cameras and phones write them."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

HEAD = 1 << 18
"""Bytes at a file's begin in which its metadata are looked for."""
EXIF, APP1 = b"Exif\0\0", 0xE1
"""What a segment of Exif metadata begins with, and its marker (JEITA CP-3451, section 4.7.2)."""
ORIENTATION, ENTRY = 0x0112, 12
"""The tag, and the bytes of an entry in a directory of tags (the same, sections 4.6.2 and 4.6.4)."""
MOST_TAGS = 1024


def upright(picture: tf.Tensor, contents: tf.Tensor) -> tf.Tensor:
    """A decoded picture (height, width, channels) turned as the JPEG that it is from says in its Exif metadata; one of
    another format, or without metadata, as it is."""
    way = tf.cond(tf.image.is_jpeg(contents), lambda: _of_jpeg(contents), lambda: tf.constant(1))
    return tf.cond(way == 1, lambda: picture, lambda: _turned(picture, way))


def _turned(picture: tf.Tensor, way: tf.Tensor) -> tf.Tensor:
    """Orientations 5 to 8 swap the axes; the others mirror one or both."""

    def within(*ways: int) -> tf.Tensor:
        return tf.reduce_any(way == tf.constant(ways))

    picture = tf.cond(way >= 5, lambda: tf.transpose(picture, (1, 0, 2)), lambda: picture)
    picture = tf.cond(within(3, 4, 7, 8), lambda: tf.reverse(picture, [0]), lambda: picture)
    return tf.cond(within(2, 3, 6, 7), lambda: tf.reverse(picture, [1]), lambda: picture)


def _of_jpeg(contents: tf.Tensor) -> tf.Tensor:
    """The Exif orientation of a JPEG, int32, from 1 to 8; 1 where it has none, or damaged metadata."""
    head = tf.io.decode_raw(tf.strings.substr(contents, 0, HEAD), tf.uint8)
    size = tf.size(head)

    def byte(position: tf.Tensor) -> tf.Tensor:
        inside = tf.clip_by_value(position, 0, size - 1)  # beyond the end nothing is found
        return tf.cast(tf.gather(head, inside), tf.int32)

    def is_exif(begin: tf.Tensor) -> tf.Tensor:
        letters = byte(begin + 4 + tf.range(len(EXIF)))
        return (byte(begin + 1) == APP1) & tf.reduce_all(letters == tf.constant(list(EXIF)))

    def next_segment(begin: tf.Tensor) -> tuple[tf.Tensor]:
        return (begin + 2 + 256 * byte(begin + 2) + byte(begin + 3),)

    def goes_on(begin: tf.Tensor) -> tf.Tensor:
        is_metadata = (byte(begin + 1) >= 0xE0) | (byte(begin + 1) == 0xDB)  # tables may stand before them
        return (begin + 4 < size) & (byte(begin) == 0xFF) & is_metadata & ~is_exif(begin)

    (segment,) = tf.while_loop(goes_on, next_segment, (tf.constant(2),))
    found = (segment + 4 < size) & (byte(segment) == 0xFF) & is_exif(segment)
    return tf.cond(found, lambda: _in_exif(byte, segment + 4 + len(EXIF)), lambda: tf.constant(1))


def _in_exif(byte: Callable[[tf.Tensor], tf.Tensor], start: tf.Tensor) -> tf.Tensor:
    """The orientation in the first directory of Exif metadata."""
    is_little = byte(start) == ord("I")  # the byte order of Intel; Motorola's is "M"

    def number(position: tf.Tensor) -> tf.Tensor:
        """Of two bytes."""
        first, second = byte(position), byte(position + 1)
        return tf.where(is_little, first + 256 * second, 256 * first + second)

    offset = tf.where(is_little, number(start + 4), number(start + 6))  # the half of its four bytes that is not 0
    directory = start + offset
    entries = directory + 2 + ENTRY * tf.range(tf.minimum(number(directory), MOST_TAGS))
    value = tf.where(number(entries) == ORIENTATION, number(entries + 8), 0)
    way = tf.reduce_max(tf.concat([value, [1]], 0))
    return tf.where(way <= 8, way, 1)

"""The first frame of a GIF, with its transparency. It is all that is used, and a decoder would unpack every frame, of
which 700 KB can hold gigabytes. This is TensorFlow code, for training, prediction and a served model alike.

Sections are those of the GIF89a specification.
"""

from __future__ import annotations

import math

import tensorflow as tf

SCREEN, SCREEN_FLAGS = 13, 10
"""The bytes of the header and the logical screen (sections 17 and 18), and which of them has the flags."""
DESCRIPTOR, EXTENSION, CONTROL = 0x2C, 0x21, 0xF9
"""What the description of a frame and an extension begin with, and the second byte of an extension that may make a
colour transparent (sections 20 and 23)."""
FRAME, FRAME_FLAGS = 10, 9
"""The bytes of a frame's description, and which of them has the flags."""
HAS_COLOURS = 0x80
"""The flag of a table of colours; the three lowest bits are its size."""
TRAILER = b";"
MOST_EXTENSIONS = 64
"""How many extensions may stand before the first frame: one has its duration and transparency, one repeats the whole,
and others are comments."""


def is_gif(contents: tf.Tensor) -> tf.Tensor:
    """Whether a file is a GIF."""
    return tf.strings.substr(contents, 0, 4) == b"GIF8"


def still(contents: tf.Tensor) -> tf.Tensor:
    """A GIF with its first frame alone."""
    data = tf.io.decode_raw(contents, tf.uint8)
    ends = _ends(data)
    start, _, is_found = _first_frame(data, ends)
    codes = start + FRAME + _colours(_bytes(data, start + FRAME_FLAGS)) + 1  # a byte before them has their width
    end = tf.gather(ends, tf.minimum(codes, tf.size(ends) - 1)) + 1
    return tf.where(is_found, tf.strings.join([tf.strings.substr(contents, 0, end), TRAILER]), contents)


def frame_size(contents: tf.Tensor) -> tf.Tensor:
    """The height and width of a GIF's first frame, int64 (2,); zeros if it has none."""
    data = tf.io.decode_raw(contents, tf.uint8)
    start, _, is_found = _first_frame(data, _ends(data))
    numbers = tf.cast(_bytes(data, start + 5 + tf.range(4)), tf.int64)
    return tf.where(is_found, tf.stack([numbers[2] + 256 * numbers[3], numbers[0] + 256 * numbers[1]]), 0)


def decoded(contents: tf.Tensor) -> tf.Tensor:
    """The first frame of a GIF, uint8 (height, width, 3), or 4 with opacity.

    TensorFlow's decoder returns black where a pixel is transparent. It is so where the pixel becomes white once the
    file says that no colour is transparent, and that this one is white.
    """
    contents = still(contents)
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
    """The positions in a GIF of the extension that makes a colour of its first frame transparent, and of that colour in
    the frame's own table or that of the whole, int32; the second is -1 if none is."""
    data = tf.io.decode_raw(contents, tf.uint8)
    frame, control, is_found = _first_frame(data, _ends(data))
    index = _bytes(data, control + 6)
    flags = tf.stack([_bytes(data, frame + FRAME_FLAGS), _bytes(data, tf.constant(SCREEN_FLAGS))])
    sizes, starts = _colours(flags), tf.stack([frame + FRAME, SCREEN])
    table = tf.where(sizes[0] > 0, 0, 1)
    is_known = is_found & (control >= 0) & (3 * index < sizes[table])
    return control, tf.where(is_known, starts[table] + 3 * index, -1)


def _ends(data: tf.Tensor) -> tf.Tensor:
    """For each position, where the list of blocks that would begin there ends: at its first empty block (section 15),
    or at the end of the file.

    A block begins with its length. All lists are followed at once, by steps that double: after each, a position leads
    twice as far.
    """
    count = tf.size(data)
    places = tf.range(count)
    ends = tf.where(data == 0, places, tf.minimum(places + 1 + tf.cast(data, tf.int32), count - 1))

    def is_moving(ends: tf.Tensor, further: tf.Tensor) -> tf.Tensor:
        return tf.reduce_any(ends != further)

    def doubled(ends: tf.Tensor, further: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return further, tf.gather(further, further)

    ends = tf.where(places == count - 1, places, ends)
    steps = math.ceil(math.log2(2**31))
    return tf.while_loop(is_moving, doubled, (ends, tf.gather(ends, ends)), maximum_iterations=steps)[1]


def _first_frame(data: tf.Tensor, ends: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """The position of the first frame's description, that of the extension that makes one of its colours transparent or
    -1, both int32, and whether there is a frame."""

    def is_extension(position: tf.Tensor, control: tf.Tensor) -> tf.Tensor:
        return _bytes(data, position) == EXTENSION

    def after(position: tf.Tensor, control: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        is_control = (_bytes(data, position + 1) == CONTROL) & (_bytes(data, position + 3) % 2 == 1)
        end = tf.gather(ends, tf.minimum(position + 2, tf.size(data) - 1)) + 1
        return end, tf.where(is_control, position, control)

    begin = SCREEN + _colours(_bytes(data, tf.constant(SCREEN_FLAGS)))
    first = (begin, tf.constant(-1))
    position, control = tf.while_loop(is_extension, after, first, maximum_iterations=MOST_EXTENSIONS)
    return position, control, _bytes(data, position) == DESCRIPTOR


def _bytes(data: tf.Tensor, positions: tf.Tensor) -> tf.Tensor:
    """The bytes at some positions, int32; 0 beyond the end."""
    found = tf.cast(tf.gather(data, tf.clip_by_value(positions, 0, tf.size(data) - 1)), tf.int32)
    return tf.where(positions < tf.size(data), found, 0)


def _colours(flags: tf.Tensor) -> tf.Tensor:
    """The bytes of the table of colours that flags announce (sections 18 to 21), int32."""
    size = 3 * tf.bitwise.left_shift(2, tf.bitwise.bitwise_and(flags, 7))
    return tf.where(tf.bitwise.bitwise_and(flags, HAS_COLOURS) != 0, size, 0)

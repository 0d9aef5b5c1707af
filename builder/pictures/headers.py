"""What the header of a picture file claims, read before anything is decoded: its format, its kind and its size.

A few bytes can claim any size, so that decoding first and looking afterwards would take gigabytes. This is TensorFlow
code, so that training, prediction and a served model refuse the same files.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from builder.pictures import gif
from builder.system.limits import LONGEST_SIDE, MOST_PIXELS, MOST_SCANS, PIXELS_OF_BYTE, SMALL_PICTURE

REDUCTION = 2
"""How many times shorter the sides are at which training and prediction decode a JPEG of too many pixels."""
HEAD = 64
"""The bytes of a header that are looked at."""

UNKNOWN = "it is no JPEG, PNG, GIF, BMP or WebP"
ANIMATED = "it is an animated WebP, of which TensorFlow decodes no frame; save one frame as PNG"
BMP = "it is a BMP of a rare kind (compressed, or of other than 8, 24 or 32 bits); save it as PNG"
LARGE = f"it has more than {MOST_PIXELS:,} pixels, or a side of more than {LONGEST_SIDE:,}; make it smaller"
DAMAGED = "it is cut short or damaged"
EMPTY = f"it claims more than {SMALL_PICTURE:,} pixels, and {PIXELS_OF_BYTE} for each of its bytes; make it smaller"
SCANS = f"it is a JPEG of more than {MOST_SCANS} scans; save it again"
FRAMELESS = f"it is a GIF without a frame, or with more than {gif.MOST_EXTENSIONS} extensions before it; save it again"
REFUSALS = ("", UNKNOWN, ANIMATED, BMP, LARGE, EMPTY, SCANS, FRAMELESS)
"""The reasons for which a file is refused, by number; 0 stands for none."""
CLAIMS = (LARGE, EMPTY, SCANS)
"""The reasons after which no other decoder is tried."""

SIGNATURES = {
    "png": b"\x89PNG\r\n\x1a\n........",
    "gif": b"GIF8............",
    "bmp": b"BM..............",
    "extended": b"RIFF....WEBPVP8X",
    "lossless": b"RIFF....WEBPVP8L",
    "lossy": b"RIFF....WEBPVP8 ",
}
"""How files begin, by format and, for WebP, kind; a dot stands for any byte."""
SIZES = {
    "png": ((23, 22, 21, 20), (19, 18, 17, 16)),  # W3C, Portable Network Graphics, section 11.2.1
    "gif": ((8, 9), (6, 7)),  # GIF89a specification, section 18: the logical screen
    "bmp": ((22, 23, 24, 25), (18, 19, 20, 21)),
    "extended": ((27, 28, 29), (24, 25, 26)),  # RFC 9649, section 2.7: less one, as in the next kind
    "lossless": ((21, 22, 23, 24), (21, 22, 23, 24)),  # section 3.4: two numbers of 14 bits
    "lossy": ((28, 29), (26, 27)),  # RFC 6386, section 9.1: the two highest bits are for scaling
}
"""The bytes of height and width in the header of each kind, the lowest first."""
DIVIDED = {("lossless", 0): 2**14}
"""By kind and side (0 height, 1 width): the divisor that removes lower bits which belong to the other side."""
LIMITED = {("lossless", 0): 2**14, ("lossless", 1): 2**14, ("lossy", 0): 2**14, ("lossy", 1): 2**14}
"""Likewise the modulus that removes higher bits which mean something else."""
LESS_ONE = ("extended", "lossless")
"""The kinds whose numbers are one less than the sides."""
FLAGS, ANIMATION = (20,), 2
"""The flags of an extended WebP, and the one for animations."""
BMP_FIELDS = ((14, 15, 16, 17), (28, 29), (30, 31, 32, 33), (54, 55, 56, 57))
"""A BMP's size of the information header, bits of a pixel, compression and mask of red."""


def is_bmp(contents: tf.Tensor) -> tf.Tensor:
    """Whether a file is a BMP."""
    return tf.strings.substr(contents, 0, 2) == b"BM"


def is_webp(contents: tf.Tensor) -> tf.Tensor:
    """Whether a file is a WebP (RFC 9649, section 2.4)."""
    return tf.strings.regex_full_match(tf.strings.substr(contents, 0, 12), r"(?s)RIFF\C{4}WEBP")


def refusal(contents: tf.Tensor, may_reduce: bool = False) -> tf.Tensor:
    """The number in `REFUSALS` of the reason why a file is not decoded, int32; 0 if it is.

    Fails, with one of `tf.errors`, for a JPEG whose header is damaged.

    Args:
        contents: the bytes of the file.
        may_reduce: whether a JPEG may be decoded at a smaller size.
    """

    def jpeg() -> tf.Tensor:
        size = tf.cast(tf.io.extract_jpeg_shape(contents)[:2], tf.int64)
        most = PIXELS_OF_BYTE * tf.cast(tf.strings.length(contents), tf.int64)
        reduction = tf.where(may_reduce & (tf.reduce_prod(size) <= most), tf.constant(REDUCTION, tf.int64), 1)
        reason = _too_large(size // reduction, contents)
        return tf.where(_scans(contents) > MOST_SCANS, REFUSALS.index(SCANS), reason)

    return tf.cond(tf.image.is_jpeg(contents), jpeg, lambda: _refusal_of_others(contents))


def is_reduced(contents: tf.Tensor) -> tf.Tensor:
    """Whether a JPEG has so many pixels that it is decoded at a smaller size."""
    return tf.reduce_prod(tf.cast(tf.io.extract_jpeg_shape(contents)[:2], tf.int64)) > MOST_PIXELS


def checked(contents: tf.Tensor, may_reduce: bool = False) -> tf.Tensor:
    """The contents of a file as they are, once its header is found to claim nothing that is refused.

    Fails with `tf.errors.InvalidArgumentError` otherwise, before anything that uses the result is computed.
    """
    reason = refusal(contents, may_reduce)
    with tf.control_dependencies([tf.debugging.Assert(reason == 0, [tf.gather(tf.constant(REFUSALS), reason)])]):
        return tf.identity(contents)


def why_refused(contents: bytes, may_reduce: bool = False) -> str:
    """The reason why a file is not decoded; empty if its header is in order."""
    try:
        return REFUSALS[int(refusal(tf.constant(contents), may_reduce))]
    except tf.errors.OpError:
        return DAMAGED


def why_too_large(height: int, width: int, contents: bytes) -> str:
    """The reason why a picture of a size is not decoded; empty if it may be."""
    return REFUSALS[int(_too_large(tf.constant([height, width], tf.int64), tf.constant(contents)))]


def _too_large(size: tf.Tensor, contents: tf.Tensor) -> tf.Tensor:
    """The number of the reason for a (height, width), int64, that is too large in itself or for the file; 0 if it is
    not."""
    pixels = tf.reduce_prod(size)
    is_large = (pixels > MOST_PIXELS) | (tf.reduce_max(size) > LONGEST_SIDE)
    count = tf.cast(tf.strings.length(contents), tf.int64)
    most = tf.maximum(tf.constant(SMALL_PICTURE, tf.int64), PIXELS_OF_BYTE * count)
    return tf.where(is_large, REFUSALS.index(LARGE), tf.where(pixels > most, REFUSALS.index(EMPTY), 0))


def _scans(contents: tf.Tensor) -> tf.Tensor:
    """The number of scans of a JPEG, int32: of their headers (ITU-T T.81, section B.2.3), which do not occur in
    compressed data. Thumbnails in the metadata have one each; a phone's video after the picture has none."""
    after = tf.strings.split(contents, b"\xff\xda\0")[1:]
    low, components = tf.unstack(tf.cast(tf.io.decode_raw(after, tf.uint8, fixed_length=2), tf.int32), axis=1)
    is_header = (low == 6 + 2 * components) & (components >= 1) & (components <= 4)
    return tf.math.count_nonzero(is_header, dtype=tf.int32)


@tf.function(autograph=False)  # traced once, and not by each graph that decodes pictures
def _refusal_of_others(contents: tf.Tensor) -> tf.Tensor:
    """The reason for a file that is no JPEG. All fields are read at once, by a matrix, as a graph of few operations is
    traced sooner."""
    head = tf.io.decode_raw(tf.strings.substr(contents, 0, HEAD), tf.uint8)
    head = tf.cast(tf.concat([head, tf.zeros(HEAD - tf.size(head), tf.uint8)], 0), tf.int64)
    fields = tf.reduce_sum(head * _places([*_sides(), FLAGS, *BMP_FIELDS]), 1)
    flags, header, bits, compression, red = tf.unstack(fields[2 * len(SIZES) :])
    kind, is_known = _kind(head[: len(SIGNATURES["png"])])
    keys = [(name, side) for name in SIZES for side in (0, 1)]
    divisor = tf.constant([DIVIDED.get(key, 1) for key in keys], tf.int64)
    limit = tf.constant([LIMITED.get(key, 2**62) for key in keys], tf.int64)
    more = tf.constant([int(name in LESS_ONE) for name, _ in keys], tf.int64)
    sides = fields[: len(keys)] // divisor % limit + more
    sides = tf.minimum(sides, tf.abs(2**32 - sides))  # rows from the top down are a negative height in a BMP
    is_plain = (compression == 0) & ((bits == 8) | (bits == 24) | (bits == 32))
    is_masked = (compression == 3) & (bits == 32) & (red == 0xFF0000)
    is_odd = (header < 40) | ~(is_plain | is_masked)
    names = list(SIGNATURES)
    is_gif = kind == names.index("gif")
    size = tf.reshape(sides, (-1, 2))[kind]
    frame = tf.cond(is_gif, lambda: gif.frame_size(contents), lambda: size)
    reason = _too_large(tf.maximum(size, frame), contents)
    # Without a first frame, `gif.still` could not cut off the others, and the decoder would unpack them all.
    reason = tf.where(is_gif & (tf.reduce_prod(frame) == 0), REFUSALS.index(FRAMELESS), reason)
    reason = tf.where((kind == names.index("bmp")) & is_odd, REFUSALS.index(BMP), reason)
    is_animated = (kind == names.index("extended")) & (flags // ANIMATION % 2 == 1)
    reason = tf.where(is_animated, REFUSALS.index(ANIMATED), reason)
    return tf.where(is_known, reason, REFUSALS.index(UNKNOWN))


def _sides() -> list[tuple[int, ...]]:
    return [positions for pair in SIZES.values() for positions in pair]


def _places(fields: Sequence[Sequence[int]]) -> np.ndarray:
    """The factor of each byte of a header in each field, int64 (fields, HEAD)."""
    places = np.zeros((len(fields), HEAD), np.int64)
    for row, positions in zip(places, fields, strict=True):
        row[list(positions)] = [256**i for i in range(len(positions))]
    return places


def _kind(start: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The number in `SIGNATURES` of the kind of file that begins with some bytes, and whether it is any of them."""
    letters = np.array([list(signature) for signature in SIGNATURES.values()], np.int64)
    is_kind = tf.reduce_all((start == letters) | (letters == ord(".")), 1)
    return tf.argmax(tf.cast(is_kind, tf.int32)), tf.reduce_any(is_kind)

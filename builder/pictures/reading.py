"""Reading a picture of any format, mode and size as pixels: as training reads it where that can, else with Pillow."""

from __future__ import annotations

import io
import warnings

import numpy as np
import tensorflow as tf
from PIL import Image, ImageOps, UnidentifiedImageError

from builder.pictures.resizing import decoded

HEAD = 1 << 18
"""Bytes at a file's begin, in which its metadata stand."""
WEBP_FLAGS, WEBP_HAS_EXIF = 20, 8
"""A byte and its bit (RFC 9649, section 2.7)."""
ORIENTATION = 0x0112
"""Exif's tag (JEITA CP-3451, section 4.6.4)."""
MOST_PIXELS = 1 << 28


class UnreadablePicture(Exception):
    """A file that is no picture, or a damaged one; the message is the reason."""


def read_picture(contents: bytes, channels: int) -> np.ndarray:
    """The pixels of an encoded picture, turned as its Exif metadata say.

    JPEG, PNG, GIF and BMP are decoded as in training, WebP likewise, and what TensorFlow cannot decode (TIFF, AVIF and
    more) by Pillow. 16 bits become 8, transparency is left out, CMYK becomes RGB, and colours become grey where the
    network takes one channel.

    Returns:
        uint8 (height, width, channels).

    Raises:
        UnreadablePicture: with the reason.
    """
    if not contents:
        raise UnreadablePicture("it is empty")
    turned = needs_turning(contents)
    try:
        picture = decoded(tf.constant(contents), channels).numpy()
    except tf.errors.OpError:
        return _by_pillow(contents, channels)
    return _turned(picture, turned) if turned else picture


def needs_turning(contents: bytes) -> int:
    """The Exif orientation, 2 to 8; 0 where the picture stands as it is."""
    is_webp = contents[:4] == b"RIFF" and contents[8:16] == b"WEBPVP8X"
    if is_webp and not (len(contents) > WEBP_FLAGS and contents[WEBP_FLAGS] & WEBP_HAS_EXIF):
        return 0
    if not is_webp and b"Exif" not in contents[:HEAD] and b"eXIf" not in contents[:HEAD]:
        return 0
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(io.BytesIO(contents)) as image:
            orientation = image.getexif().get(ORIENTATION, 1)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):  # damaged metadata do not make a picture
        return 0
    return orientation if orientation in range(2, 9) else 0


def _turned(picture: np.ndarray, orientation: int) -> np.ndarray:
    """The picture upright. Orientations 5 to 8 swap the axes; the others mirror one or both."""
    if orientation >= 5:
        picture = picture.transpose(1, 0, 2)
    if orientation in (3, 4, 7, 8):
        picture = picture[::-1]
    if orientation in (2, 3, 6, 7):
        picture = picture[:, ::-1]
    return np.ascontiguousarray(picture)


def _by_pillow(contents: bytes, channels: int) -> np.ndarray:
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(io.BytesIO(contents)) as image:
            if image.width * image.height > MOST_PIXELS:
                raise UnreadablePicture(f"it has {image.width}x{image.height} pixels, more than {MOST_PIXELS:,}")
            upright = ImageOps.exif_transpose(image)
            picture = np.asarray(_eight_bits(upright).convert("L" if channels == 1 else "RGB"))
    except UnidentifiedImageError:
        raise UnreadablePicture("it is no picture of a format that is known") from None
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as problem:
        raise UnreadablePicture(f"it is cut short or damaged: {problem}") from None
    return picture.reshape(*picture.shape[:2], channels)


def _eight_bits(image: Image.Image) -> Image.Image:
    """A grey picture of 16 bits, or of whole numbers in that range, with 8."""
    if image.mode == "F":
        raise UnreadablePicture("its pixels are floating-point numbers, whose range is not known; save it with 8 bits")
    if not image.mode.startswith("I"):
        return image
    values = np.asarray(image).astype(np.int64)
    if values.min() < 0 or values.max() > 65535:
        raise UnreadablePicture("its pixels are numbers of more than 16 bits; save it with 8 bits")
    return Image.fromarray((values >> 8).astype(np.uint8))

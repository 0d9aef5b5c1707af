"""Reading a picture of any format, mode and size: as training does where TensorFlow decodes it, else with Pillow."""

from __future__ import annotations

import io
import warnings

import numpy as np
import tensorflow as tf
from PIL import Image, ImageOps, UnidentifiedImageError

from builder.pictures import headers
from builder.pictures.orientation import HEAD, ORIENTATION, ORIENTATIONS, turned
from builder.pictures.resizing import decoded
from builder.pictures.transparency import flattened

WEBP_FLAGS, WEBP_HAS_EXIF = 20, 8
"""A byte and its bit (RFC 9649, section 2.7)."""


class UnreadablePicture(Exception):
    """A file is not a picture, or is damaged; the message says why."""


def read_picture(contents: bytes, channels: int) -> np.ndarray:
    """The pixels of an encoded picture, turned as its Exif metadata say.

    JPEG, PNG, GIF, BMP and WebP are decoded by TensorFlow, as in training, and other formats (TIFF, AVIF and more) by
    Pillow. 16 bits become 8, transparent parts are put on a background, CMYK becomes RGB, and colours become grey if
    the network takes one channel. A JPEG of too many pixels is decoded at half its size.

    Args:
        contents: the bytes of the file.
        channels: the channels of the result, 1 or 3.

    Returns:
        uint8 (height, width, channels).

    Raises:
        UnreadablePicture: the file is empty, damaged or not a picture, or it claims too many pixels.
    """
    if not contents:
        raise UnreadablePicture("it is empty")
    orientation = needs_turning(contents)
    try:
        picture = decoded(tf.constant(contents), channels).numpy()
    except tf.errors.OpError:
        reason = headers.why_refused(contents)
        if reason == headers.LARGE and not headers.why_refused(contents, may_reduce=True):
            picture = decoded(tf.constant(contents), channels, is_checked=True).numpy()
        elif reason in headers.CLAIMS:
            raise UnreadablePicture(reason) from None
        else:
            return _by_pillow(contents, channels)
    return turned(picture, orientation) if orientation else picture


def needs_turning(contents: bytes) -> int:
    """The Exif orientation of a picture that has to be turned, from 2 to 8; 0 if it is upright."""
    is_webp = contents[:4] == b"RIFF" and contents[8:16] == b"WEBPVP8X"
    if is_webp and not (len(contents) > WEBP_FLAGS and contents[WEBP_FLAGS] & WEBP_HAS_EXIF):
        return 0
    if not is_webp and b"Exif" not in contents[:HEAD] and b"eXIf" not in contents[:HEAD]:
        return 0
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(io.BytesIO(contents)) as image:
            orientation = image.getexif().get(ORIENTATION, 1)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):  # the picture itself may be fine
        return 0
    return orientation if orientation in ORIENTATIONS[1:] else 0


def _by_pillow(contents: bytes, channels: int) -> np.ndarray:
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(io.BytesIO(contents)) as image:
            if reason := headers.why_too_large(image.height, image.width, contents):
                raise UnreadablePicture(reason)
            upright = ImageOps.exif_transpose(image)
            picture = np.asarray(_without_opacity(_eight_bits(upright)).convert("L" if channels == 1 else "RGB"))
    except UnidentifiedImageError:
        raise UnreadablePicture("it is no picture of a format that is known") from None
    except (Image.DecompressionBombError, MemoryError):
        raise UnreadablePicture(headers.LARGE) from None
    except (OSError, ValueError, SyntaxError, EOFError) as problem:
        raise UnreadablePicture(f"it is cut short or damaged: {problem}") from None
    return picture.reshape(*picture.shape[:2], channels)


def _without_opacity(image: Image.Image) -> Image.Image:
    """A picture whose transparent parts, if it has any, are put on a background."""
    if not image.has_transparency_data:
        return image
    image = image.convert("LA") if image.mode == "La" else image
    return Image.fromarray(flattened(tf.constant(np.asarray(image.convert("RGBA")))).numpy())


def _eight_bits(image: Image.Image) -> Image.Image:
    """A grey picture of 16 bits, or of whole numbers in that range, with 8 bits."""
    if image.mode == "F":
        raise UnreadablePicture("its pixels are floating-point numbers, whose range is not known; save it with 8 bits")
    if not image.mode.startswith("I"):
        return image
    values = np.asarray(image).astype(np.int64)
    if values.min() < 0 or values.max() > 65535:
        raise UnreadablePicture("its pixels are numbers of more than 16 bits; save it with 8 bits")
    return Image.fromarray((values >> 8).astype(np.uint8))

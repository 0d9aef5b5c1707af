"""A picture that the user gives, cropped and resized to a network's input, as part of a drawing."""

from __future__ import annotations

import base64
import io
import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from archspec.errors import file_problem, path_of
from archspec.files import read_bytes

if TYPE_CHECKING:
    from PIL.Image import Image

MOST_BYTES, MOST_PIXELS = 2**27, 2**26
"""A larger file, or one that claims more pixels, is not opened."""
LARGEST = 1024
"""The longer side of what is embedded, in pixels; a network that takes larger pictures gets no larger one."""
SHARP = 64
"""Pictures with a shorter side than this are kept exactly; others are photographs, for which JPEG is good enough."""


def embedded(path: str | os.PathLike[str], shape: tuple[int, int, int]) -> str:
    """A picture as a network sees it: the middle of it in the input's proportions, resized, grey for one channel.

    Args:
        path: a PNG, JPEG, GIF, BMP or WebP; of several frames, the first.
        shape: the network's input.

    Returns:
        A data URI. The same file gives the same one.

    Raises:
        FileError: the file cannot be read, or is no picture.
    """
    height, width, channels = shape
    opened = _opened(path_of(path, "a picture"))
    share = min(1.0, LARGEST / max(height, width))
    fitted = _fitted(opened, max(1, round(share * width)), max(1, round(share * height))).convert(
        "L" if channels == 1 else "RGB"
    )
    contents, kind = io.BytesIO(), "png" if min(height, width) < SHARP else "jpeg"
    fitted.save(contents, kind, **({} if kind == "png" else {"quality": 88}))
    return f"data:image/{kind};base64,{base64.b64encode(contents.getvalue()).decode()}"


def _opened(path: Path) -> Image:
    """The pixels of a picture, turned upright, on white where they are transparent."""
    try:
        contents = read_bytes(path, MOST_BYTES)
    except OSError as error:
        raise file_problem(path, f"cannot read the picture: {error.strerror or error}") from error
    from PIL import Image, ImageOps, UnidentifiedImageError  # it takes a tenth of a second, and few drawings need it

    try:
        with (
            warnings.catch_warnings(action="ignore"),
            Image.open(io.BytesIO(contents), formats=("PNG", "JPEG", "GIF", "BMP", "WEBP")) as image,
        ):
            if image.width * image.height > MOST_PIXELS:
                raise file_problem(path, f"it has {image.width:,} x {image.height:,} pixels; make it smaller first")
            upright = ImageOps.exif_transpose(image)
            if not upright.has_transparency_data:
                return upright.convert("RGB")
            visible = upright.convert("RGBA")
            background = Image.new("RGBA", visible.size, "white")
            return Image.alpha_composite(background, visible).convert("RGB")
    except UnidentifiedImageError:
        expected = "expected a PNG, JPEG, GIF, BMP or WebP"
        raise file_problem(path, f"it is no picture that can be drawn on; {expected}") from None
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError, Image.DecompressionBombError) as problem:
        raise file_problem(path, f"it is cut short or damaged: {problem}") from None


def _fitted(image: Image, width: int, height: int) -> Image:
    """The largest part in the middle that has the proportions of the input, in its size."""
    from PIL import Image, ImageOps

    return ImageOps.fit(image, (width, height), Image.Resampling.BICUBIC)

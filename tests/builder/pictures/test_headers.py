"""What the headers of pictures claim, and which files are refused before they are decoded."""

import io
import struct

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from sklearn.datasets import load_sample_images

from builder.pictures.headers import ANIMATED, BMP, DAMAGED, EMPTY, FRAMELESS, LARGE, SCANS, UNKNOWN, why_refused
from builder.pictures.reading import UnreadablePicture, read_picture
from builder.pictures.resizing import decoded
from builder.system import limits
from tests.hostile.pictures import claiming, png_header

PHOTO = Image.fromarray(load_sample_images().images[0][100:160, 200:280])
GREY = PHOTO.convert("L")


def encoded(image, form, **options):
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


JPEG, GIF, BMP24 = encoded(PHOTO, "JPEG"), encoded(PHOTO, "GIF"), encoded(PHOTO, "BMP")
LOSSY, LOSSLESS = encoded(PHOTO, "WEBP"), encoded(PHOTO, "WEBP", lossless=True)
EXTENDED = encoded(PHOTO, "WEBP", lossless=True, exif=b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0")
FRAMES = encoded(PHOTO, "WEBP", save_all=True, append_images=[PHOTO.rotate(180)])


def with_comments(gif, count):
    """The GIF with as many comments before its frame."""
    start = 13 + 3 * 2 ** (gif[10] % 8 + 1)
    return gif[:start] + b"!\xfe\1c\0" * count + gif[start:]


def patched(contents, position, values):
    return contents[:position] + values + contents[position + len(values) :]


@pytest.mark.parametrize(
    "contents",
    [JPEG, encoded(PHOTO, "PNG"), GIF, BMP24, LOSSY, LOSSLESS, EXTENDED, encoded(PHOTO.convert("RGBA"), "BMP")],
    ids=["jpeg", "png", "gif", "bmp", "lossy", "lossless", "extended", "transparent"],
)
@pytest.mark.parametrize("channels", [1, 3])
def test_what_is_accepted_is_decoded_as_pillow_does(contents, channels):
    assert why_refused(contents) == ""
    expected = np.asarray(Image.open(io.BytesIO(contents)).convert("L" if channels == 1 else "RGB"), np.int64)
    found = decoded(tf.constant(contents), channels).numpy()
    assert np.abs(found.reshape(expected.shape) - expected).mean() < 1


@pytest.mark.parametrize(
    ("contents", "reason"),
    [
        (b"", UNKNOWN),
        (b"<html>", UNKNOWN),
        (encoded(PHOTO, "TIFF"), UNKNOWN),
        (JPEG[:40], DAMAGED),
        (FRAMES, ANIMATED),  # TensorFlow 2.21 ends the process
        (encoded(GREY.convert("1"), "BMP"), BMP),
        (patched(BMP24, 30, b"\1"), BMP),  # compressed
        (patched(BMP24, 14, b"\x0c"), BMP),  # the header of OS/2
        (claiming(JPEG, 65_500, 65_500), LARGE),
        (claiming(JPEG, 16_320, 12_240), LARGE),
        (claiming(JPEG, 13_000, 13_000), EMPTY),
        (claiming(JPEG, 4_096, 8_192), ""),
        (claiming(JPEG, 4_097, 8_192), EMPTY),
        (claiming(JPEG, 13_000, 13_000) + bytes(6_000_000), ""),
        (png_header(100_000_000, 1), LARGE),
        (png_header(1, 65_536), LARGE),
        (png_header(65_535, 2_730) + bytes(6_000_000), ""),
        (png_header(65_535, 2_731), LARGE),
        (png_header(2**31 - 1, 2**31 - 1), LARGE),
        (patched(GIF, 6, b"\xff\xff\xff\xff"), LARGE),
        (patched(GIF, GIF.rindex(b",\0\0\0\0") + 5, b"\xff\xff\xff\xff"), LARGE),
        (with_comments(GIF, 60), ""),
        (with_comments(GIF, 65), FRAMELESS),
        (GIF[: GIF.rindex(b",\0\0\0\0")] + b";", FRAMELESS),
        (JPEG + b"\xff\xda\0\x08\1" * 63, ""),
        (JPEG + b"\xff\xda\0\x08\1" * 64, SCANS),
        (JPEG + b"\xff\xda" * 64, ""),  # as in the video that a phone puts after a picture
        (patched(BMP24, 18, struct.pack("<ii", 20_000, -20_000)), LARGE),
        (patched(LOSSY, 26, b"\xff\x3f\xff\x3f"), LARGE),
        (patched(LOSSLESS, 21, b"\xff\xff\xff\x0f"), LARGE),
        (patched(EXTENDED, 24, b"\xff\xff\0\xff\xff\0"), LARGE),
    ],
)
def test_what_is_refused_is_never_decoded(contents, reason):
    assert why_refused(contents) == reason
    if reason:
        with pytest.raises(tf.errors.InvalidArgumentError):
            decoded(tf.constant(contents), 3)


@pytest.mark.parametrize("contents", [claiming(JPEG, 65_500, 65_500), png_header(100_000_000, 1)])
def test_prediction_has_the_same_limits(contents):
    with pytest.raises(UnreadablePicture) as caught:
        read_picture(contents, 3)
    assert str(caught.value) == LARGE


def test_prediction_reads_with_pillow_what_tensorflow_does_not_decode():
    first = np.asarray(Image.open(io.BytesIO(FRAMES)).convert("RGB"))
    assert np.array_equal(read_picture(FRAMES, 3), first)


@pytest.mark.parametrize("colours", [256, 200, 16])
def test_palettes_of_bmps_become_colours(colours):
    picture = PHOTO.quantize(colours)
    found = decoded(tf.constant(encoded(picture, "BMP")), 3).numpy()
    assert np.array_equal(found, np.asarray(picture.convert("RGB")))
    grey = decoded(tf.constant(encoded(picture, "BMP")), 1).numpy()
    assert np.abs(grey[..., 0] - np.asarray(picture.convert("L"), np.int64)).max() <= 1


def test_grey_bmps_stay_grey():
    found = decoded(tf.constant(encoded(GREY, "BMP")), 1).numpy()
    assert np.array_equal(found[..., 0], np.asarray(GREY))


def test_the_limit_is_what_tensorflow_and_pillow_take():
    assert limits.MOST_PIXELS * 3 <= 2**29 < (limits.MOST_PIXELS + 1) * 3
    assert limits.MOST_PIXELS <= 2 * Image.MAX_IMAGE_PIXELS

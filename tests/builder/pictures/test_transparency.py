"""Pictures with transparent parts, against Pillow's compositing of them on a background."""

import io
import struct

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from sklearn.datasets import load_sample_images

from builder.pictures.reading import read_picture
from builder.pictures.resizing import decoded

PHOTO = load_sample_images().images[0][100:124, 200:232]


def icon(colour, opacity=255):
    """A square of one colour in the middle of a transparent picture whose colour is stored as black or white too."""
    pixels = np.full((24, 32, 4), (*colour, 0), np.uint8)
    pixels[6:18, 8:24, 3] = opacity
    return Image.fromarray(pixels)


BLACK, WHITE, RED = icon((0, 0, 0)), icon((255, 255, 255)), icon((200, 0, 0))
CUT_OUT = Image.fromarray(np.dstack([PHOTO, np.linspace(0, 255, 24 * 32).reshape(24, 32).astype(np.uint8)]))


def encoded(image, form, **options):
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def on(image, background):
    ground = Image.new("RGBA", image.size, background)
    return np.asarray(Image.alpha_composite(ground, image.convert("RGBA")).convert("RGB"), np.int64)


def bmp(image, opacity_mask):
    """A BMP of 32 bits with a BITMAPV4HEADER, whose bV4AlphaMask is as given."""
    masks = struct.pack("<4I", 0xFF0000, 0xFF00, 0xFF, opacity_mask)
    header = struct.pack("<IiiHHIIiiII", 108, 32, -24, 1, 32, 3, 0, 0, 0, 0, 0) + masks + bytes(52)
    pixels = np.asarray(image)[..., [2, 1, 0, 3]].tobytes()
    return b"BM" + struct.pack("<IHHI", 14 + len(header) + len(pixels), 0, 0, 14 + len(header)) + header + pixels


def with_own_palette(gif):
    """A GIF with a comment in front, and its colours beside the frame instead of at the head of the file."""
    size = 3 * 2 ** (gif[10] % 8 + 1)
    colours, rest = gif[13 : 13 + size], gif[13 + size :]
    start = rest.index(b",\0\0\0\0")
    flags = bytes([rest[start + 9] | 0x80 | gif[10] % 8])
    control, frame = rest[:start], rest[start : start + 9] + flags + colours + rest[start + 10 :]
    return gif[:10] + bytes([gif[10] & 0x78]) + gif[11:13] + b"!\xfe\5hello\3\0\0\0\0" + control + frame


KEYED = BLACK.convert("RGB")
KEYED.paste((9, 9, 9), (0, 0, 32, 6))
FILES = {
    "png": encoded(BLACK, "PNG"),
    "cut-out": encoded(CUT_OUT, "PNG"),
    "half": encoded(icon((0, 0, 0), 100), "PNG"),
    "grey png": encoded(BLACK.convert("LA"), "PNG"),
    "palette": encoded(RED.quantize(4), "PNG"),
    "colour key": encoded(KEYED, "PNG", transparency=(9, 9, 9)),
    "gif": encoded(BLACK, "GIF"),
    "animated gif": encoded(BLACK, "GIF", save_all=True, append_images=[RED], loop=0),
    "gif with its own palette": with_own_palette(encoded(BLACK, "GIF")),
    "webp": encoded(BLACK, "WEBP", lossless=True, exact=True),
    "lossy webp": encoded(CUT_OUT, "WEBP", quality=90),
    "bmp": bmp(BLACK, 0xFF000000),
    "tiff": encoded(CUT_OUT, "TIFF"),
}


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", FILES)
def test_transparent_parts_are_put_on_white(name, channels):
    contents = FILES[name]
    image = Image.open(io.BytesIO(contents))
    expected = on(image, "white")
    assert expected.min() < 160 and expected.max() == 255
    if channels == 1:
        expected = np.asarray(Image.fromarray(expected.astype(np.uint8)).convert("L"), np.int64)[..., np.newaxis]
    found = read_picture(contents, channels)
    assert abs(found - expected).max() <= 1, name
    if name != "tiff":  # the function of training, evaluation, preview and served models
        assert np.array_equal(decoded(tf.constant(contents), channels).numpy(), found)


@pytest.mark.parametrize("form", ["PNG", "GIF", "TIFF"])
def test_white_shapes_are_put_on_black(form):
    contents = encoded(WHITE, form)
    assert np.array_equal(read_picture(contents, 3), on(WHITE, "black"))


@pytest.mark.parametrize(
    "contents",
    [
        encoded(Image.fromarray(np.dstack([PHOTO, np.full((24, 32), 7, np.uint8)])), "PNG"),
        encoded(Image.fromarray(np.dstack([PHOTO, np.zeros((24, 32), np.uint8)])), "TIFF"),
        bmp(CUT_OUT, 0),  # the last byte of each pixel means nothing
        encoded(Image.fromarray(PHOTO).quantize(16), "GIF", transparency=200),  # no colour of the palette
    ],
    ids=["uniform", "clear", "bmp", "gif"],
)
def test_what_shows_no_shape_leaves_the_colours_as_they_are(contents):
    expected = np.asarray(Image.open(io.BytesIO(contents)).convert("RGB"))
    assert np.array_equal(read_picture(contents, 3), expected)


def test_a_network_of_four_channels_gets_the_opacity():
    for name in ("png", "cut-out", "webp", "bmp", "gif"):
        found = decoded(tf.constant(FILES[name]), 4).numpy()
        opacity = np.asarray(Image.open(io.BytesIO(FILES[name])).convert("RGBA"))[..., 3]
        assert np.array_equal(found[..., 3], opacity), name
    assert (decoded(tf.constant(encoded(Image.fromarray(PHOTO), "WEBP")), 4).numpy()[..., 3] == 255).all()

"""Pictures of every mode and format, against Pillow's own reading of them."""

import io
import struct

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageOps
from sklearn.datasets import load_sample_images

from builder.pictures.reading import UnreadablePicture, read_picture
from builder.pictures.resizing import decoded

PHOTO = Image.fromarray(load_sample_images().images[0][100:160, 200:280])


def encoded(image, form, **options):
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def deviation(contents, expected, channels=3):
    """The mean difference in levels between pictures, which must have the same size."""
    found = read_picture(contents, channels)
    expected = np.asarray(expected).reshape(found.shape)
    assert found.dtype == np.uint8 and found.shape[2] == channels
    return abs(found.astype(int) - expected).mean()


GREY = PHOTO.convert("L")
MODES = {
    "grey jpeg": (encoded(GREY, "JPEG", quality=95), GREY.convert("RGB")),
    "grey png": (encoded(GREY, "PNG"), GREY.convert("RGB")),
    "grey with alpha": (encoded(GREY.convert("LA"), "PNG"), GREY.convert("RGB")),
    "alpha": (encoded(PHOTO.convert("RGBA"), "PNG"), PHOTO),
    "palette": (encoded(PHOTO.convert("P"), "PNG"), PHOTO.convert("P").convert("RGB")),
    "palette gif": (encoded(PHOTO.convert("P"), "GIF"), PHOTO.convert("P").convert("RGB")),
    "black and white": (encoded(GREY.convert("1"), "PNG"), GREY.convert("1").convert("RGB")),
    "cmyk jpeg": (encoded(PHOTO.convert("CMYK"), "JPEG", quality=95), PHOTO),
    "cmyk tiff": (encoded(PHOTO.convert("CMYK"), "TIFF"), PHOTO),
    "tiff": (encoded(PHOTO, "TIFF"), PHOTO),
    "webp": (encoded(PHOTO, "WEBP", lossless=True), PHOTO),
    "bmp": (encoded(PHOTO, "BMP"), PHOTO),
    "ppm": (encoded(PHOTO, "PPM"), PHOTO),
}


@pytest.mark.parametrize("name", MODES)
def test_modes_become_red_green_and_blue(name):
    contents, expected = MODES[name]
    assert deviation(contents, expected) < (4 if "jpeg" in name else 0.01)


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_sixteen_bits_become_eight(form):
    values = np.asarray(GREY).astype(np.uint16) * 257
    assert deviation(encoded(Image.fromarray(values), form), GREY.convert("RGB")) < 1


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF", "BMP"])
def test_colours_become_grey_where_the_network_takes_one_channel(form):
    contents = encoded(PHOTO, form)
    assert deviation(contents, Image.open(io.BytesIO(contents)).convert("L"), channels=1) < 2


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_pictures_are_turned_upright(form, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    contents = encoded(PHOTO, form, exif=exif, **({"quality": 95} if form == "JPEG" else {}))
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(contents))).convert("RGB")
    assert deviation(contents, upright) < 2


def with_exif(orientation, endian="<", before=b"", position=0):
    """The photograph as a JPEG that says how to turn it, after other segments and after other tags."""
    entry = struct.Struct(f"{endian}HHIHH")
    tags = b"".join(entry.pack(0x0100 + number, 3, 1, 7, 0) for number in range(position))
    directory = struct.pack(f"{endian}H", position + 1) + tags + entry.pack(0x0112, 3, 1, orientation, 0)
    order = b"II" if endian == "<" else b"MM"
    exif = b"Exif\0\0" + order + struct.pack(f"{endian}HI", 42, 8) + directory + bytes(4)
    segment = b"\xff\xe1" + struct.pack(">H", 2 + len(exif)) + exif
    jpeg = encoded(PHOTO, "JPEG", quality=95)
    return jpeg[:2] + before + segment + jpeg[2:]


@tf.function(input_signature=[tf.TensorSpec([], tf.string)])
def turned(contents):
    return decoded(contents, 3, is_turned=True)


def in_graph(contents):
    return turned(tf.constant(contents)).numpy()


JFIF = b"\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
XMP = b"\xff\xe1\x00\x0chttp://x\0\0"


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(("endian", "before", "position"), [("<", JFIF, 0), (">", XMP + JFIF, 5), (">", b"", 1)])
def test_jpegs_are_turned_in_a_graph_as_pillow_turns_them(orientation, endian, before, position):
    contents = with_exif(orientation, endian, before, position)
    upright = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(contents))), np.int64)
    assert upright.shape[:2] == (PHOTO.size if orientation >= 5 else PHOTO.size[::-1])
    found = in_graph(contents)
    assert found.shape == upright.shape and abs(found - upright).mean() < 2


def test_damaged_metadata_turn_nothing():
    plain = in_graph(encoded(PHOTO, "JPEG", quality=95))
    beyond = with_exif(6).replace(struct.pack("<HI", 42, 8), struct.pack("<HI", 42, 0xFFFFFFF0))
    assert beyond != with_exif(6) and np.array_equal(in_graph(beyond), plain)
    for number in (0, 9, 65535):
        assert np.array_equal(in_graph(with_exif(number)), plain), "no orientation has this number"


@pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF", "BMP"])
def test_pictures_without_metadata_stay_as_they_are_in_a_graph(form):
    contents = encoded(PHOTO, form)
    assert np.array_equal(in_graph(contents), decoded(tf.constant(contents), 3).numpy())


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        (b"", "it is empty"),
        (b"no picture", "it is no picture of a format that is known"),
        (encoded(PHOTO, "JPEG")[:900], "it is cut short or damaged: "),
        (encoded(PHOTO, "PNG")[:900], "it is cut short or damaged: "),
        (encoded(PHOTO, "TIFF")[:900], "it is cut short or damaged: "),
        (encoded(Image.fromarray(np.ones((4, 4), np.float32)), "TIFF"), "its pixels are floating-point numbers"),
        (
            encoded(Image.fromarray(np.full((4, 4), 1 << 20, np.int32)), "TIFF"),
            "its pixels are numbers of more than 16",
        ),
    ],
)
def test_files_that_are_not_pictures_are_refused_with_a_reason(contents, message):
    with pytest.raises(UnreadablePicture, match=message):
        read_picture(contents, 3)

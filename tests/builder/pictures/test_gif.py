"""Only the first frame of a GIF is decoded, and it is the picture that Pillow shows first."""

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from sklearn.datasets import load_sample_images

from builder.pictures import gif
from builder.pictures.resizing import decoded

PHOTO = Image.fromarray(load_sample_images().images[0][100:160, 200:280])


def saved(frames, **options):
    out = io.BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:], **options)
    return out.getvalue()


ANIMATED = saved([PHOTO, PHOTO.rotate(90), PHOTO.rotate(180)], duration=100, loop=0, comment=b"three frames")


@pytest.mark.parametrize(
    "contents",
    [
        saved([PHOTO]),
        ANIMATED,
        saved([PHOTO.convert("L"), PHOTO.convert("1")], comment=b"x" * 2_000),
        saved([PHOTO, Image.new("RGB", PHOTO.size)], optimize=True, interlace=1),
        saved([PHOTO, PHOTO.rotate(90)], disposal=2),
    ],
)
def test_the_first_frame(contents):
    first = gif.still(tf.constant(contents)).numpy()
    with Image.open(io.BytesIO(first)) as image:
        assert image.n_frames == 1
    expected = np.asarray(Image.open(io.BytesIO(contents)).convert("RGB"))
    np.testing.assert_array_equal(decoded(tf.constant(contents), 3), expected)
    assert gif.frame_size(tf.constant(contents)).numpy().tolist() == list(expected.shape[:2])


def test_other_formats_stay_as_they_are():
    out = io.BytesIO()
    PHOTO.save(out, "PNG")
    assert gif.still(tf.constant(out.getvalue())).numpy() == out.getvalue()


@pytest.mark.parametrize("length", [6, 10, 13, 14, 30, 800, 810, 2_000])
def test_a_file_that_is_cut_off_has_the_end_that_it_has(length):
    """Whatever it is made of, nothing fails but its decoding."""
    contents = ANIMATED[:length]
    assert gif.still(tf.constant(contents)).numpy().startswith(contents[:length])
    assert (gif.frame_size(tf.constant(contents)).numpy() >= 0).all()


def test_extensions_without_end_are_not_followed():
    start = ANIMATED[:13] + bytes(3 * 256)
    for extensions in (b"!\xf9\0" * 100_000, b"!"):
        assert gif.still(tf.constant(start + extensions)).numpy() == start + extensions

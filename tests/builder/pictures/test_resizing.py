"""The evaluation transform against resizing and then cropping."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from archspec.recipe.resizing import Resizing
from builder.pictures.resizing import centre_crop, fitted, fitted_bytes
from tests.builder.data.conftest import bmp, cut


def expected(picture, shape, resized):
    """Resizes to (height, width), then crops the centre."""
    whole = tf.image.resize(picture, resized, antialias=True).numpy()
    top, left = (resized[0] - shape[0]) // 2, (resized[1] - shape[1]) // 2
    return np.round(whole[top : top + shape[0], left : left + shape[1]]).clip(0, 255)


@pytest.mark.parametrize(
    ("size", "shape", "resize", "resized"),
    [
        ((60, 80), (28, 28, 3), None, (32, 43)),
        ((80, 60), (28, 28, 3), None, (43, 32)),
        ((20, 20), (28, 28, 3), None, (32, 32)),
        ((60, 80), (28, 28, 3), 28, (28, 37)),
        ((60, 80), (28, 28, 3), 40, (40, 53)),
        ((60, 80), (28, 28, 3), 10, (28, 37)),  # too little to crop from
        ((28, 28), (28, 28, 3), 32, (32, 32)),
        ((60, 80), (28, 56, 3), None, (48, 64)),
    ],
)
def test_it_equals_resizing_and_then_cropping_the_centre(size, shape, resize, resized):
    picture = cut(1, size)
    found = centre_crop(picture, shape, resize).numpy()
    assert found.dtype == np.uint8 and found.shape == shape
    assert np.abs(found - expected(picture, shape, resized)).max() <= 1
    assert (found != expected(picture, shape, resized)).mean() < 0.01  # halves, rounded


def by_pillow(picture, height, width):
    return np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.BILINEAR), np.int64)


@pytest.mark.parametrize("size", [(60, 80), (80, 20), (20, 20), (28, 56)])
def test_stretching_resizes_both_sides(size):
    picture = cut(1, size)
    found = fitted(picture, (28, 56, 3), Resizing("stretch")).numpy()
    assert np.abs(found - by_pillow(picture, 28, 56)).max() <= 2


@pytest.mark.parametrize(
    ("size", "inside"),
    [((60, 80), (4, 0, 42, 56)), ((80, 60), (0, 9, 50, 38)), ((100, 10), (0, 25, 50, 5)), ((25, 28), (0, 0, 50, 56))],
)
def test_padding_keeps_the_whole_picture_in_a_black_frame(size, inside):
    picture = cut(1, size)
    top, left, height, width = inside
    found = fitted(picture, (50, 56, 3), Resizing("pad")).numpy()
    expected = np.zeros((50, 56, 3))
    expected[top : top + height, left : left + width] = by_pillow(picture, height, width)
    assert np.abs(found - expected).max() <= 2


@pytest.mark.parametrize("mode", ["stretch", "pad"])
def test_pictures_of_the_networks_size_are_neither_stretched_nor_padded(mode):
    pictures = np.stack([cut(number, (28, 28)) for number in range(3)])
    assert np.array_equal(fitted(pictures, (28, 28, 3), Resizing(mode)), pictures)
    assert np.array_equal(fitted(pictures[..., :1], (28, 28, 3), Resizing(mode)), np.repeat(pictures[..., :1], 3, -1))


def test_pictures_of_the_networks_size_stay_as_they_are():
    picture = cut(0, (28, 28))
    assert np.array_equal(centre_crop(picture, (28, 28, 3)), picture)
    dynamic = tf.function(lambda x: centre_crop(x, (28, 28, 3)), [tf.TensorSpec((None, None, 3), tf.uint8)])
    assert np.array_equal(dynamic(picture), picture)


def test_a_batch_is_each_picture_alone():
    pictures = np.stack([cut(number, (40, 30)) for number in range(5)])
    whole = centre_crop(pictures, (24, 24, 3)).numpy()
    assert all(np.array_equal(centre_crop(one, (24, 24, 3)), other) for one, other in zip(pictures, whole, strict=True))


def test_grey_is_repeated_for_three_channels():
    grey = centre_crop(cut(0)[..., :1], (24, 24, 3)).numpy()
    assert grey.shape == (24, 24, 3) and (grey == grey[..., :1]).all()


def test_it_serves_encoded_pictures_of_any_format_in_a_saved_model(tmp_path):
    shape = (24, 24, 3)
    pictures = [cut(number) for number in range(4)]
    contents = [
        tf.io.encode_png(pictures[0]),
        tf.io.encode_jpeg(pictures[1]),
        bmp(pictures[2]),
        tf.io.encode_png(pictures[3]),
    ]

    class Server(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec((None,), tf.string)])
        def serve(self, contents):
            return fitted_bytes(contents, shape, Resizing(side=30))

    tf.saved_model.save(Server(), tmp_path / "server")
    found = tf.saved_model.load(tmp_path / "server").serve(tf.stack(contents)).numpy()
    assert found.shape == (4, 24, 24, 3)
    pictures[1] = tf.io.decode_jpeg(contents[1]).numpy()
    for picture, one in zip(pictures, found, strict=True):
        assert np.array_equal(centre_crop(picture, shape, 30), one)
    assert np.array_equal(fitted_bytes(contents[0], shape, Resizing(side=30)), found[0])

"""Crops that bring training pictures to the network's size."""

import numpy as np
import pytest
import tensorflow as tf

from archspec.recipe.crops import CROPS, RandomResizedCrop, ResizedCrop, ScaleJitter
from builder.pictures.crops import WINDOWS, cropped, cropped_bytes, numbers_needed, scales, windows
from tests.builder.data.conftest import bmp, cut

SHAPE = (24, 24, 3)
ALL = [ResizedCrop(side=32), ScaleJitter(least=24, most=48), RandomResizedCrop()]


def numbers(crop, count=2000, seed=0):
    return np.random.default_rng(seed).random((count, numbers_needed(crop)), np.float32)


def places(crop, size, count=2000, rows=None):
    """Top, left, height and width of windows in pictures of one size."""
    rows = numbers(crop, count) if rows is None else rows
    return windows(crop, tf.constant([size] * len(rows)), SHAPE, tf.constant(rows)).numpy().T


def test_every_crop_of_the_language_is_carried_out():
    assert set(WINDOWS) == set(CROPS)


@pytest.mark.parametrize("crop", ALL, ids=lambda crop: type(crop).__name__)
@pytest.mark.parametrize("size", [(60, 80), (100, 30), (25, 24), (1, 7)])
def test_windows_lie_in_the_picture_and_reach_its_edges(crop, size):
    top, left, height, width = places(crop, size)
    assert (top >= 0).all() and (left >= 0).all() and (height >= 1).all() and (width >= 1).all()
    assert (top + height <= size[0]).all() and (left + width <= size[1]).all()
    assert top.min() == left.min() == 0
    assert (top + height).max() == size[0] and (left + width).max() == size[1]


def test_resized_crop_is_the_networks_share_of_the_resized_picture():
    top, left, height, width = places(ResizedCrop(side=32), (64, 128))
    assert set(height) == set(width) == {48}  # 24 of 32, of 64
    assert np.bincount(top).min() > 50 and len(np.bincount(top)) == 17
    assert left.mean() == pytest.approx(40, abs=2)


def test_scale_jitter_draws_every_side_alike():
    height = places(ScaleJitter(least=24, most=48), (480, 640), 20_000)[2]
    sides, counts = np.unique(np.round(24 * 480 / height), return_counts=True)
    assert list(sides) == list(range(24, 49)) and counts.min() > 0.8 * 20_000 / 25


def test_random_resized_crop_draws_area_and_ratio():
    _, _, height, width = places(RandomResizedCrop(), (1000, 1000), 20_000)
    area = height * width / 1e6
    assert 0.079 < area.min() < 0.09 and 0.95 < area.max() <= 1
    small = area < 0.5  # of which none is too large for the picture
    assert np.histogram(area[small], 6, (0.08, 0.5))[0].min() > 0.9 * small.sum() / 6
    ratio = np.log(width / height)[small]
    assert np.histogram(ratio, 6, (np.log(3 / 4), np.log(4 / 3)))[0].min() > 0.9 * small.sum() / 6


def test_if_no_window_fits_the_largest_central_one_is_taken():
    top, left, height, width = places(RandomResizedCrop(area=(0.9, 1)), (20, 200))
    assert set(height) == {20} and set(width) == {27} and set(top) == {0} and set(left) <= {86, 87}


@pytest.mark.parametrize("crop", ALL, ids=lambda crop: type(crop).__name__)
@pytest.mark.parametrize("size", [(60, 80), (200, 150), (24, 30), (20, 18)])
@pytest.mark.parametrize("encode", [tf.io.encode_jpeg, tf.io.encode_png, bmp], ids=["jpeg", "png", "bmp"])
def test_an_encoded_picture_is_cropped_as_a_decoded_one(crop, size, encode):
    picture = cut(3, size)
    contents = tf.constant(encode(picture))
    decoded = tf.io.decode_image(contents).numpy()
    for top, left, height, width in places(crop, size, 3).T:
        part = decoded[top : top + height, left : left + width].astype(np.float32)
        expected = tf.image.resize(part, SHAPE[:2], antialias=bool(min(height, width) >= 48)).numpy()
        place = tf.constant([top, left, height, width])
        found = cropped_bytes(contents, place, SHAPE).numpy()
        assert found.shape == SHAPE and found.dtype == np.uint8
        if encode is tf.io.encode_jpeg:
            needed = scales(np.array([size]), SHAPE)
            assert np.array_equal(cropped_bytes(contents, place, SHAPE, True, needed), found)
        assert np.abs(found - expected).mean() < (8 if encode is tf.io.encode_jpeg else 0.3)


@pytest.mark.parametrize("crop", ALL, ids=lambda crop: type(crop).__name__)
@pytest.mark.parametrize("size", [(60, 80), (24, 24), (16, 20)])
def test_a_batch_is_cropped_as_each_picture_alone(crop, size):
    pictures, rows = np.stack([cut(number, size) for number in range(6)]), numbers(crop, 6)
    found = cropped(crop, tf.constant(pictures), SHAPE, tf.constant(rows)).numpy()
    for picture, (top, left, height, width), one in zip(pictures, places(crop, size, rows=rows).T, found, strict=True):
        part = picture[top : top + height, left : left + width]
        expected = np.round(tf.image.resize(part, SHAPE[:2], antialias=True).numpy())
        assert np.abs(one - expected).max() <= 1


def test_grey_pictures_are_cropped_for_three_channels():
    crop = RandomResizedCrop()
    found = cropped(crop, tf.constant(np.stack([cut(0)[..., :1]])), SHAPE, tf.constant(numbers(crop, 1)))
    assert found.shape == (1, *SHAPE)
    contents = tf.io.encode_jpeg(cut(0)[..., :1])
    assert cropped_bytes(contents, tf.constant([0, 0, 30, 30]), SHAPE).shape == SHAPE


def test_windows_follow_each_pictures_size():
    crop, sizes = ScaleJitter(least=24, most=48), np.array([(60, 80), (30, 24), (100, 500)])
    rows = numbers(crop, 3)
    found = windows(crop, tf.constant(sizes), SHAPE, tf.constant(rows)).numpy()
    for size, row, one in zip(sizes.tolist(), rows, found, strict=True):
        assert np.array_equal(places(crop, size, rows=row[np.newaxis])[:, 0], one)


def test_scales_are_those_that_some_picture_is_large_enough_for():
    assert scales(np.array([(375, 500)]), (224, 224, 3)) == (1,)
    assert scales(np.array([(375, 500), (1000, 900)]), (224, 224, 3)) == (1, 2, 4)
    assert scales(np.array([(4000, 200)]), (224, 224, 3)) == (1,)

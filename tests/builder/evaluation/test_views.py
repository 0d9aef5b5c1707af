"""The crops of the papers are those parts of the picture."""

import numpy as np
import pytest
import tensorflow as tf
from sklearn.datasets import load_sample_images

from archspec import UserError
from archspec.recipe.resizing import Resizing
from builder.evaluation.scheme import Scheme
from builder.evaluation.views import resized, views
from builder.pictures.resizing import centre_crop

PHOTO = load_sample_images().images[0][:96, :128]
SHAPE = (64, 64, 3)


def seen(scheme, side, photo=PHOTO, shape=SHAPE):
    return views(tf.constant(photo), shape, scheme, side).numpy()


def test_ten_crops_are_corners_and_centre_of_the_central_square_and_their_mirror_images():
    """A shorter side of 96 leaves the picture as it is: its central square begins at column 16."""
    found = seen(Scheme("ten"), 96)
    square = PHOTO[:, 16:112]
    corners = [square[:64, :64], square[:64, 32:], square[32:, :64], square[32:, 32:], square[16:80, 16:80]]
    np.testing.assert_array_equal(found[:5], corners)
    np.testing.assert_array_equal(found[5:], [corner[:, ::-1] for corner in corners])
    np.testing.assert_array_equal(seen(Scheme("ten", flip=False), 96), corners)


def test_a_grid_goes_from_edge_to_edge():
    found = seen(Scheme("grid"), 96)
    assert found.shape == (50, *SHAPE)
    places = [(top, left) for top in (0, 8, 16, 24, 32) for left in (0, 16, 32, 48, 64)]
    np.testing.assert_array_equal(found[:25], [PHOTO[top : top + 64, left : left + 64] for top, left in places])


@pytest.mark.parametrize("side", [64, 73, 80, 150])
def test_the_centre_is_that_of_the_evaluation_transform(side):
    expected = centre_crop(tf.constant(PHOTO), SHAPE, side).numpy()
    np.testing.assert_array_equal(seen(Scheme("centre", (side,)), side)[0], expected)
    difference = seen(Scheme("ten"), side)[4].astype(int) - expected
    assert abs(difference).max() <= 1


def test_dense_evaluation_sees_all_of_the_picture_and_its_mirror_image():
    found = seen(Scheme("dense"), 72)
    assert found.shape == (2, 72, 96, 3)
    np.testing.assert_array_equal(found[1], found[0][:, ::-1])
    np.testing.assert_array_equal(found[0], resized(tf.constant(PHOTO), SHAPE, 72))


def test_narrow_grey_pictures_are_enlarged_until_the_crop_fits():
    grey = PHOTO[:10, :128, :1]
    assert seen(Scheme("ten"), 64, grey).shape == (10, *SHAPE)
    assert seen(Scheme("dense"), 64, grey, (64, 32, 3)).shape[1:3] == (64, 819)


@pytest.mark.parametrize("scale", [63, 9000])
def test_scales_have_limits(scale):
    with pytest.raises(UserError) as caught:
        Scheme("dense", (64, scale)).check(SHAPE, Resizing())
    message = "expected at least 64, the shorter side of the network's pictures, and at most 8192"
    assert str(caught.value) == f"--scales {scale}: {message}"


def test_a_scale_counts_once():
    with pytest.raises(UserError) as caught:
        Scheme("dense", (256, 384, 256)).check((224, 224, 3), Resizing())
    assert str(caught.value) == "--scales 256: is given twice; each scale counts once in the average"

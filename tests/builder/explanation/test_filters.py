"""The picture of the first layer's filters."""

import numpy as np
from PIL import Image

import archspec
from builder.explanation import filters


def spec(*layers, shape=(8, 8, 3)):
    layers = [*layers, "flatten", {"dense": 4}]
    return archspec.loads({"name": "seen", "model": {"input": list(shape), "layers": list(layers)}})


def test_a_weight_of_zero_is_grey_and_the_largest_is_a_full_colour():
    kernel = np.zeros((1, 3, 3), np.float32)
    kernel[0, 0], kernel[0, 2] = (0.2, 0, 0), (0, -0.2, 0.1)
    np.testing.assert_allclose(filters.shown(kernel)[0], [(1, 0.5, 0.5), (0.5, 0.5, 0.5), (0.5, 0, 0.75)])
    np.testing.assert_allclose(filters.shown(np.array([[[3.0], [-3.0]]]))[0], [(1, 1, 1), (0, 0, 0)])
    np.testing.assert_allclose(filters.shown(np.array([[[1.0, 3.0], [-2.0, 0.0]]]))[0], [(1,) * 3, (0.25,) * 3])
    for value in (0.0, np.nan, np.inf):
        assert (filters.shown(np.full((2, 2, 1), value)) == 0.5).all()


def test_filters_lie_row_by_row_in_their_order():
    """AlexNet's 96 as in figure 3 of the paper: three rows of sixteen for each GPU."""
    kernel = np.zeros((11, 11, 3, 96), np.float32)
    kernel[5, 5, 0, 17] = 1
    sheet = filters.mosaic(kernel)
    tile = 44 + filters.GAP
    assert sheet.shape == (6 * tile - filters.GAP, 16 * tile - filters.GAP, 3)
    red = np.argwhere((sheet == (1, 0.5, 0.5)).all(-1))
    assert red.min(0).tolist() == [tile + 20, tile + 20] and red.max(0).tolist() == [tile + 23, tile + 23]
    assert (sheet[44:48] == 1).all(), "white between the filters"


def test_towers_are_one_below_the_other(tmp_path):
    tower = [{"conv": {"filters": 5, "kernel": 3, "name": "conv"}}]
    two = spec({"towers": {"count": 2, "layers": tower, "input": "whole", "name": "half"}})
    one = spec(*tower)
    generator = np.random.default_rng(0)
    weights = {
        f"{name}/kernel": generator.normal(size=(3, 3, 3, 5))
        for name in ("half.tower1.conv", "half.tower2.conv", "conv")
    }
    heights = []
    for network in (one, two):
        path = tmp_path / "filters.png"
        assert filters.draw(path, network, weights)
        with Image.open(path) as picture:
            heights.append(picture.height)
            assert picture.width >= 500
    assert heights[1] - heights[0] == 45 + filters.LABEL + filters.BLOCK


def test_what_has_no_filters_to_see_has_no_picture(tmp_path):
    for layers in ([], [{"conv": {"filters": 4, "kernel": 1}}]):
        assert not filters.draw(tmp_path / "filters.png", spec(*layers), {})
    assert list(tmp_path.iterdir()) == []

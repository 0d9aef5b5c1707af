"""The pictures that a run keeps."""

import numpy as np
import pytest
import tensorflow as tf

from archspec.recipe.resizing import Resizing
from builder.data.samples import keep, kept, pictures_of
from builder.data.splits import Arrays
from tests.builder.data.conftest import cut

SHAPE = (28, 28, 3)
SPLIT = Arrays(tf.constant(np.stack([cut(number, (60, 80)) for number in range(5)])), tf.range(5, dtype=tf.int64))


@pytest.mark.parametrize("mode", ["crop", "stretch", "pad"])
def test_kept_pictures_are_used_as_they_are(mode, tmp_path):
    keep(tmp_path / "a.npz", SPLIT, SHAPE, Resizing(mode))
    found = pictures_of(kept(tmp_path / "a.npz", SHAPE, Resizing(mode)), SHAPE, Resizing(mode), 9)
    expected = pictures_of(SPLIT, SHAPE, Resizing(mode), 9)
    assert np.array_equal(found.evaluated, expected.evaluated) and found.labels.tolist() == [0, 1, 2, 3, 4]


def test_kept_pictures_that_would_be_enlarged_have_no_labels(tmp_path):
    keep(tmp_path / "a.npz", SPLIT, SHAPE, Resizing(side=40))
    assert kept(tmp_path / "a.npz", SHAPE, Resizing(side=40)).labels.numpy().tolist() == [-1] * 5


@pytest.mark.parametrize("length", [0, 10, 3000])
def test_a_file_that_was_cut_off_holds_no_pictures(length, tmp_path):
    keep(tmp_path / "a.npz", SPLIT, SHAPE, Resizing())
    whole = (tmp_path / "a.npz").read_bytes()
    assert length < len(whole)
    (tmp_path / "a.npz").write_bytes(whole[:length])
    assert kept(tmp_path / "a.npz", SHAPE, Resizing()) is None


def test_pictures_of_another_network_are_not_used(tmp_path):
    keep(tmp_path / "a.npz", SPLIT, SHAPE, Resizing())
    assert kept(tmp_path / "a.npz", (32, 32, 3), Resizing()) is None

"""Pictures to test a network on, which have its labels, whatever order their own classes have."""

import numpy as np
import pytest
import tensorflow as tf

from archspec.errors import UserError
from builder.data.splits import labels_of
from builder.data.testing import data_to_test

NAMES = ("eel", "cat", "fox", "dog")
PICTURES, LABELS = np.arange(12 * 16, dtype=np.uint8).reshape(12, 4, 4), np.arange(12) % 2


def read(split):
    """The labels that come with the pictures of a split."""
    return [int(split.read(tf.constant(number, tf.int64))[1]) for number in range(split.count)]


def test_all_pictures_of_a_folder_without_parts_have_the_labels_of_the_network(tree):
    data = data_to_test(tree, (32, 32, 3), NAMES)
    assert data.class_names == NAMES and data.validation_count == 24
    for split in (data.train, data.validation):
        assert labels_of(split).tolist() == read(split)
        assert len(split.sizes) == len(split.hashes) == split.count
    assert np.bincount(labels_of(data.validation), minlength=4).tolist() == [8, 8, 0, 8]


@pytest.mark.parametrize(
    ("others", "count"),
    [
        ({"x": PICTURES, "y": LABELS}, 12),
        ({"x_train": PICTURES, "y_train": LABELS, "x_test": PICTURES[:5], "y_test": LABELS[:5]}, 5),
        ({"x_train": PICTURES, "y_train": LABELS, "x_val": PICTURES[:4], "y_val": LABELS[:4], "x": PICTURES}, 4),
        ({"x": PICTURES, "y": LABELS, "x_train": PICTURES}, 12),
    ],
    ids=["whole", "test", "a whole beside parts", "a part beside the whole"],
)
def test_of_arrays_in_parts_only_the_held_out_ones_are_tested_on(others, count, tmp_path):
    np.savez(tmp_path / "a.npz", class_names=np.array(["fox", "dog"]), **others)
    data = data_to_test(tmp_path / "a.npz", (4, 4, 1), NAMES)
    assert data.validation_count == count
    assert set(labels_of(data.validation).tolist()) == {2, 3}


def test_a_name_that_the_network_gives_to_several_classes_decides_nothing(tree):
    with pytest.raises(UserError) as caught:
        data_to_test(tree, (32, 32, 3), (*NAMES, "cat"))
    assert str(caught.value) == (
        f"--data: the network has several classes named 'cat', so that pictures of {tree} have no certain label"
    )

"""Pictures to test a network on, which have its labels, whatever order their own classes have."""

import shutil

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


def said(path, names=NAMES, **options):
    lines = []
    return data_to_test(path, (32, 32, 3), names, lines.append, **options), lines


def test_a_folder_without_parts_may_have_a_class_of_one_picture(tree):
    for path in sorted((tree / "cat").iterdir())[1:]:
        path.unlink()
    data, lines = said(tree)
    assert np.bincount(labels_of(data.validation)).tolist() == [8, 1, 0, 8]
    assert lines == [f"{tree} has no pictures of 1 of the network's 4 classes: 'fox'"]


def test_one_class_is_enough(tree):
    for name in ("cat", "dog"):
        shutil.rmtree(tree / name)
    data, lines = said(tree)
    assert set(labels_of(data.validation).tolist()) == {0}
    assert lines == [f"{tree} has no pictures of 3 of the network's 4 classes: 'cat', 'fox', 'dog'"]


def test_corrupt_pictures_are_an_error_or_left_out(tree):
    empty = min((tree / "cat").iterdir())
    empty.write_bytes(b"")
    with pytest.raises(UserError) as caught:
        said(tree)
    assert str(caught.value).splitlines() == [
        f"--data: 1 of the 24 pictures of {tree} cannot be decoded; repair or delete them, or leave them out with "
        "--on-corrupt skip",
        f"      {empty}: it is empty",
    ]
    data, lines = said(tree, on_corrupt="skip")
    assert data.validation_count == 23
    why = f"(--on-corrupt skip): {empty}: it is empty"
    assert lines[0] == f"1 of the 24 pictures of {tree} is left out {why}"


def test_another_word_for_corrupt_pictures_is_refused(tree):
    with pytest.raises(UserError) as caught:
        said(tree, on_corrupt="drop")
    assert str(caught.value) == "--on-corrupt: expected 'error' or 'skip', got 'drop'"


def test_arrays_may_lack_classes(tmp_path):
    names = np.array(["cat", "fox", "dog"])
    pictures = np.zeros((3, 32, 32), np.uint8)
    np.savez(tmp_path / "a.npz", x=pictures, y=np.array([0, 0, 1]), class_names=names)
    data, lines = said(tmp_path / "a.npz")
    assert labels_of(data.validation).tolist() == [1, 1, 2]
    assert lines == [f"{tmp_path / 'a.npz'} has no pictures of 2 of the network's 4 classes: 'eel', 'dog'"]


@pytest.mark.parametrize(
    ("name", "hint"), [("Cat", "; did you mean 'cat'?"), ("zebra", "; rename or move their folders")]
)
def test_classes_that_the_network_lacks_are_named(tree, name, hint):
    (tree / "cat").rename(tree / name)
    with pytest.raises(UserError) as caught:
        said(tree)
    assert str(caught.value) == (
        f"--data: {tree} has classes that the network does not have: '{name}'; it knows 'eel', 'cat', 'fox', and 1 more"
        + hint
    )


def test_the_folder_of_one_part_is_to_be_named(tree):
    for part, message in (("val", "no train/"), ("train", "no validation/, val/, valid/, test/ or testing/")):
        root = tree.parent / f"only_{part}"
        shutil.copytree(tree, root / part)
        with pytest.raises(UserError) as caught:
            said(root)
        assert str(caught.value) == f"--data: {root} has {part}/, but {message}; name {root / part}"

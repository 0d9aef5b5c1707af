"""The warning about centre crops that cut away much of the pictures."""

import numpy as np
import pytest
import tensorflow as tf

from archspec.recipe import Train
from archspec.recipe.crops import RandomResizedCrop
from archspec.recipe.data import Folder, Npz
from builder.data import load_data
from builder.data.framing import framing_warning
from tests.builder.data.conftest import cut, write
from tests.strategies import load as load_spec


def recipe(**fields):
    return Train(data=Folder(path=""), batch_size=2, **fields)


@pytest.fixture
def wide(tmp_path):
    """Ten square pictures in each of two classes, and one that is three times as wide as high."""
    for number in range(10):
        for name in ("a", "b"):
            size = (20, 60) if (number, name) == (9, "b") else (40, 40)
            write(tmp_path / "wide" / name / f"{number}.png", cut(number, size))
    return tmp_path / "wide"


def test_few_wide_pictures_are_not_pointed_out(wide):
    assert framing_warning(load_data(Folder(path=str(wide)), (16, 16, 3)), recipe()) is None


def test_many_are_pointed_out_unless_they_are_used_whole(wide):
    write(wide / "a" / "tall.png", cut(0, (100, 25)))
    write(wide / "a" / "most.png", cut(0, (40, 60)))  # two thirds are used, and a third is not more than that
    data = load_data(Folder(path=str(wide)), (16, 16, 3))
    assert framing_warning(data, recipe()) is None, "2 of 22 are less than a tenth"
    write(wide / "a" / "more.png", cut(0, (40, 62)))
    data = load_data(Folder(path=str(wide)), (16, 16, 3))
    assert framing_warning(data, recipe()) == (
        "centre crops cut away more than a third of 3 of 23 pictures (75% of one of 25x100 pixels); "
        "train.resize: pad or stretch uses pictures whole"
    )
    assert framing_warning(data, recipe(resize="pad")) is None
    assert framing_warning(data, recipe(resize="stretch")) is None


def test_of_pictures_that_training_crops_only_validation_counts(tmp_path):
    arrays = {"x_train": np.zeros((8, 20, 20, 3), np.uint8), "y_train": np.arange(8) % 2}
    np.savez(tmp_path / "a.npz", **arrays, x_val=arrays["x_train"], y_val=arrays["y_train"])
    data = load_data(Npz(path=str(tmp_path / "a.npz")), (16, 8, 3))
    cropped = recipe(augment=(RandomResizedCrop(),))
    assert "16 of 16 pictures" in framing_warning(data, recipe())
    assert "8 of 8 pictures (50% of one of 20x20 pixels)" in framing_warning(data, cropped)


def test_the_line_is_said_where_a_spec_is_loaded(wide, tmp_path):
    for name in ("a", "b"):
        write(wide / name / "tall.png", cut(0, (100, 25)))
        write(wide / name / "taller.png", cut(1, (100, 20)))
    spec = {
        "name": "net",
        "model": {"input": [16, 16, 3], "layers": ["flatten", {"dense": 2}]},
        "train": {"data": {"folder": {"path": str(wide)}}, "batch_size": 4},
    }
    lines = []
    load_data(load_spec(spec), say=lines.append)
    assert [line.split(" pictures")[0] for line in lines] == ["centre crops cut away more than a third of 5 of 24"]


@pytest.mark.parametrize("mode", ["stretch", "pad"])
def test_training_and_validation_resize_alike(wide, mode):
    from archspec.recipe.resizing import Resizing
    from builder.data.batches import training_batches, validation_batches
    from builder.pictures.resizing import fitted_bytes

    data = load_data(Folder(path=str(wide)), (16, 16, 3))
    how = recipe(resize=mode, epochs=1)
    expected = {
        fitted_bytes(split.read(tf.constant(number, tf.int64))[0], data.shape, Resizing(mode)).numpy().tobytes()
        for split in (data.train, data.validation)
        for number in range(split.count)
    }
    seen = [one for pictures, *_ in training_batches(data, how, 2).as_numpy_iterator() for one in pictures]
    seen += [one for pictures, *_ in validation_batches(data, how, 2).as_numpy_iterator() for one in pictures]
    assert {one.tobytes() for one in seen} == expected

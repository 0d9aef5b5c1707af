"""`predict`, which takes paths and arrays and returns a list."""

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from archspec.errors import FileError
from builder.prediction.predictor import predict
from builder.runs.run import open_run


@pytest.fixture(scope="module")
def digits():
    """Pictures and labels of the digits, uint8 (count, 8, 8, 1)."""
    source = load_digits()
    return source.images[:20, ..., np.newaxis].astype(np.uint8), source.target[:20]


def test_arrays_and_files_get_the_same_predictions(run_dir, digits, tmp_path):
    pictures, labels = digits
    for number, picture in enumerate(pictures):
        Image.fromarray(picture[..., 0]).save(tmp_path / f"{number:02}.png")
    of_files = predict(run_dir, tmp_path)
    of_batch = predict(open_run(run_dir), pictures)
    assert [one.path for one in of_files] == [f"{tmp_path}/{number:02}.png" for number in range(20)]
    assert [one.path for one in of_batch] == [str(number) for number in range(20)]
    for one, other in zip(of_files, of_batch, strict=True):
        assert [name for name, _ in one.classes] == [name for name, _ in other.classes] and len(one.classes) == 5
        assert one.classes[0][1] == pytest.approx(other.classes[0][1], abs=1e-5)
    assert np.mean([one.classes[0][0] == str(label) for one, label in zip(of_batch, labels, strict=True)]) > 0.5


def test_paths_and_arrays_may_be_mixed(run_dir, digits, tmp_path):
    pictures, _ = digits
    Image.fromarray(pictures[0, ..., 0]).save(tmp_path / "0.png")
    (tmp_path / "1.png").write_text("no picture")
    found = predict(run_dir, [pictures[0], tmp_path, pictures[1:3]], top=1)
    assert [one.path for one in found] == ["0", f"{tmp_path}/0.png", f"{tmp_path}/1.png", "1", "2"]
    assert found[0].classes[0][0] == found[1].classes[0][0]
    assert found[2].error.startswith("cannot be decoded: ") and not found[2].classes


def test_grey_arrays_of_any_size_suit_a_network_for_colours(runs):
    grey = np.full((40, 30, 1), 128, np.uint8)
    one, other = predict(runs / "photo_run", [grey, np.repeat(grey, 3, 2)])
    assert one.classes == other.classes and {name for name, _ in one.classes} == {"china", "flower"}


def test_an_export_predicts_as_its_run(run_dir, exported, digits):
    of_run, of_export = predict(run_dir, digits[0], top=1), predict(exported[0], digits[0], top=1)
    assert [one.classes[0][0] for one in of_run] == [one.classes[0][0] for one in of_export]


@pytest.mark.parametrize(
    ("array", "found"),
    [
        (np.zeros((8, 8, 1)), "float64 (8, 8, 1)"),
        (np.zeros((8, 8), np.uint8), "uint8 (8, 8)"),
        (np.zeros((8, 8, 3), np.uint8), "uint8 (8, 8, 3)"),
        (np.zeros((2, 0, 8, 1), np.uint8), "uint8 (0, 8, 1)"),
    ],
)
def test_other_arrays_are_refused(run_dir, array, found):
    with pytest.raises(FileError) as caught:
        predict(run_dir, array)
    assert str(caught.value) == f"pictures[0]: is {found}; expected uint8 (height, width, 1), from 0 to 255"


def test_wrong_paths_are_refused(run_dir, tmp_path):
    with pytest.raises(FileError, match="no such file or folder"):
        predict(run_dir, tmp_path / "nowhere.png")
    with pytest.raises(FileError, match="there is no such run"):
        predict(tmp_path / "nowhere", [])

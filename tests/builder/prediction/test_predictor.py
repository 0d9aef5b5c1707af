"""`predict`, which takes paths and arrays and returns a list."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageDraw
from sklearn.datasets import load_digits

from archspec import load
from archspec.errors import FileError
from builder.exports.inference import endpoints, network_of
from builder.pictures.pixel_range import PixelRange
from builder.prediction.classifier import classify
from builder.prediction.finding import find
from builder.prediction.opening import open_classifier
from builder.prediction.predictor import predict
from builder.runs.run import open_run
from builder.training.trainer import train
from tests.conftest import DIGITS


@pytest.fixture(scope="module")
def digits():
    """Pictures and labels of the digits, uint8 (count, 8, 8, 1)."""
    source = load_digits()
    return np.rint(source.images[:20, ..., np.newaxis] * 255 / 16).astype(np.uint8), source.target[:20]


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


def drawn_two(side):
    """A large 2, light on dark, from 0 to 255."""
    picture = Image.new("L", (64, 64))
    pen = ImageDraw.Draw(picture)
    pen.arc((18, 8, 46, 32), 180, 30, fill=255, width=8)
    pen.line([(44, 26), (20, 54)], fill=255, width=8)
    pen.line([(18, 54), (48, 54)], fill=255, width=8)
    return picture.resize((side, side), Image.Resampling.BILINEAR)


def test_a_drawn_digit_is_recognised(tmp_path):
    train(load(DIGITS, {"n": 1, "width": 12, "train.epochs": 8}), tmp_path / "run", say=lambda line: None)
    paths = [tmp_path / f"{side}.png" for side in (28, 64, 500)]
    for path in paths:
        drawn_two(int(path.stem)).save(path)
    signatures, _ = endpoints(network_of(open_run(tmp_path / "run")))
    served = signatures["serve_bytes"](picture_bytes=tf.constant([path.read_bytes() for path in paths]))
    assert [one.classes[0][0] for one in predict(tmp_path / "run", paths)] == ["2", "2", "2"]
    assert served["class_names"].numpy().tolist() == [b"2", b"2", b"2"]


def test_pixels_of_another_scale_are_pointed_out(run_dir, digits, tmp_path):
    pictures, _ = digits
    for name, picture in (("usual", pictures[0]), ("dim", pictures[1] // 16)):
        Image.fromarray(picture[..., 0]).save(tmp_path / f"{name}.png")
    rest = "are from 0 to 15, and the network was trained on pixels from 0 to 255; "
    rest += "scale them alike, or what it predicts means little"
    with pytest.warns(UserWarning, match="pixels") as caught:
        predict(run_dir, tmp_path / "dim.png")
    assert caught[0].filename == __file__
    assert [str(one.message) for one in caught] == [f"the pixels of all pictures together {rest}"]
    with pytest.warns(UserWarning, match="pixels") as caught:  # each is judged by itself
        predict(run_dir, [tmp_path, *pictures[:20]])
    dim = f"1 of 22 pictures ({tmp_path}/dim.png)"
    assert [str(one.message) for one in caught] == [f"the pixels of {dim} {rest}"]


def test_pixels_outside_the_trained_range_are_pointed_out(run_dir, digits, tmp_path):
    classifier, lines = dataclasses.replace(open_classifier(run_dir)(), pixel_range=PixelRange(0, 16)), []
    for number in range(2):
        Image.fromarray(digits[0][number, ..., 0] // (1, 16)[number]).save(tmp_path / f"{number}.png")
    assert len(list(classify(classifier, find([str(tmp_path)]), say=lines.append))) == 2
    assert lines == [
        f"the pixels of 1 of 2 pictures ({tmp_path}/0.png) are from 0 to 239, and the network was trained on "
        "pixels from 0 to 16; scale them alike, or what it predicts means little"
    ]


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

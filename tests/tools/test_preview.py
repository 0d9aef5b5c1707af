"""`tools/preview.py` as a user runs it, and the contents of the picture."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import SubFigure
from matplotlib.image import imread

from archspec import load
from archspec.recipe import Train
from archspec.recipe.data import Digits
from archspec.recipe.schedules import Constant, Plateau, Step
from builder.data import load_data
from builder.training.preview import (
    label_text,
    of_every_class,
    preview,
    training_examples,
    validation_examples,
)
from builder.training.rates import learning_rates
from tests.forked import python

ROOT = Path(__file__).parents[2]
DIGITS = ROOT / "specs" / "digits.yaml"


def run(*arguments, cwd, status=0):
    command = [python(), ROOT / "tools" / "preview.py", *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    result = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=120)
    assert result.returncode == status, result.stderr
    assert "Traceback" not in result.stderr
    return result.stderr if status else result.stdout


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def data(data_dir):
    return load_data(Digits(), (8, 8, 1), data_dir)


def test_the_tool_writes_a_png(tmp_path, data_dir):
    mixing = "train.augment=[{random_crop: 1}, {mixup: {alpha: 1}}]"
    assert run(DIGITS, "--set", mixing, "--data-dir", data_dir, cwd=tmp_path) == "saved preview.png\n"
    assert [path.name for path in tmp_path.iterdir()] == ["preview.png"]
    height, width, _ = imread(tmp_path / "preview.png").shape
    assert 1500 < width < 2000 and 900 < height < 1300


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["digts.yaml"], "digts.yaml: no such file"),
        ([DIGITS, "--set", "train.augment=[mixp]"], "unknown augmentation 'mixp'; did you mean 'mixup'?"),
        ([DIGITS, "--count", "0"], "argument --count: expected a whole number from 1 to 1000000, got '0'"),
        ([DIGITS, "--count", "801"], "argument --count: at most 800 pictures, got 801"),
    ],
)
def test_mistakes_are_reported_before_tensorflow_is_imported(arguments, message, tmp_path):
    assert message in run(*arguments, cwd=tmp_path, status=2)
    assert not list(tmp_path.iterdir())


def test_a_spec_without_a_train_section_has_no_preview(tmp_path):
    spec = tmp_path / "net.yaml"
    spec.write_text("name: net\nmodel: {input: [8, 8, 1], layers: [flatten, {dense: 10}]}\n")
    errors = run("net.yaml", cwd=tmp_path, status=2)
    assert "net.yaml:1:1: train: there is no 'train' section; add one, such as train: {data: digits}" in errors


# -- the file --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("digits.yaml", "digits.yaml: the picture is a PNG; give it a name that ends in .png"),
        ("folder.png", "folder.png: is a directory; give the name of a file in it"),
        ("nowhere/out.png", "nowhere/out.png: cannot be written: there is no directory nowhere"),
    ],
)
def test_a_file_that_cannot_be_written_is_refused_before_data_is_read(name, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(Exception, match="^" + message.replace(".", r"\.") + "$"):
        preview(load(DIGITS), name, data_dir=tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_a_disk_that_is_full_leaves_the_picture_that_was_there(tmp_path, data_dir, monkeypatch):
    (tmp_path / "old.png").write_bytes(b"old")

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("matplotlib.figure.Figure.savefig", full)
    with pytest.raises(Exception, match=r"old\.png: cannot be written: No space left on device; what "):
        preview(load(DIGITS), tmp_path / "old.png", data_dir=data_dir)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]


def test_a_picture_that_was_there_is_replaced(tmp_path, data_dir):
    (tmp_path / "old.png").write_bytes(b"old")
    few = preview(load(DIGITS), tmp_path / "old.png", 8, data_dir)
    many = preview(load(DIGITS), tmp_path / "new.png", 80, data_dir)
    assert imread(many).shape[0] - imread(few).shape[0] == pytest.approx(9 * 170, abs=6)


# -- what is shown ---------------------------------------------------------------------------------------------------


def test_the_pictures_are_those_of_training(data):
    spec = load(DIGITS, {"train.augment": [{"random_crop": 1}, {"cutmix": {"probability": 0.5}}]})
    shown = training_examples(data, spec.train, 100)  # more than a batch
    assert len(shown) == 100 and {picture.shape for picture, _ in shown} == {(8, 8, 1)}
    labels = np.stack([label for _, label in shown])
    assert labels.shape == (100, 10) and 20 < (labels.max(1) < 1).sum() < 80
    train = list(data.train.pictures.numpy())
    plain = training_examples(data, load(DIGITS, {"train.augment": []}).train, 5)
    assert all(any(np.array_equal(picture, one) for one in train) for picture, _ in plain)
    held_out = validation_examples(data, spec.train, 16)
    assert [int(label) for _, label in held_out] == [*range(10), *range(6)]
    validation = list(data.validation.pictures.numpy())
    assert all(any(np.array_equal(picture, one) for one in validation) for picture, _ in held_out)


def test_names_of_classes_are_shown_as_they_are(tmp_path):
    """Matplotlib takes what stands between dollars for mathematics, and fails where it is none."""
    pictures = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 1)).astype(np.uint8)
    names = ["$\\bad{$", "$b$"]
    np.savez(tmp_path / "$\\bad{$.npz", x=pictures, y=np.arange(20) % 2, class_names=names)
    data = {"npz": {"path": str(tmp_path / "$\\bad{$.npz")}}
    spec = load(DIGITS, {"classes": 2, "train.data": data, "train.batch_size": 8})
    preview(spec, tmp_path / "drawn.png", say=lambda line: None)
    assert imread(tmp_path / "drawn.png").std() > 0.01


def test_the_titles_say_what_is_brightened_and_which_classes_are_missing(tmp_path, monkeypatch):
    pictures = np.arange(80 * 64, dtype=np.uint8).reshape(80, 8, 8, 1) % 17
    np.savez(tmp_path / "dark.npz", x=pictures, y=np.arange(80) % 20)
    texts, text = [], SubFigure.text
    monkeypatch.setattr("builder.training.preview.MOST_ROWS", 1)
    monkeypatch.setattr(
        SubFigure, "text", lambda self, x, y, s, **style: texts.append(s) or text(self, x, y, s, **style)
    )
    spec = load(
        DIGITS, {"classes": 20, "train.batch_size": 8, "train.data": {"npz": {"path": str(tmp_path / "dark.npz")}}}
    )
    preview(spec, tmp_path / "drawn.png", 1, say=lambda line: None)
    assert texts[0].endswith("pictures, brightened (no pixel is above 16)")
    assert texts[2] == "Evaluation: 12 of 20 classes"


@pytest.mark.parametrize(
    ("labels", "count", "expected"),
    [
        ([0, 0, 0, 1, 1, 2], 5, [0, 3, 5, 1, 4]),
        ([2, 2, 0], 9, [2, 0, 1]),
        ([0, 1, 2, 3, 4, 5], 3, [0, 2, 4]),
        ([], 3, []),
    ],
)
def test_evaluation_pictures_are_of_every_class(labels, count, expected):
    assert of_every_class(np.array(labels, np.int64), count) == expected


@pytest.mark.parametrize(
    ("label", "text"),
    [
        (np.int64(1), "dog"),
        (np.int64(2), "a very long name ..."),
        (np.array([0, 1, 0], np.float32), "dog"),
        (np.array([0.7, 0.3, 0], np.float32), "cat 0.7 / dog 0.3"),
        (np.array([0.25, 0.75, 0], np.float32), "dog 0.75 / cat 0.25"),
        (np.array([0.999, 0.001, 0], np.float32), "cat"),
        (np.array([0.66666, 0, 0.33333], np.float32), "cat 0.67 /\na very long ... 0.33"),
    ],
)
def test_labels_are_names_and_shares(label, text):
    assert label_text(label, ("cat", "dog", "a very long name of a class")) == text


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (0.1, [0.1, 0.1, 0.1]),
        (Constant(base=0.1, warmup=2.0), [0.005, 0.1, 0.1]),
        (Step(base=0.1, drop=((5.0, 0.01),)), [0.1, 0.1, 0.01]),
        (Plateau(base=0.2, warmup=2.0), [0.01, 0.2, 0.2]),
    ],
)
def test_rates_are_those_of_the_schedule(schedule, expected):
    recipe = Train(data=Digits(), epochs=10, learning_rate=schedule)
    assert learning_rates(recipe, 10, [0, 49, 99]) == pytest.approx(expected)

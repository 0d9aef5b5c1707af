"""Runs that are not as their training left them: moved, without data, without checkpoints, named by their model."""

import json
import os
import shutil

import numpy as np
import pytest
import yaml
from PIL import Image

import builder
from archspec.errors import FileError
from builder.runs.run import open_run


@pytest.fixture
def copy(run_dir, tmp_path):
    return shutil.copytree(run_dir, tmp_path / "run")


def moved(run):
    """The run where its data are not: they are in a folder that is nowhere."""
    spec = yaml.safe_load((run / "spec.yaml").read_text())
    spec["train"]["data"] = {"folder": {"path": "nowhere"}}
    (run / "spec.yaml").write_text(yaml.safe_dump(spec, sort_keys=False))
    return run


def exported(run, out, *formats, **options):
    """The report of an export, and its lines."""
    lines = []
    path = builder.export(run, formats, out, say=lines.append, **options)
    return json.loads((path / "export.json").read_text()), lines


@pytest.mark.parametrize(
    ("name", "missing"),
    [("spec.yaml", "spec.yaml"), ("checkpoints", "checkpoints/"), ("both", "spec.yaml and no checkpoints/")],
)
def test_what_is_no_part_of_a_run_is_named(name, missing, tmp_path):
    """Special files and such have the names of a run's parts."""
    if name != "spec.yaml":
        (tmp_path / "checkpoints").touch()
    else:
        (tmp_path / "checkpoints").mkdir()
    if name != "checkpoints":
        os.mkfifo(tmp_path / "spec.yaml")
    else:
        (tmp_path / "spec.yaml").touch()
    with pytest.raises(FileError) as caught:
        open_run(tmp_path)
    assert str(caught.value) == f"{tmp_path}: is not the directory of a run: it has no {missing}"


def test_a_run_is_named_by_its_model(run_dir):
    picture = np.zeros((8, 8, 1), np.uint8)
    assert open_run(run_dir / "model.keras").directory == run_dir
    assert builder.predict(run_dir / "model.keras", picture) == builder.predict(run_dir, picture)


def test_a_complete_run_works_without_its_checkpoints(copy, run_dir, tmp_path):
    shutil.rmtree(copy / "checkpoints")
    run, whole = open_run(copy), open_run(run_dir)
    assert run.weights.keys() == whole.weights.keys()
    for name, value in whole.weights.items():
        np.testing.assert_array_equal(run.weights[name], value)
    lines = []
    before = builder.evaluate(run_dir, out=tmp_path / "before", say=lambda line: None)
    after = builder.evaluate(copy, out=tmp_path / "after", say=lines.append)
    assert [*after.members.values()] == [*before.members.values()]
    report, _ = exported(copy, tmp_path / "out", "keras")
    assert report["check"]["kind"] == "validation pictures of digits"


def test_a_run_that_was_moved_is_exported_with_the_pictures_that_it_keeps(copy, tmp_path):
    report, lines = exported(moved(copy), tmp_path / "out", "keras", "litert-int8")
    assert lines[0] == (
        "the data are not here (nowhere: there is no such folder; relative paths start at the current directory); "
        "the check is on the pictures that the run keeps"
    )
    assert (report["check"]["pictures"], report["check"]["kind"]) == (16, "validation pictures that the run keeps")
    assert [one["format"] for one in report["formats"]] == ["keras", "litert-int8"]
    calibration = {"pictures": 16, "kind": "other validation pictures that the run keeps"}
    assert [one.get("calibration") for one in report["formats"]] == [None, calibration]
    assert "litert-int8: calibrated on 16 other validation pictures that the run keeps" in "\n".join(lines)
    report, _ = exported(copy, tmp_path / "other", "keras")
    assert report["check"]["pictures"] == 32


@pytest.mark.parametrize("content", [None, b"no pictures"])
def test_without_pictures_of_its_own_the_check_is_on_random_ones(content, copy, tmp_path):
    (copy / "pictures.npz").unlink()
    if content:
        (copy / "pictures.npz").write_bytes(content)
    report, lines = exported(moved(copy), tmp_path / "out", "keras")
    assert lines[0].endswith("and the run keeps no pictures; the check is on random ones (data names others)")
    assert (report["check"]["pictures"], report["check"]["kind"]) == (64, "random pictures")
    assert report["check"]["accuracy"] is None


def test_the_pictures_that_a_run_keeps_are_of_its_validation(run_dir):
    with np.load(run_dir / "pictures.npz") as file:
        pictures, labels = file["pictures"], file["labels"]
    data = open_run(run_dir).data()
    assert pictures.shape == (32, 8, 8, 1) and pictures.dtype == np.uint8
    all_pictures, all_labels = data.validation.pictures.numpy(), data.validation.labels.numpy()
    for picture, label in zip(pictures, labels, strict=True):
        same = (all_pictures == picture).all((1, 2, 3))
        assert label in all_labels[same]


def test_other_pictures_to_evaluate_on(run_dir, tmp_path):
    """With the classes in another order, and some missing; without a split, all are tested on."""
    data = open_run(run_dir).data()
    for name, digit in (("9", 9), ("2", 2)):
        chosen = data.validation.labels.numpy() == digit
        for number, picture in enumerate(data.validation.pictures.numpy()[chosen]):
            folder = tmp_path / "digits" / name
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(picture[..., 0]).save(folder / f"{number}.png")
    all_of_them = builder.evaluate(run_dir, out=tmp_path / "all", say=lambda line: None)
    some = builder.evaluate(run_dir, out=tmp_path / "some", say=lambda line: None, data=tmp_path / "digits")
    assert sorted(set(some.labels.tolist())) == [2, 9]
    expected = {one.name: (one.pictures, one.recall) for one in all_of_them.classes if one.name in ("2", "9")}
    assert {one.name: (one.pictures, one.recall) for one in some.classes if one.name in expected} == expected


def test_data_that_are_not_there(run_dir, tmp_path):
    with pytest.raises(FileError) as error:
        builder.evaluate(run_dir, data=tmp_path / "none", say=lambda line: None)
    assert str(error.value) == (
        f"data: {tmp_path / 'none'}: there is no such folder or file; expected a folder with a sub-folder for each "
        "class, or .npz"
    )

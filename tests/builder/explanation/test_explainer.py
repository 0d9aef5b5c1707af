"""Explaining the predictions of a trained run, from Python and with `tools/predict.py --explain`."""

import dataclasses
import json
import re
import shutil

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

import builder
from archspec import UserError, load
from builder.explanation import explainer, sheets
from builder.training.trainer import train
from tests.processes import ROOT, process
from tests.small import written

PREDICT = ROOT / "tools" / "predict.py"


@pytest.fixture(autouse=True)
def cache(session_cache):
    """The cache of the session, for every test here."""


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """A folder of pictures, with one that is none, and a name that Matplotlib would take for a formula."""
    folder = tmp_path_factory.mktemp("digits")
    for number, picture in enumerate(load_digits().images[:5]):
        Image.fromarray(np.uint8(picture * 255 / 16)).save(folder / f"{number}.png")
    shutil.move(folder / "4.png", folder / "4 $x_$.png")
    (folder / "5.png").write_text("no picture")
    return folder


def test_a_map_adds_up_to_what_the_run_predicts(run_dir, digits):
    run = builder.open_run(run_dir)
    *good, bad = builder.explain(run, digits)
    assert bad.error and bad.map is None
    predicted = builder.predict(run, digits)
    bias = run.weights["dense1/bias"]
    for explanation, prediction in zip(good, predicted, strict=False):
        assert (explanation.path, explanation.predicted) == (prediction.path, prediction.classes[0][0])
        assert explanation.probability == prediction.classes[0][1]
        assert (explanation.method, explanation.layer) == ("CAM", "stage2.block1.activation")
        assert explanation.map.shape == (4, 4) and explanation.picture.shape == (8, 8, 1)
        logits = run.model(explanation.picture[np.newaxis]).numpy()[0]
        label = int(logits.argmax())
        assert explanation.map.mean() + bias[label] == pytest.approx(logits[label], abs=1e-3)


def test_the_tool_writes_sheets_and_filters_beside_its_answers(run_dir, digits, tmp_path):
    out = tmp_path / "looked" / "at"
    pictures = sorted(digits.glob("[0-4]*"))
    answers = json.loads(process(PREDICT, run_dir, *pictures, "--explain", out, "--json", "--top", "1"))
    expected = builder.predict(run_dir, pictures, top=1)
    assert [one["classes"][0]["class"] for one in answers] == [one.classes[0][0] for one in expected]
    assert sorted(path.name for path in out.iterdir()) == ["filters.png", "maps.png"]
    with Image.open(out / "maps.png") as sheet:
        assert sheet.width > 1000 and np.asarray(sheet).std() > 20


def test_many_pictures_take_several_sheets(run_dir, tmp_path, monkeypatch):
    monkeypatch.setattr(explainer, "PER_SHEET", 2)
    pictures = np.uint8(load_digits().images[:5, ..., np.newaxis] * 255 / 16)
    assert len(builder.explain(run_dir, pictures, tmp_path)) == 5
    assert sorted(path.name for path in tmp_path.iterdir()) == ["filters.png", "maps-2.png", "maps-3.png", "maps.png"]


def test_the_filters_are_those_of_the_network_that_predicts(run_dir, tmp_path):
    """After an interrupted resumption the best checkpoint is newer than `model.keras`, which predicts."""
    run = builder.open_run(run_dir)
    kernel = run.model.get_layer(run.spec.name).get_layer("conv1").kernel
    kernel.assign(-kernel)
    builder.explain(run, np.uint8(load_digits().images[:1, ..., np.newaxis] * 255 / 16), tmp_path)
    drawn, other = (np.asarray(Image.open(folder / "filters.png").convert("L")) for folder in (tmp_path, run_dir))
    assert drawn.shape == other.shape and (drawn != other).any()


def refused(*arguments):
    with pytest.raises(UserError) as caught:
        builder.explain(*arguments)
    return str(caught.value)


EXPORT = "is an export, with no layers to look into; give the run that it is of, which export.json names"


def test_an_export_has_no_layers_to_look_into(exported, digits, tmp_path):
    for folder in (exported[0], exported[0] / "1"):
        assert refused(folder, digits) == f"{folder}: {EXPORT}"
    message = process(PREDICT, exported[0], digits, "--explain", tmp_path, status=2)
    assert message == f"{exported[0]}: {EXPORT}\n"


def test_mistakes_are_reported(run_dir, digits, tmp_path):
    assert refused(tmp_path / "none", digits) == f"{tmp_path / 'none'}: there is no such run"
    (tmp_path / "file").touch()
    message = f"{tmp_path / 'file'}: cannot hold pictures: Not a directory; name a folder"
    assert refused(run_dir, digits, tmp_path / "file") == message
    assert refused(run_dir, digits / "6.png").startswith(f"{digits / '6.png'}: no such file or folder")
    spec = load(written(tmp_path / "flat.yaml", {"layers": ["flatten", {"dense": 10}]}))
    flat = dataclasses.replace(builder.open_run(run_dir), spec=spec)
    assert refused(flat, digits) == (
        f"{run_dir}: its predictions cannot be explained by maps: no layer after the picture has a feature map of more "
        "than one pixel that the whole answer depends on"
    )


def test_a_folder_that_cannot_be_made_is_reported(run_dir, digits, tmp_path, monkeypatch):
    """Permissions do not show every disk that cannot be written."""
    monkeypatch.setattr(explainer, "check_writable", lambda folder: None)
    (tmp_path / "file").touch()
    folder = tmp_path / "file" / "maps"
    assert refused(run_dir, digits, folder) == f"{folder}: cannot hold pictures: Not a directory; name a folder"


def test_what_speaks_against_a_class_counts_as_nothing():
    values = np.array([[-1.0, 2.0], [4.0, np.nan]])
    assert sheets.shares_of(values).tolist() == [[0, 0.5], [1, 0]]
    assert sheets.shares_of(-np.ones((2, 2))).tolist() == [[0, 0], [0, 0]]


def test_a_map_lies_over_the_whole_picture():
    """Four elements over 16 pixels: each has its value at the middle of its four pixels, and the edges keep theirs."""
    found = sheets.enlarged(np.array([[0.0, 1.0, 2.0, 3.0]]), (1, 16), least=1)[0]
    assert found[[0, 1]].tolist() == [0, 0] and found[[14, 15]].tolist() == [3, 3]
    np.testing.assert_allclose(found[[1, 2, 5, 6]], [0, 0.125, 0.875, 1.125])
    assert sheets.enlarged(np.eye(2), (8, 30)).shape == (128, 128)


def test_evaluations_explain_their_mistakes(run_dir, tmp_path):
    lines = []
    builder.evaluate(run_dir, out=tmp_path / "out", say=lines.append, explain=True)
    assert re.search(r"mistakes\.png mistakes_explained\.png$", lines[-1])
    with Image.open(tmp_path / "out" / "mistakes_explained.png") as sheet:
        assert sheet.width > 1000
    copy = shutil.copytree(run_dir, tmp_path / "copy")
    with pytest.raises(UserError) as caught:
        builder.evaluate([run_dir, copy], out=tmp_path / "both", say=lines.append, explain=True)
    assert str(caught.value) == "explain: looks into one network, and several runs are an ensemble; name one run"


def test_a_run_has_the_picture_of_its_filters(run_dir, tmp_path):
    with Image.open(run_dir / "filters.png") as picture:
        assert picture.width >= 500
    flat = written(tmp_path / "flat.yaml", {"layers": ["flatten", {"dense": 10}]}, epochs=1)
    train(load(flat), tmp_path / "flat", say=lambda line: None)
    assert not (tmp_path / "flat" / "filters.png").exists()

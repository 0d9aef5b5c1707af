"""The specs that come with the package are found by their names, from any folder."""

from pathlib import Path

import pytest

import archspec
from archspec import cli
from archspec.source.shipped import FOLDER, shipped_names

OWN = "name: own\nmodel: {input: [8, 8, 1], layers: [flatten, {dense: 3}]}\n"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", shipped_names())
def test_a_shipped_spec_is_known_by_its_name(name):
    assert archspec.load(name).to_yaml() == archspec.load(FOLDER / f"{name}.yaml").to_yaml()


def test_a_file_of_that_name_comes_first():
    Path("digits").write_text(OWN)
    assert archspec.load("digits").name == "own"


def test_a_folder_of_that_name_does_not_hide_it():
    Path("digits").mkdir()
    assert archspec.load(Path("digits")).name == "digits"


def test_a_run_stands_for_its_spec():
    run = Path("runs/own/20261126-120000")
    run.mkdir(parents=True)
    (run / "spec.yaml").write_text(OWN)
    Path("mine.yaml").write_text(f"extends: {run}\nname: mine\n")
    assert archspec.load(run).name == archspec.load(f"{run}/").name == "own"
    assert cli.load_all([str(run)], ["name=changed"])[0].name == "changed"
    assert archspec.load("mine.yaml").graph.output == archspec.load(run).graph.output


def test_a_folder_of_runs_names_them():
    for time in ("20261126-120000", "20261126-130000"):
        Path(f"runs/own/{time}").mkdir(parents=True)
        Path(f"runs/own/{time}/spec.yaml").write_text(OWN)
    with pytest.raises(archspec.UserError) as caught:
        archspec.load("runs/own")
    assert str(caught.value) == "runs/own: is a directory; name a run in it: 20261126-120000, 20261126-130000"


def test_a_spec_extends_a_shipped_one_by_its_name():
    Path("specs").mkdir()
    Path("specs/mine.yaml").write_text("extends: digits\nname: mine\n")
    assert archspec.load("specs/mine.yaml").graph == archspec.load("digits", {"name": "mine"}).graph


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("resnt50", "no such file; did you mean the shipped spec 'resnet50'?"),
        ("resnet50.yaml", "no such file; did you mean the shipped spec 'resnet50'?"),
        ("qqqq", "no such file"),
        ("nowhere/resnet50", "no such file; there is no directory 'nowhere'"),
        ("../resnet50", "no such file"),
        ("a" * 300, "cannot be read: File name too long"),
    ],
)
def test_another_name_is_that_of_a_missing_file(asked, message):
    with pytest.raises(archspec.UserError) as caught:
        archspec.load(asked)
    assert str(caught.value) == f"{asked}: {message}"


def test_a_file_of_nearly_that_name_is_suggested_first():
    Path("digits.yaml").write_text(OWN)
    with pytest.raises(archspec.UserError, match=r"did you mean 'digits.yaml'\?"):
        archspec.load("digitz")

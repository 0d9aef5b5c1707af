"""What a user reads about a mistake, literally: each spec in tests/invalid with the expected output beside it.

`python tests/invalid/regenerate.py` writes the outputs anew.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import archspec
from archspec.blocks import BLOCKS
from archspec.fields.records import Count
from archspec.layers.reading import Fragment, python_block
from archspec.recipe.schedules import Step
from archspec.spec.overrides import parse_assignments
from tests.invalid import regenerate

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "tests" / "invalid"


@pytest.fixture(autouse=True)
def in_folder(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(FOLDER)


@pytest.mark.parametrize("name", regenerate.names())
def test_message(name: str):
    assert regenerate.output(name) == Path(f"{name}.txt").read_text(encoding="utf-8")


def test_every_invalid_spec_has_its_expected_output_and_the_other_way_round():
    assert sorted(path.stem for path in FOLDER.glob("*.txt")) == regenerate.names()
    assert len(set(regenerate.names())) == len(regenerate.names()) >= 75


@pytest.mark.parametrize("name", regenerate.names())
def test_message_has_no_internal_words(name: str):
    text = Path(f"{name}.txt").read_text(encoding="utf-8")
    assert not any(word in text for word in ("Traceback", "INVALID", "Tree(", "None", "<class", "0x7f", str(ROOT)))


def problems(text: str, tmp_path: Path, **arguments) -> list[archspec.Problem]:
    path = tmp_path / "spec.yaml"
    path.write_text(text)
    with pytest.raises(archspec.UserError) as caught:
        archspec.load(path, **arguments)
    return caught.value.problems


def test_problems_are_objects_with_a_place(tmp_path: Path):
    text = "name: net\nmodel:\n  input: [8, 8, 3]\n  layers:\n    - conv: {filters: 0, kernel: 3}\n    - flaten\n"
    first, second = problems(text, tmp_path)
    assert (first.where.path, second.where.path) == ("model.layers[0].conv.filters", "model.layers[1]")
    assert first.where.span is not None
    assert (first.where.span.line, first.where.span.column, first.where.span.length) == (4, 22, 1)
    assert second.message == "unknown block 'flaten'; did you mean 'flatten'?"


def test_problems_come_in_file_order(tmp_path: Path):
    text = "train: {epochs: many}\nmodel: {layers: [flaten], input: 3}\nparams: {a: '${b}'}\nnam: net\n"
    lines = [problem.where.span.line for problem in problems(text, tmp_path) if problem.where.span]
    assert lines == sorted(lines)
    assert set(lines) == {0, 1, 2, 3}


def test_a_base_comes_after_the_spec_that_extends_it(tmp_path: Path):
    (tmp_path / "base.yaml").write_text("name: base\nmodel: {input: [3], layers: [flaten]}\n")
    found = problems("extends: base.yaml\n\n\n\ntrain: 3\n", tmp_path)
    assert [Path(str(problem.where.span).partition(":")[0]).name for problem in found] == ["spec.yaml", "base.yaml"]


def test_no_more_than_a_hundred_problems(tmp_path: Path):
    layers = ", ".join(["flaten"] * 500)
    assert len(problems(f"name: net\nmodel: {{input: [3], layers: [{layers}]}}\n", tmp_path)) == 100


def widen(*, units: Count) -> Fragment:
    """A block written in Python, with a mistake: `dense` has no filters."""
    return [{"dense": {"units": units, "filters": 3}}]


def test_mistake_in_a_python_block_names_the_block_and_its_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(BLOCKS, "widen", python_block(widen))
    text = "name: net\nmodel:\n  input: [8]\n  layers:\n    - widen: {units: 3}\n"
    (problem,) = problems(text, tmp_path)
    assert problem.where.path == "widen.layers[0].dense"
    assert [use.path for use in problem.where.used_at] == ["model.layers[0].widen"]
    assert str(problem).endswith("spec.yaml:5:7: model.layers[0].widen")


def test_set_arguments_stand_in_the_message(tmp_path: Path):
    with pytest.raises(archspec.SpecError) as caught:
        archspec.load("bases/base.yaml", parse_assignments(["model.layers[1]=flaten"]))
    assert str(caught.value) == (
        "--set: model.layers[1]: unknown block 'flaten'; did you mean 'flatten'?\n"
        "      | model.layers[1]=flaten\n"
        "      |                 ^^^^^^"
    )


@pytest.mark.parametrize(
    "value", [10**400, -(10**5000), float("nan"), object(), {1: 2}, {None: []}, b"x", (1, 2), {1, 2}], ids=type
)
@pytest.mark.parametrize("path", ["width", "train.epochs", "train.weight_decay", "model.layers[0]", "model.input"])
def test_values_that_only_python_has_are_refused_in_words(path: str, value: object):
    with pytest.raises(archspec.SpecError) as caught:
        archspec.load("bases/base.yaml", {path: value})
    assert path.partition("[")[0] in str(caught.value) or "filters" in str(caught.value)


def test_keys_of_overrides_may_be_numbers():
    rates = {"step": {"base": 0.1, "drop": {2: 0.01, 4: 0.001}}}
    spec = archspec.load("bases/base.yaml", {"train.learning_rate": rates})
    assert spec.train is not None
    schedule = spec.train.schedule
    assert isinstance(schedule, Step)
    assert schedule.drop == ((2, 0.01), (4, 0.001))


# -- the command line ------------------------------------------------------------------------------------------------


def summary(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, str(ROOT / "tools" / "summary.py"), *arguments]
    return subprocess.run(command, cwd=FOLDER, env=environment, capture_output=True, encoding="utf-8", timeout=60)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("unknown_layer", ["unknown_layer.yaml"]),
        ("groups_do_not_divide", ["groups_do_not_divide.yaml"]),
        ("shape_in_bottleneck_stages", ["shape_in_bottleneck_stages.yaml"]),
        ("binary_junk", ["binary_junk.yaml"]),
        ("empty", ["empty.yaml"]),
        ("json_nan", ["json_nan.json"]),
        ("missing_file", ["unknown_layr.yaml"]),
        ("directory", ["bases"]),
        ("set_option_wrong_value", ["bases/base.yaml", *regenerate.ARGUMENTS["set_option_wrong_value"]["set"]]),
        ("set_option_syntax", ["bases/base.yaml", *regenerate.ARGUMENTS["set_option_syntax"]["set"]]),
    ],
)
def test_command_line_prints_the_message_and_exits_with_2(name: str, arguments: list[str]):
    path, *assignments = arguments
    done = summary(path, *(f"--set={text}" for text in assignments))
    assert done.stderr == Path(f"{name}.txt").read_text(encoding="utf-8")
    assert done.stdout == ""
    assert done.returncode == 2


def test_command_line_tells_the_problems_of_every_spec():
    done = summary("unknown_layer.yaml", "bases/base.yaml", "empty.yaml")
    expected = [Path(f"{name}.txt").read_text(encoding="utf-8") for name in ("unknown_layer", "empty")]
    assert done.stderr == "".join(expected)
    assert (done.stdout, done.returncode) == ("", 2)

"""The public functions from outside: what they take, what they give, and what they say of mistakes."""

from __future__ import annotations

import inspect
import json
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

import archspec
from archspec import Graph, Spec, SpecError, report
from archspec.network import as_graph, as_spec
from archspec.spec.overrides import parse_assignments
from tests.archspec.searches import SPEC

ROOT = Path(__file__).parents[2]
SPECS = sorted((ROOT / "specs").glob("*.yaml"))
DIGITS = ROOT / "specs" / "digits.yaml"
TINY: dict[str, Any] = {"name": "tiny", "model": {"input": [8, 8, 1], "layers": ["flatten", {"dense": 10}]}}
TINY_YAML = "name: tiny\nmodel:\n  input: [8, 8, 1]\n  layers:\n    - flatten\n    - dense: 10\n"

CLASSES = ["Analysis", "Drawing", "Graph", "LayerAnalysis", "Node", "Problem", "Spec", "SpecError", "UserError"]
PUBLIC = [*CLASSES, "analyse", "compare", "draw", "draw_field", "load", "loads", "summary"]


# -- the surface -----------------------------------------------------------------------------------------------------


def test_the_public_names_are_sorted_and_offered_by_tab_completion():
    assert archspec.__all__ == dir(archspec) == PUBLIC
    assert sorted(PUBLIC) == PUBLIC


def test_everything_public_says_what_it_is():
    for name in PUBLIC:
        value = getattr(archspec, name)
        assert inspect.getdoc(value), name
        members = [member for member in vars(value) if not member.startswith("_")] if inspect.isclass(value) else []
        for member in members:
            if inspect.isfunction(vars(value)[member]) or isinstance(vars(value)[member], property):
                assert inspect.getdoc(getattr(value, member)), f"{name}.{member}"


@pytest.mark.parametrize("name", ["load", "loads", "analyse", "compare", "draw", "draw_field", "summary"])
def test_functions_say_what_they_take_and_raise(name: str):
    text = inspect.getdoc(getattr(archspec, name)) or ""
    assert "Args:" in text and "Raises:\n    SpecError:" in text
    assert all(f"{parameter}:" in text for parameter in inspect.signature(getattr(archspec, name)).parameters)


@pytest.mark.parametrize("name", ["load", "loads", "analyse", "compare", "draw", "draw_field", "summary"])
def test_the_examples_of_docstrings_run(name: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(ROOT)
    lines = (inspect.getdoc(getattr(archspec, name)) or "").splitlines()
    examples = [
        line for line in lines if line.startswith("    ") and "archspec." in line and ": " not in line.partition("(")[0]
    ]
    assert len(examples) == 1
    exec(examples[0].strip(), {"archspec": archspec})


# -- specs from text and Python data -----------------------------------------------------------------------------------


def test_a_text_a_mapping_and_a_file_say_the_same(tmp_path: Path):
    path = tmp_path / "tiny.yaml"
    path.write_text(TINY_YAML)
    specs = [archspec.load(path), archspec.loads(TINY_YAML), archspec.loads(json.dumps(TINY)), archspec.loads(TINY)]
    assert all(isinstance(spec, Spec) and spec.graph.output.shape == (10,) for spec in specs)
    assert len({*specs}) == 1 and specs.count(specs[0]) == 4


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_shipped_specs_are_the_same_as_python_data_and_when_written(path: Path):
    spec = archspec.load(path)
    assert archspec.loads(spec.tree.plain()) == spec == archspec.loads(spec.to_yaml())


def test_overrides_of_a_text_and_a_mapping():
    for given in (TINY_YAML, TINY):
        assert archspec.loads(given, {"model.layers[1].dense.units": 3}).graph.output.shape == (3,)
    assert archspec.loads(SPEC, {"width": 6}).params["width"] == 6


def test_json_may_hold_tabs_and_escapes_as_in_a_file():
    spec = archspec.loads(
        '{\n\t"name": "tiny", "description": "\\ud83d\\ude00",\n\t"model": ' + json.dumps(TINY["model"]) + "}"
    )
    assert spec.description == "\U0001f600"


def test_extends_starts_from_the_current_directory(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(DIGITS.parent)
    text = archspec.loads("extends: digits.yaml\nname: mine\nset: {width: 4}\n")
    assert text.params["width"] == 4
    assert archspec.loads({"extends": "digits.yaml", "name": "mine", "set": {"width": 4}}) == text


def test_numbers_of_numpy_and_tuples_are_taken():
    numpy = pytest.importorskip("numpy")
    model = {"input": (numpy.int64(8), 8, 1), "layers": ("flatten", {"dense": {"units": numpy.int32(10)}})}
    assert archspec.loads({"name": "tiny", "model": model}).graph == archspec.loads(TINY).graph


def nested() -> dict[str, Any]:
    """Mappings inside mappings, more than a file may hold."""
    spec: dict[str, Any] = {}
    for _ in range(70):
        spec = {"model": spec}
    return spec


def circular() -> dict[str, Any]:
    spec: dict[str, Any] = {"name": "tiny"}
    spec["model"] = spec
    return spec


MISTAKES: dict[str, tuple[Any, str]] = {
    "a text": (
        TINY_YAML.replace("flatten", "flaten"),
        "<text>:5:7: model.layers[0]: unknown block 'flaten'; did you mean 'flatten'?\n"
        "    5 |     - flaten\n"
        "      |       ^^^^^^",
    ),
    "JSON": (
        '{"name": "tiny", "model": {"input": [8], "layers": [{"dense": 0}]}}',
        "<text>:1:63: model.layers[0].dense.units: expected a whole number from 1 to 1000000, got 0\n"
        '    1 | {"name": "tiny", "model": {"input": [8], "layers": [{"dense": 0}]}}\n'
        "      |                                                               ^",
    ),
    "a mapping, in its order": (
        {"name": "tiny", "model": {"input": [8, 8, 1], "layers": ["flaten", {"dense": "${units}"}]}, "trian": {}},
        "<mapping>: model.layers[0]: unknown block 'flaten'; did you mean 'flatten'?\n"
        "<mapping>: model.layers[1].dense.units: in ${units}: unknown name 'units'; no parameter is defined\n"
        "<mapping>: unknown field 'trian' of the spec; did you mean 'train'?\n"
        "<mapping>: train: needs the field 'data'",
    ),
    "a name twice": (
        {"name": "tiny", "model": {"input": [8], "layers": [{"dense": {"units": 1, "name": "a"}}] * 2}},
        "<mapping>: model.layers[1].dense: the name 'a' is used twice; give one of the layers another name",
    ),
    "a path": (
        "specs/digits.yaml",
        "<text>:1:1: expected a mapping with 'name' and 'model', got one text; archspec.load reads a file\n"
        "    1 | specs/digits.yaml\n"
        "      | ^^^^^^^^^^^^^^^^^",
    ),
    "an empty text": ("", "<text>: is empty; a spec needs at least 'name' and 'model'"),
    "a long text": ("#" * 1_000_001, "<text>: is longer than 1,000,000 characters, the limit for a spec"),
    "an object": (
        {"name": "tiny", "model": {"input": {8}}},
        "<mapping>: model.input: a spec holds mappings, lists, texts, numbers, true, false and null (None), got an "
        "object of type set",
    ),
    "a path object": (
        {"name": "tiny", "extends": PurePosixPath("base.yaml")},
        "<mapping>: extends: a spec holds mappings, lists, texts, numbers, true, false and null (None), got an object "
        "of type PurePosixPath",
    ),
    "a key": ({None: 1}, "<mapping>: a key is a text or a number, got an object of type NoneType"),
    "a circle": (circular(), "<mapping>: model: contains itself: it is the whole mapping again"),
    "deep nesting": (nested(), f"<mapping>: {'.'.join(['model'] * 61)}: is nested deeper than 60 levels, the limit"),
    "many values": ({"a": [0] * 30_000}, "<mapping>: a[29998]: the mapping holds more than 30,000 values, the limit"),
    "half a character": (
        {"name": "\ud83d"},
        "<mapping>: name: the text '\\ud83d' holds half a character (a surrogate without its pair)",
    ),
    "a large number": ({"name": 10**300}, "<mapping>: name: a number of more than 300 digits, the limit"),
    "no such base": (
        {"extends": "nowhere/base.yaml"},
        "<mapping>: extends: nowhere/base.yaml: no such file; there is no directory 'nowhere'",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_in_texts_and_mappings(mistake: str):
    given, message = MISTAKES[mistake]
    with pytest.raises(archspec.UserError) as caught:
        archspec.loads(given)
    assert str(caught.value) == message


def test_a_value_of_a_mapping_that_a_base_refuses_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(DIGITS.parent)
    with pytest.raises(SpecError, match=r"^digits\.yaml:.*\n.*\n.*\n +width is -3, set by <mapping>\n"):
        archspec.loads({"extends": "digits.yaml", "params": {"width": -3}})


def test_a_text_given_to_load_is_told_from_a_path():
    with pytest.raises(SpecError) as caught:
        archspec.load(TINY_YAML)
    assert str(caught.value) == (
        "<text>: expected the path of a spec, got a text of several lines; archspec.loads reads a text"
    )


# -- networks however they are given -----------------------------------------------------------------------------------

FORMS = {
    "path": DIGITS,
    "name of a file": str(DIGITS),
    "mapping": archspec.load(DIGITS).tree.plain(),
    "spec": archspec.load(DIGITS),
    "graph": archspec.load(DIGITS).graph,
}


@pytest.mark.parametrize("form", FORMS)
def test_a_network_is_a_path_a_mapping_a_spec_or_a_graph(form: str):
    network, spec = FORMS[form], archspec.load(DIGITS)
    assert as_graph(network) == spec.graph
    assert archspec.analyse(network) == archspec.analyse(spec)
    assert archspec.summary(network, 8).training_bytes == archspec.summary(spec, 8).training_bytes
    if not isinstance(network, Graph):
        assert as_spec(network) == spec
        assert str(archspec.summary(network)) == str(archspec.summary(spec))


def test_what_is_no_network_is_refused():
    graph = archspec.loads(TINY).graph
    with pytest.raises(
        TypeError, match=r"^expected the path of a spec, a mapping, a Spec or a Graph, got an object of type int$"
    ):
        archspec.analyse(3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"got an object of type Graph; a Graph has no recipe$"):
        as_spec(graph)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"^expected a text or a mapping, got PosixPath$"):
        archspec.loads(DIGITS)  # type: ignore[arg-type]


# -- what is shown -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("network", "text"),
    [
        (DIGITS, "Spec('digits': 42,938 trainable parameters, trains on digits)"),
        (
            ROOT / "specs" / "resnet20_cifar.yaml",
            "Spec('resnet20_cifar': 269,722 trainable parameters, trains on tfds 'cifar10')",
        ),
        (TINY, "Spec('tiny': 650 trainable parameters)"),
        (
            {**TINY, "train": {"data": {"npz": "x.npz"}}},
            "Spec('tiny': 650 trainable parameters, trains on npz 'x.npz')",
        ),
        ({**TINY, "train": {"data": {"folder": "\n/" * 999}}}, None),
    ],
)
def test_a_spec_is_shown_in_a_line(network: Any, text: str | None):
    shown = repr(as_spec(network))
    assert text is None or shown == text
    assert len(shown) < 200 and "\n" not in shown


def test_an_analysis_is_shown_in_a_line():
    assert repr(archspec.analyse(TINY)) == "Analysis('tiny': 650 trainable parameters, 640 MACs)"


def test_a_summary_is_the_table_of_the_command():
    spec = archspec.load(DIGITS)
    summary = archspec.summary(DIGITS)
    assert str(summary) == repr(summary) == report.table(report.summarise(spec))
    assert summary.to_json() == report.to_json(report.summarise(spec))
    assert "at batch 8 (batch_size)" in str(archspec.summary(TINY, 8))
    assert "at batch 1 (see batch_size)" in str(archspec.summary(TINY))


def test_a_notebook_shows_the_table():
    spec = archspec.loads({**TINY, "description": "a < b"})
    html = spec._repr_html_()
    assert html == archspec.summary(spec)._repr_html_()
    assert html.startswith("<p>tiny: a &lt; b</p><div ") and "</svg>\n</div><table>" in html and html.endswith("</ul>")
    assert html.count("<tr>") == 1 + len(spec.graph.nodes) - 1
    assert ">dense1</td>" in html and "<li>Trainable parameters: 650</li>" in html


def test_the_table_of_a_deep_network_is_folded_in_a_notebook():
    html = archspec.summary(ROOT / "specs" / "resnet1202_cifar.yaml")._repr_html_()
    assert html.count("<tr>") <= 301 and ">stage3</td>" in html


# -- equality ----------------------------------------------------------------------------------------------------------


def test_specs_are_equal_by_what_they_say(tmp_path: Path):
    spec = archspec.load(DIGITS)
    copy = tmp_path / "copy.yaml"
    copy.write_text("# elsewhere, with a comment\n" + spec.to_yaml())
    assert archspec.load(copy) == spec and hash(archspec.load(copy)) == hash(spec)
    changed = spec.with_values({"train.epochs": 3})
    assert changed != spec and changed.with_values({"train.epochs": spec.tree.plain()["train"]["epochs"]}) == spec
    assert spec != spec.graph and spec != "digits"


def test_true_is_not_one():
    specs = [archspec.loads({**TINY, "params": {"a": value}}) for value in (True, 1, 1.0, "1")]
    assert len({*specs}) == 4


@pytest.mark.parametrize("overrides", ["width=3", ["width=3"], {3: 1}], ids=str)
def test_overrides_are_a_mapping_from_names(overrides: Any):
    with pytest.raises(TypeError, match="expected overrides as a mapping from parameters and paths to values, such as"):
        archspec.load(DIGITS, overrides)


# -- wrong arguments -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", [3, None, b"digits", ["digits"]])
def test_what_is_no_path_is_a_type_error(given):
    kind = type(given).__name__
    message = f"expected the path of a spec, or the name of a shipped one, got an object of type {kind}"
    with pytest.raises(TypeError) as caught:
        archspec.load(given)
    assert str(caught.value) == message


def test_an_empty_path_is_not_the_current_folder():
    message = r"^the path is empty; expected the path of a spec, or the name of a shipped one$"
    with pytest.raises(archspec.UserError, match=message):
        archspec.load("")


def test_a_mapping_that_contains_itself_is_refused_where_it_does():
    mapping: dict = {"name": "endless"}
    mapping["model"] = {"input": [8, 8, 3], "layers": mapping}
    layers: list = ["flatten"]
    layers.append(layers)
    for spec, message in (
        (mapping, "<mapping>: model.layers: contains itself: it is the whole mapping again"),
        (
            {"name": "endless", "model": {"input": [3], "layers": layers}},
            "<mapping>: model.layers[1]: contains itself: it is 'model.layers' again",
        ),
    ):
        with pytest.raises(archspec.SpecError) as caught:
            archspec.loads(spec)
        assert str(caught.value) == message


def test_a_part_may_be_used_twice():
    conv = {"conv": {"filters": 3, "kernel": 3}}
    assert archspec.loads({"name": "twice", "model": {"input": [8, 8, 3], "layers": [conv, conv]}}).name == "twice"


DIRECTION, OBJECTIVE = "search.objective.direction", "search.objective"


def test_a_value_that_would_replace_an_earlier_one_is_refused():
    with pytest.raises(archspec.SpecError) as caught:
        archspec.load("digits", {DIRECTION: "max", OBJECTIVE: "val_loss"})
    assert str(caught.value) == (
        f"{OBJECTIVE}: replaces '{DIRECTION}', which is set before it; set this first, or leave one of the two out"
    )
    spec = archspec.load("digits", {OBJECTIVE: "val_loss", DIRECTION: "max"})
    assert (spec.search.objective.name, spec.search.objective.direction) == ("val_loss", "max")


def test_one_name_is_set_once():
    with pytest.raises(
        archspec.SpecError, match=r"^params.width: is the same as 'width', which is set already; keep one"
    ):
        archspec.load("digits", {"width": 8, "params.width": 16})
    with pytest.raises(archspec.SpecError, match=r"^--set: width: is set twice; keep one of the two"):
        parse_assignments(["width=8", "width=16"])

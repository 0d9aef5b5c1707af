"""Spec files as users write them: parameters, `extends`, `set`, overrides, scalars, JSON; and what `to_yaml` writes."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

import archspec
from archspec.search import Objective
from archspec.source.tree import wrap
from archspec.spec.overrides import apply, parse_assignments

Write = Callable[[str, str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_text(dedent(text))
        return path

    return write


BASE = """
    name: base
    params: {width: 2, depth: 1, double: "${2 * width}"}
    model:
      input: [4]
      layers:
        - repeat: {times: "${depth}", layers: [{dense: "${double}"}]}
        - dense: {units: "${width}", name: last}
    train:
      data: {tfds: cifar10}
      batch_size: 32
      learning_rate: {step: {base: 0.1, drop: {2: 0.01}}}
"""


def units(spec: archspec.Spec) -> list[int]:
    return [node.shape[0] for node in spec.graph.nodes[1:]]


# -- parameters ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("width + depth * 2", 12),
        ("width ** 2 // 3", 21),
        ("width % 5", 3),
        ("width / 2", 4),
        ("round(width * 1.3)", 10),
        ("min(width, 3) + max(1, depth)", 5),
        ("int(width / 3)", 2),
        ("-width + 9", 1),
        ("width if depth > 1 else 1", 8),
        ("sizes[1] + sizes[-1]", 50),
        ("16 if deep and not depth == 3 else 1", 16),
        ("half", 4),
    ],
)
def test_arithmetic_over_parameters(write: Write, expression: str, value: int) -> None:
    path = write(
        "net.yaml",
        f"""
        name: net
        params: {{half: "${{width // 2}}", width: 8, depth: 2, sizes: [10, 20, 30], deep: true}}
        model: {{input: [4], layers: [{{dense: "${{{expression}}}"}}]}}
        """,
    )
    assert units(archspec.load(path)) == [value]


def test_a_parameter_may_be_a_list_or_part_of_a_name(write: Write) -> None:
    path = write(
        "net.yaml",
        """
        name: net
        params: {table: [4, M, 8/1], tag: 7}
        model: {input: [8, 8, 3], layers: [{conv_table: "${table}"}, {flatten: {name: "flat_${tag}"}}]}
        """,
    )
    spec = archspec.load(path)
    assert (spec.graph.output.name, spec.graph.output.shape) == ("flat_7", (128,))
    assert spec.params == {"table": [4, "M", "8/1"], "tag": 7}


# -- extends, set, overrides ---------------------------------------------------------------------------------------


def test_overrides_take_names_and_paths_in_order(write: Write) -> None:
    path = write("base.yaml", BASE)
    assert units(archspec.load(path)) == [4, 2]
    assert units(archspec.load(path, {"width": 3, "depth": 2})) == [6, 6, 3]
    spec = archspec.load(path, {"model.layers[1].dense.units": 9, "train.learning_rate.step.base": 0.5, "double": 7})
    assert units(spec) == [7, 9]
    assert spec.train is not None and spec.train.schedule.base == 0.5
    assert archspec.load(path, {"train.learning_rate": 0.3}).train.learning_rate == 0.3  # type: ignore[union-attr]
    assert archspec.load(path, {"train.optimizer.adam.beta_1": 0.8}).train.optimizer.beta_1 == 0.8  # type: ignore[union-attr]


def test_overrides_take_items_of_parameters_and_null(write: Write) -> None:
    path = write(
        "net.yaml",
        """
        name: net
        params: {sizes: [3, 4], train: 7}
        model:
          input: [4]
          layers: [{dense: {units: "${sizes[0]}", activation: relu}}, {dense: "${sizes[1]}"}, {dense: "${train}"}]
        train: {data: digits}
        """,
    )
    assignments = parse_assignments(["sizes[0]=5", "model.layers[0].dense.activation=null", "train=2"])
    spec = archspec.load(path, assignments)
    assert units(spec) == [5, 4, 2]  # a parameter takes precedence over a section of the same name
    assert archspec.load(path, {"train.epochs": 3}).train.epochs == 3  # type: ignore[union-attr]


LAYERS = """
    name: net
    params: {size: 4}
    model:
      input: [8, 8, 2]
      layers:
        - sequence: [{conv: {filters: 2, kernel: 3, name: first}}]
        - parallel: {branches: [[{conv: {filters: 2, kernel: 3, name: left}}], []]}
        - flatten
        - dense: {units: 3, name: size}
        - dense: {units: 2, name: fc}
    train: {data: digits, augment: [horizontal_flip, {random_crop: {pad: 4}}]}
"""


@pytest.mark.parametrize(
    ("path", "same"),
    [
        ("fc.units", "model.layers[4].dense.units"),
        ("first.filters", "model.layers[0].sequence[0].conv.filters"),
        ("left.kernel", "model.layers[1].parallel.branches[0][0].conv.kernel"),
        ("size.units", "model.layers[3].dense.units"),
        ("size", "params.size"),
        ("model.layers[-1].dense.units", "model.layers[4].dense.units"),
        ("model.layers[-4].parallel.branches[-2][-1].conv.filters", "left.filters"),
        ("train.augment[-1].random_crop.pad", "train.augment[1].random_crop.pad"),
    ],
)
def test_a_path_begins_with_a_layers_name_or_counts_from_the_end(write: Write, path: str, same: str) -> None:
    file = write("net.yaml", LAYERS)
    assert archspec.load(file, {path: 5}).to_yaml() == archspec.load(file, {same: 5}).to_yaml()
    assert archspec.load(file, {path: 5}).to_yaml() != archspec.load(file).to_yaml()
    child = write("child.yaml", f"extends: net.yaml\nname: net\nset: {{'{path}': 5}}\n")
    assert archspec.load(child) == archspec.load(file, {path: 5})


def test_a_search_reaches_a_layer_by_its_name(write: Write) -> None:
    section = "    search: {space: {fc.units: {int: [2, 9]}}, tuner: grid_search}\n"
    spec = archspec.load(write("net.yaml", LAYERS + section))
    assert spec.search is not None and [one.default for one in spec.search.space.dimensions] == [2]
    again = "    search: {space: {fc.units: {int: [2, 9]}, 'model.layers[-1].dense.units': {int: [2, 9]}}}\n"
    with pytest.raises(archspec.SpecError, match=r"is the same as 'fc\.units'; keep one of them"):
        archspec.load(write("twice.yaml", LAYERS + again))


@pytest.mark.parametrize("way", ["in the file", "over its base", "from outside"])
def test_a_train_section_of_null_is_none(write: Write, way: str) -> None:
    base = write("base.yaml", BASE)
    if way == "in the file":
        spec = archspec.load(write("net.yaml", BASE[: BASE.index("train:")] + "train: null\n"))
    elif way == "over its base":
        spec = archspec.load(write("net.yaml", "extends: base.yaml\nname: net\ntrain: null\n"))
    else:
        spec = archspec.load(base, parse_assignments(["train=null"]))
    assert spec.train is None
    assert archspec.load(write("again.yaml", spec.to_yaml())).train is None


@pytest.mark.parametrize("last", ["{dense: 2}", "{dense: {units: 2, activation: log_softmax}}"])
def test_a_network_that_is_trained_ends_in_logits(write: Write, last: str) -> None:
    """Softmax of a log-softmax is the softmax, so a loss takes it for logits."""
    text = "name: net\nmodel: {input: [4], layers: [softmax, LAST]}\n".replace("LAST", last)
    assert archspec.load(write("net.yaml", f"{text}train: {{data: digits}}\n")).train is not None
    probabilities = text.replace(last, "softmax")
    assert archspec.load(write("net.yaml", probabilities)).train is None


def test_extends_then_set_then_overrides(write: Write) -> None:
    write("base.yaml", BASE)
    write(
        "middle.yaml",
        """
        extends: base.yaml
        name: middle
        params: {width: 5}
        train: {batch_size: 64}
        set: {depth: 2, train.epochs: 3}
        """,
    )
    path = write("net.yaml", "extends: middle.yaml\nname: net\nparams: {depth: 3}\nset: {width: 6, train.epochs: 4}\n")

    middle = archspec.load(path.with_name("middle.yaml"))
    assert (middle.name, units(middle)) == ("middle", [10, 10, 5])
    assert middle.train is not None
    assert (middle.train.batch_size, middle.train.epochs, middle.train.schedule.base) == (64, 3, 0.1)

    spec = archspec.load(path)
    assert (spec.name, units(spec)) == ("net", [12, 12, 12, 6])
    assert spec.train is not None
    assert (spec.train.batch_size, spec.train.epochs) == (64, 4)
    assert units(archspec.load(path, {"width": 1})) == [2, 2, 2, 1]


def test_extends_replaces_lists_and_choices_whole(write: Write) -> None:
    write("base.yaml", BASE)
    path = write(
        "net.yaml",
        """
        extends: base.yaml
        name: net
        model: {layers: [{dense: "${double}"}]}
        train: {learning_rate: {constant: {base: 0.2}}}
        """,
    )
    spec = archspec.load(path)
    assert (spec.graph.input.shape, units(spec)) == ((4,), [4])
    assert spec.train is not None and spec.train.learning_rate.base == 0.2


def test_extends_finds_the_other_file_beside_this_one(write: Write, tmp_path: Path) -> None:
    (tmp_path / "family").mkdir()
    write("base.yaml", BASE)
    path = write("family/net.yaml", "extends: ../base.yaml\nname: net\n")
    assert units(archspec.load(path)) == [4, 2]


# -- scalars and formats -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-4", 1e-4),
        ("1e6", 1e6),
        (".5", 0.5),
        ("010", 10),
        ("0o10", 8),
        ("0x10", 16),
        ("+3", 3),
        ("no", "no"),
        ("on", "on"),
        ("yes", "yes"),
        ("1:30", "1:30"),
        ("1_000", "1_000"),
        ("2020-01-01", "2020-01-01"),
        ("true", True),
        ("False", False),
        ("'true'", "true"),
        ('"1e-4"', "1e-4"),
        ("[no, 010]", ["no", 10]),
    ],
)
def test_scalars_are_those_of_yaml_1_2_and_stay_so_when_written(write: Write, text: str, value: Any) -> None:
    path = write("net.yaml", f"name: net\nparams:\n  p: {text}\nmodel: {{input: [4], layers: [{{dense: 1}}]}}\n")
    spec = archspec.load(path)
    assert spec.params["p"] == value
    assert type(spec.params["p"]) is type(value)
    again = archspec.load(write("again.yaml", spec.to_yaml()))
    assert again.params == spec.params
    assert type(again.params["p"]) is type(value)


def test_json_means_the_same_as_yaml(write: Write) -> None:
    yaml_path = write("net.yaml", BASE)
    tree = {
        "name": "base",
        "params": {"width": 2, "depth": 1, "double": "${2 * width}"},
        "model": {
            "input": [4],
            "layers": [
                {"repeat": {"times": "${depth}", "layers": [{"dense": "${double}"}]}},
                {"dense": {"units": "${width}", "name": "last"}},
            ],
        },
        "train": {
            "data": {"tfds": "cifar10"},
            "batch_size": 32,
            "learning_rate": {"step": {"base": 0.1, "drop": {"2": 1e-2}}},
        },
    }
    for text in (json.dumps(tree), json.dumps(tree, indent="\t")):
        spec = archspec.load(write("net.json", text))
        assert spec.graph == archspec.load(yaml_path).graph
        assert spec.train == archspec.load(yaml_path).train


def test_written_spec_gives_the_same_graph_and_keeps_its_parameters(write: Write) -> None:
    write("base.yaml", BASE)
    path = write("net.yaml", "extends: base.yaml\nname: net\nset:\n  model.layers[1].dense.activation: relu\n")
    spec = archspec.load(path, {"depth": 2})
    text = spec.to_yaml()
    assert "extends" not in text and "set:" not in text
    again = archspec.load(write("again.yaml", text))
    assert (again.graph, again.train, again.params) == (spec.graph, spec.train, spec.params)
    assert (
        archspec.load(write("again.yaml", text), {"width": 5}).graph
        == archspec.load(path, {"depth": 2, "width": 5}).graph
    )
    assert again.to_yaml() == text


SHORT = """
    name: short
    blocks:
      row: {params: {width: null, kernel: 1}, layers: [{conv: {filters: "${width}", kernel: "${kernel}"}}]}
    model:
      input: [8, 8, 3]
      layers: [{row: 4}, {residual: {layers: [{dropout: 0.5}]}}, flatten, {dense: 10}]
    train:
      data: {tfds: cifar10}
      weight_decay: 1e-4
"""


@pytest.mark.parametrize(
    ("path", "value", "written"),
    [
        ("train.data.tfds.name", "mnist", "tfds: {name: mnist}"),
        ("train.data.tfds.validation", "val", "tfds: {name: cifar10, validation: val}"),
        ("train.weight_decay.biases", True, "weight_decay: {factor: 0.0001, biases: true}"),
        ("model.layers[0].row.kernel", 3, "row: {width: 4, kernel: 3}"),
        ("model.layers[1].residual.layers[0].dropout.name", "drop", "dropout: {rate: 0.5, name: drop}"),
        ("model.layers[3].dense.bias", False, "dense: {units: 10, bias: false}"),
    ],
)
def test_a_path_leads_into_a_short_form(path: str, value: object, written: str, write: Write):
    spec = archspec.load(write("short.yaml", SHORT), {path: value})
    assert written in " ".join(spec.to_yaml().replace("- ", "").split())


def test_an_objective_gains_a_direction(write: Write):
    search = "    search: {objective: val_accuracy, space: {train.epochs: {int: [1, 2]}}}"
    spec = archspec.load(write("short.yaml", SHORT + search), {"search.objective.direction": "max"})
    assert "objective: {name: val_accuracy, direction: max}" in spec.to_yaml()
    spec = archspec.load("specs/digits.yaml", parse_assignments(["search.objective.direction=max"]))
    assert spec.search is not None and spec.search.objective == Objective(name="val_accuracy", direction="max")


def test_a_key_that_is_a_path_itself_is_one_step():
    spec = archspec.load("specs/digits.yaml", {"train.trainable": {"stage1.block1": False, "*": True}})
    changes = {"train.trainable.stage1.block1": True, "train.trainable.*": False, "train.trainable.stage2.block1": True}
    spec = spec.with_values(changes)
    assert spec.train is not None
    assert spec.train.trainable == (("stage1.block1", True), ("*", False), ("stage2.block1", True))


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every scalar and empty collection of a resolved spec, with its dotted path."""
    if isinstance(value, dict) and value:
        for key, child in value.items():
            yield from leaves(child, f"{path}.{key}".lstrip("."))
    elif isinstance(value, list) and value:
        for position, child in enumerate(value):
            yield from leaves(child, f"{path}[{position}]")
    else:
        yield path, value


@pytest.mark.parametrize("path", sorted(Path("specs").rglob("*.yaml")), ids=str)
def test_every_path_that_a_resolved_spec_shows_can_be_set(path: Path):
    spec = archspec.load(path)
    shown = list(leaves(spec.tree.plain()))
    for leaf, value in shown:
        assert apply(spec.tree, {leaf: wrap(value, None)}).plain() == spec.tree.plain(), leaf
    some = random.Random(str(path)).sample(shown, min(5, len(shown)))
    again = archspec.load(path, dict(some))
    assert again.to_yaml() == spec.to_yaml()
    assert (again.graph, again.train, again.params) == (spec.graph, spec.train, spec.params)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("train.data.tfds.name.x", "'train.data.tfds.name' is the text 'cifar10', not a mapping with fields to set"),
        ("model.layers[3].dense.units.x", "'model.layers[3].dense.units' is 10, not a mapping with fields to set"),
        ("model.input.x", "'model.input' is a list of 3, not a mapping with fields to set"),
    ],
)
def test_paths_do_not_lead_into_plain_values(path: str, message: str, write: Write):
    with pytest.raises(archspec.SpecError) as caught:
        archspec.load(write("short.yaml", SHORT), {path: 1})
    assert f"{path}: {message}" in str(caught.value)


@pytest.mark.parametrize(
    ("asked", "hint"),
    [
        ("alexnet_two_towers.yaml", "; did you mean 'FOLDER/alexnet_two_tower.yaml'?"),
        ("Digit.yml", "; did you mean 'FOLDER/digits.yaml'?"),
        ("nowhere.yaml", ""),
        ("tower.yaml", ""),
        ("my_alexnet.yaml", ""),
    ],
)
def test_only_similarly_named_files_are_suggested_for_a_missing_one(asked: str, hint: str, write: Write):
    for name in ("alexnet_two_tower.yaml", "digits.yaml"):
        folder = write(name, BASE).parent
    with pytest.raises(archspec.UserError) as caught:
        archspec.load(folder / asked)
    assert str(caught.value) == f"{folder / asked}: no such file{hint.replace('FOLDER', str(folder))}"

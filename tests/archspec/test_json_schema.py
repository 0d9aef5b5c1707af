"""`specs/schema.json` is current and valid, accepts every spec that loads, and refuses mistakes."""

import copy
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

import archspec
from archspec.json_schema import json_schema
from archspec.source.reading import read_file

SPECS = Path(__file__).parents[2] / "specs"
FILE = SPECS / "schema.json"
VALIDATOR = Draft202012Validator(json_schema())

VALID: dict[str, Any] = {
    "name": "small",
    "params": {"n": 3, "widths": [16, "${16 * n}"], "deep": [[1], [2]]},
    "blocks": {
        "fire": {
            "description": "Squeeze, then expand.",
            "params": {"squeeze": None, "expand": 64},
            "layers": [
                {"conv": {"filters": "${squeeze}", "kernel": 1}},
                {
                    "parallel": {
                        "branches": [[], [{"conv": {"filters": "${expand}", "kernel": [1, 3], "norm": "batch"}}]]
                    }
                },
            ],
        }
    },
    "model": {
        "input": [32, 32, 3],
        "defaults": {
            "conv": {"padding": "symmetric", "initializer": {"normal": {"std": 0.01}}},
            "max_pool": {"size": 2},
        },
        "layers": [
            {"conv": {"filters": 16, "kernel": 3, "activation": None, "name": "stem"}},
            {"conv": {"filters": 16, "kernel": 3, "from": "input", "name": "other"}},
            {"add": {"from": ["stem", "other"]}},
            "max_pool",
            {"max_pool": None},
            {"stages": {"block": {"basic": {"shortcut": "pad"}}, "depths": ["${n}", 1], "widths": "${widths}"}},
            {"stages": {"block": "bottleneck", "depths": [1], "widths": [8]}},
            {"fire": {"squeeze": 16}},
            {"zero_pad": [1, [0, 1]]},
            {"dropout": 0.5},
            "global_avg_pool",
            {"dense": {"units": 10, "name": 7}},
        ],
    },
    "train": {
        "data": "digits",
        "optimizer": {"sgd": {"momentum": 0.9}},
        "learning_rate": {"step": {"base": 0.1, "drop": {"82": 0.01, "123": 0.001}}},
        "augment": ["horizontal_flip", {"random_crop": {"pad": 4}}],
    },
}


def changed(path, value):
    """The valid spec with the value at a path replaced, or removed if it is `...`."""
    spec = copy.deepcopy(VALID)
    *way, last = path
    inner = spec
    for step in way:
        inner = inner[step]
    if value is ...:
        del inner[last]
    else:
        inner[last] = value
    return spec


def test_the_committed_file_is_current():
    assert json.loads(FILE.read_text()) == json_schema(), "run: python -m archspec.json_schema > specs/schema.json"


def test_the_command_prints_and_checks_the_file(tmp_path):
    command = [sys.executable, "-m", "archspec.json_schema"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert printed == FILE.read_text()
    assert subprocess.run([*command, "--check", FILE]).returncode == 0
    stale = tmp_path / "stale.json"
    stale.write_text(printed.replace("dropout", "drop_out"))
    result = subprocess.run([*command, "--check", stale], capture_output=True, text=True)
    assert result.returncode == 1
    assert "out of date" in result.stderr


def test_it_is_a_schema_of_its_draft_without_dangling_references():
    schema = json_schema()
    Draft202012Validator.check_schema(schema)
    text = json.dumps(schema)
    references = {part.split('"')[0].split("/")[0] for part in text.split('"$ref": "#/$defs/')[1:]}
    assert references == set(schema["$defs"])


@pytest.mark.parametrize("path", sorted(SPECS.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_spec_is_accepted(path):
    assert [error.message for error in VALIDATOR.iter_errors(read_file(path).plain())] == []


def test_a_spec_with_every_construct_is_accepted(tmp_path):
    path = tmp_path / "small.json"
    path.write_text(json.dumps(VALID))
    archspec.load(path)
    assert [error.message for error in VALIDATOR.iter_errors(VALID)] == []


@pytest.mark.parametrize(
    "spec",
    [
        {"extends": "resnet50.yaml"},
        {"extends": "resnet50.yaml", "name": "mine", "train": {"epochs": 3}, "model": {"input": [64, 64, 3]}},
        {"extends": "resnet50.yaml", "set": {"train.epochs": 3, "width": 8}},
        {"extends": "resnet50.yaml", "train": {"learning_rate": {"step": {"drop": {"3": 0.1}}}, "epochs": None}},
        {"extends": "resnet50.yaml", "model": {"defaults": {"conv": {"padding": None}, "dense": None}}},
        {"extends": "resnet50.yaml", "blocks": {"fire": {"params": {"squeeze": 3}}, "other": None}},
        {"extends": "resnet50.yaml", "train": None, "search": None},
    ],
)
def test_a_spec_that_extends_another_need_not_be_complete(spec):
    assert [error.message for error in VALIDATOR.iter_errors(spec)] == []


@pytest.mark.parametrize(
    "changes",
    [
        {"train": {"epoch": 3}},
        {"train": {"learning_rate": {"step": {"drops": {"3": 0.1}}}}},
        {"model": {"defaults": {"conv": {"kernal": 3}}}},
        {"model": {"layers": None, "input": "large"}},
        {"blocks": {"fire": {"parameters": {}}}},
    ],
)
def test_a_spec_that_extends_another_makes_the_same_mistakes(changes):
    assert not VALIDATOR.is_valid({"extends": "resnet50.yaml", **changes})


LAYERS = ["model", "layers"]
MISTAKES: dict[str, tuple[list[Any], Any]] = {
    "unknown section": (["modle"], {}),
    "no name": (["name"], ...),
    "no model": (["model"], ...),
    "no input": (["model", "input"], ...),
    "no layers": (["model", "layers"], ...),
    "no data to train on": (["train", "data"], ...),
    "unknown field of model": (["model", "inputs"], [1]),
    "unknown field of conv": ([*LAYERS, 0, "conv", "filter"], 8),
    "unknown field of a Python block": ([*LAYERS, 5, "stages", "depth"], [1]),
    "unknown field inside stages": ([*LAYERS, 5, "stages", "block", "basic", "shortcuts"], "pad"),
    "unknown field of a spec's block": (["blocks", "fire", "parameters"], {}),
    "unknown field inside a spec's block": (["blocks", "fire", "layers", 0, "conv", "kernels"], 1),
    "unknown field of train": (["train", "epoch"], 3),
    "unknown field of an optimizer": (["train", "optimizer", "sgd", "momentums"], 0.9),
    "unknown field in defaults": (["model", "defaults", "conv", "pading"], "same"),
    "a name in defaults": (["model", "defaults", "conv", "name"], "conv"),
    "text for a number": ([*LAYERS, 0, "conv", "filters"], "many"),
    "number for a list": (["model", "input"], 32),
    "fraction for a whole number": ([*LAYERS, 0, "conv", "kernel"], 2.5),
    "yes for a boolean": ([*LAYERS, 0, "conv", "bias"], "yes"),
    "mapping for layers": (["model", "layers"], {"conv": {}}),
    "number for a layer": ([*LAYERS, 0], 3),
    "three for a pair": ([*LAYERS, 0, "conv", "kernel"], [1, 2, 3]),
    "too small": ([*LAYERS, 0, "conv", "filters"], 0),
    "rate of one": ([*LAYERS, 9, "dropout"], 1),
    "two keys in a layer": ([*LAYERS, 0, "dense"], 10),
    "wrong padding": ([*LAYERS, 0, "conv", "padding"], "full"),
    "wrong activation": ([*LAYERS, 0, "conv", "activation"], "rleu"),
    "wrong norm": ([*LAYERS, 0, "conv", "norm"], "batch_norm"),
    "wrong merge": ([*LAYERS, 2, "add", "merge"], "sum"),
    "wrong initializer": ([*LAYERS, 0, "conv", "initializer"], "xavier"),
    "wrong shortcut": ([*LAYERS, 5, "stages", "block", "basic", "shortcut"], "projected"),
    "wrong optimizer": (["train", "optimizer"], "sdg"),
    "wrong data": (["train", "data"], {"cifar10": {}}),
    "no base of a schedule": (["train", "learning_rate", "step", "base"], ...),
    "wrong precision": (["train", "precision"], "float16"),
    "mapping for a parameter": (["params", "n"], {"value": 3}),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_that_the_language_refuses_are_refused(mistake, tmp_path):
    spec = changed(*MISTAKES[mistake])
    assert not VALIDATOR.is_valid(spec)
    path = tmp_path / "small.json"
    path.write_text(json.dumps(spec))
    with pytest.raises(archspec.SpecError):
        archspec.load(path)


def test_fields_are_described_for_editors():
    definitions = json_schema()["$defs"]
    assert definitions["bottleneck"]["description"].startswith("1x1, 3x3 and 1x1 convolutions and a shortcut")
    assert definitions["conv"]["description"].endswith("Required: kernel, filters.")
    kinds = definitions["layer"]["anyOf"][0]["enum"]
    assert [kind for kind in kinds if "description" not in definitions[kind]] == []

"""Where the values of a resolved spec come from."""

from __future__ import annotations

from pathlib import Path

import pytest

import archspec
from archspec.spec.origins import Origin, listing, origins
from archspec.spec.overrides import parse_assignments

BASE = """name: base
params: {width: 2, sizes: [3, 4]}
model:
  input: [8, 8, 1]
  defaults: {conv: {padding: symmetric, initializer: he_normal}}
  layers:
    - conv: {filters: "${width}", kernel: 3}
    - flatten
    - dense: 2
train:
  data: digits
  optimizer: adam
"""
CHILD = """extends: base.yaml
name: child
model:
  defaults:
    conv: {activation: relu}
train: {epochs: 3}
set: {width: 8}
"""


@pytest.fixture
def child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("base.yaml").write_text(BASE)
    Path("child.yaml").write_text(CHILD)
    return Path("child.yaml")


def test_every_value_has_its_place(child: Path) -> None:
    spec = archspec.load(child, {**parse_assignments(["train.batch_size=64", "sizes[1]=5"]), "train.seed": 7})
    found = {entry.path: (entry.place, entry.value) for entry in origins(spec)}
    assert {path: place for path, place in found.items() if place[0] != "default"} == {
        "name": ("child.yaml:2", "child"),
        "params.width": ("child.yaml:7", 8),
        "params.sizes[0]": ("base.yaml:2", 3),
        "params.sizes[1]": ("--set", 5),
        "model.input": ("base.yaml:4", [8, 8, 1]),
        "model.defaults.conv.padding": ("base.yaml:5", "symmetric"),
        "model.defaults.conv.initializer": ("base.yaml:5", "he_normal"),
        "model.defaults.conv.activation": ("child.yaml:5", "relu"),
        "model.layers[0].conv.filters": ("base.yaml:7", "${width}"),
        "model.layers[0].conv.kernel": ("base.yaml:7", 3),
        "model.layers[1]": ("base.yaml:8", "flatten"),
        "model.layers[2].dense": ("base.yaml:9", 2),
        "train.data": ("base.yaml:11", "digits"),
        "train.optimizer": ("base.yaml:12", "adam"),
        "train.epochs": ("child.yaml:6", 3),
        "train.batch_size": ("--set", 64),
        "train.seed": ("override", 7),
    }
    assert found["train.optimizer.adam.beta_1"] == ("default", 0.9)
    assert found["train.trainable"] == ("default", {})
    assert found["train.distribute"] == ("default", {"auto": {}})
    assert "train.epochs" in found and "model.layers[0].conv.stride" not in found


def test_defaults_are_those_that_the_recipe_has(child: Path) -> None:
    spec = archspec.load(child)
    assert spec.train is not None
    for entry in origins(spec):
        name = entry.path.removeprefix("train.")
        if entry.source == "default" and name in ("batch_size", "weight_decay", "seed", "precision", "clip_norm"):
            assert getattr(spec.train, name) == entry.value


def test_a_listing_names_each_place_and_path(child: Path) -> None:
    lines = listing(origins(archspec.load(child))).splitlines()
    assert lines[:3] == [
        "child.yaml:2  name: child",
        "child.yaml:7  params.width: 8",
        "base.yaml:2   params.sizes: [3, 4]",
    ]
    assert "default       train.seed: 0" in lines
    assert listing([Origin("a", None, "default"), Origin("b", "${n}", "f.yaml", 3)]) == (
        "default   a: null\nf.yaml:3  b: ${n}"
    )


@pytest.mark.parametrize("name", ["digits", "alexnet"])
def test_every_path_can_be_set_to_what_is_shown(name: str) -> None:
    spec = archspec.load(name)
    for entry in origins(spec):
        again = archspec.load(name, {entry.path: entry.value})
        assert (again.graph, again.train, again.search) == (spec.graph, spec.train, spec.search), entry


def test_a_spec_from_python_has_no_lines() -> None:
    spec = archspec.loads({"name": "net", "model": {"input": [4], "layers": [{"dense": 2}]}})
    assert [(entry.path, entry.place) for entry in origins(spec)] == [
        ("name", "<mapping>"),
        ("model.input", "<mapping>"),
        ("model.layers[0].dense", "<mapping>"),
    ]

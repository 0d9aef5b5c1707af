"""`docs/language.md` is current, and every layer, block, section and field that it shows is described, with examples
that are valid. `specs/schema.json` says the same of fields."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import archspec
from archspec.errors import Source
from archspec.fields.documentation import Documentation, documentation, sentence
from archspec.fields.records import Record
from archspec.json_schema import json_schema
from archspec.ops import initializers
from archspec.recipe import AUGMENTATIONS, DATA, DISTRIBUTE, OPTIMIZERS, SCHEDULES, TRAIN
from archspec.reference import reference
from archspec.search import SEARCH
from archspec.search.entries import KINDS as KINDS_OF_VALUES
from archspec.search.tuners import TUNERS
from archspec.source.reading import parse
from archspec.spec.sections import MODEL, TOP
from tests.archspec.test_vocabulary import RECORDS, kinds_of_layers

PAGE = Path(__file__).parents[2] / "docs" / "language.md"
STRATEGIES = {f"strategy {name}": one for name, one in DISTRIBUTE.items()}
"""By names of their own, as a strategy and a layer are named `towers`."""
ALL: dict[str, Record] = {
    **{f"initializer {name}": one for name, one in initializers.FORM.records.items()},
    **RECORDS,
    **STRATEGIES,
}
SECTIONS = ("the spec", "model", "a block", "train", "search")


def test_the_page_is_current():
    assert PAGE.read_text(encoding="utf-8") == reference(), "run: make schema"


@pytest.mark.parametrize("noun", ALL)
def test_everything_is_described(noun: str):
    record = ALL[noun]
    assert [name for name, field in record.fields.items() if not field.description] == []
    assert all(re.fullmatch(r"[^a-z].*[.?]", field.description) for field in record.fields.values()), "sentences"
    if noun not in SECTIONS:
        assert record.about.prose and record.about.example


def test_every_described_field_exists():
    """A docstring does not describe a field that was renamed or removed."""
    for record in ALL.values():
        if record.build is not dict and record.noun not in KINDS_OF_VALUES:
            described = {*documentation(record.build).fields} - record.fields.keys()
            assert [name for name in described if not hasattr(record.build, name)] == [], record.noun


def parsed(noun: str) -> Any:
    return parse(Source("example", ALL[noun].about.example)).plain()


LAYERS = {"conv": {"filters": 4, "kernel": 1, "name": "left"}}, {"conv": {"filters": 4, "kernel": 1, "name": "right"}}


@pytest.mark.parametrize("kind", kinds_of_layers())
def test_the_example_of_a_layer_is_valid(kind: str):
    channels = {"inverted_residual": 24, "squeeze_excite": 256, "slice_channels": 64}.get(kind, 16)
    flat = ["global_avg_pool"] if kind == "dense" else []
    before = [{"conv": {"filters": channels, "kernel": 1}}, *flat]
    layers = [*LAYERS, parsed(kind)] if kind in ("add", "multiply", "concat") else [*before, parsed(kind)]
    spec = archspec.loads({"name": "net", "model": {"input": [32, 32, 3], "layers": layers}})
    assert kind in str(spec.tree.plain()["model"]["layers"][-1])


@pytest.mark.parametrize("name", initializers.FORM.records)
def test_the_example_of_an_initializer_is_valid(name: str):
    conv = {"filters": 4, "kernel": 3, **parsed(f"initializer {name}")}
    archspec.loads({"name": "net", "model": {"input": [8, 8, 3], "layers": [{"conv": conv}]}})


PARTS = (*OPTIMIZERS, *SCHEDULES, *AUGMENTATIONS, *DATA, *STRATEGIES, "weight_decay", "early_stopping", "checkpoints")


@pytest.mark.parametrize("name", PARTS)
def test_the_example_of_a_part_of_train_is_valid(name: str):
    layers: list[Any] = ["global_avg_pool", {"dense": 10}]
    if name == "strategy towers":
        layers.insert(0, {"towers": {"count": 2, "input": "whole", "layers": [{"conv": {"filters": 4, "kernel": 1}}]}})
    train = {"data": "digits", **parsed(name)}
    spec = archspec.loads({"name": "net", "model": {"input": [224, 224, 3], "layers": layers}, "train": train})
    assert name.removeprefix("strategy ") in str(spec.tree.plain()["train"])


@pytest.mark.parametrize("name", [*TUNERS, *KINDS_OF_VALUES, "objective", "budget"])
def test_the_example_of_a_part_of_search_is_valid(name: str):
    search = {"space": {"width": {"choice": [8, 16, 32]}}, **parsed(name)}
    search["space"].setdefault("width", {"choice": [8, 16, 32]})
    spec = {
        "name": "net",
        "params": {"n": 3, "width": 16},
        "model": {"input": [8, 8, 3], "layers": [{"conv": {"filters": "${width}", "kernel": 3}}, "flatten"]},
        "train": {"data": "digits", "learning_rate": {"cosine": {"base": 0.1}}},
        "search": search,
    }
    assert archspec.loads(spec).search is not None


def test_editors_are_shown_the_same():
    definitions = json_schema()["$defs"]
    top = json_schema()["properties"]
    assert all("description" in field for field in top.values())
    for noun, record in {**kinds_of_layers(), "train": TRAIN, "search": SEARCH, "model": MODEL}.items():
        for name, field in record.fields.items():
            shown = definitions[noun]["properties"][name]
            assert shown["description"] == field.description, (noun, name)
            assert shown.get("default") == field.written_default, (noun, name)
    assert definitions["conv"]["properties"]["kernel"]["examples"] == [3]
    assert definitions["layer"]["anyOf"][2]["properties"]["dropout"]["description"].startswith("While training")
    assert definitions["train"]["properties"]["optimizer"]["default"] == "sgd"
    assert TOP.fields["name"].description == "The network's name."


def documented() -> None:
    """What it is.

    More about
    it.

    Example:
        conv: {filters: 3}

    Args:
        filters: how many,
            in all.
        kernel: how wide.

    Raises:
        ValueError: never.
    """


def test_docstrings_are_read():
    assert documentation(documented) == Documentation(
        ("What it is.", "More about it."),
        "conv: {filters: 3}",
        {"filters": "How many, in all.", "kernel": "How wide."},
    )
    assert documentation(documented).fields_of("conv") == {"filters": 3}
    assert documentation(documented).fields_of("dense") == {}
    assert sentence("a name") == "A name."

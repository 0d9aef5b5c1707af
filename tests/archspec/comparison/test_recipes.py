"""What differs between two recipes: meaning, not spelling; only what differs; and what is not given."""

from __future__ import annotations

from typing import Any

import pytest

import archspec
from archspec.comparison.comparison import compare
from archspec.comparison.values import MISSING, differing

BASE: dict[str, Any] = {
    "name": "net",
    "params": {"epochs": 5},
    "model": {"input": [8, 8, 1], "layers": ["flatten", {"dense": 10}]},
    "train": {
        "data": {"tfds": "mnist"},
        "epochs": "${epochs}",
        "learning_rate": 0.1,
        "weight_decay": 1e-4,
        "augment": [{"random_crop": {"pad": 1}}, "horizontal_flip"],
    },
}


def lines(changes: dict[str, Any], base: dict[str, Any] = BASE) -> list[str]:
    found = compare(base, archspec.loads(base, changes)).recipe
    assert found is not None
    return [f"{one.path}: {one.before} → {one.after}" for one in found]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"train.data": {"tfds": {"name": "mnist"}}}, []),
        ({"train.learning_rate": {"constant": {"base": 0.1}}, "train.weight_decay": {"factor": 1e-4}}, []),
        ({"train.epochs": 5, "train.optimizer": {"sgd": {}}, "train.batch_size": 128}, []),  # the value and the default
        ({"epochs": 6}, ["params.epochs: 5 → 6", "train.epochs: 5 → 6"]),
        ({"train.optimizer": {"sgd": {"nesterov": True}}}, ["train.optimizer.sgd.nesterov: False → True"]),
        ({"train.weight_decay": {"factor": 1e-4, "norms": True}}, ["train.weight_decay.norms: False → True"]),
        ({"train.label_smoothing": 0.1}, ["train.label_smoothing: 0.0 → 0.1"]),
        ({"train.augment[0].random_crop.pad": 2}, ["train.augment[0].random_crop.pad: 1 → 2"]),
        (
            {"train.augment": "horizontal_flip"},
            ["train.augment: [{'random_crop': {'pad': 1}}, 'horizontal_flip'] → horizontal_flip"],
        ),
        (
            {"train.learning_rate": {"cosine": {"base": 0.2}}},
            ["train.learning_rate: 0.1 → {'cosine': {'base': 0.2}}"],
        ),
        (
            {"search": {"space": {"epochs": {"int": [1, 9]}}}},
            ["search: not given → {'space': {'epochs': {'int': [1, 9]}}}"],
        ),
        ({"description": "another", "expect": {"macs": 640}}, []),
    ],
)  # fmt: skip
def test_fields_that_differ(changes: dict[str, Any], expected: list[str]):
    assert lines(changes) == expected


def test_a_recipe_that_is_not_given():
    without = {name: section for name, section in BASE.items() if name != "train"}
    text = str(compare(without, BASE))
    assert text.startswith("net → net: networks are equal\n\n~ train:\n    not given\n  → {data: {tfds: ")
    assert compare(without, without).equal


def test_differences_of_any_data():
    assert [*differing({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}], "c": None})] == [
        ("a[1].b", 2, 3),
        ("c", MISSING, None),
    ]
    assert [*differing({"a": {"x": {}}}, {"a": {"y": {}}})] == [("a", {"x": {}}, {"y": {}})]
    assert [*differing({"a": [1]}, {"a": [1, 2]})] == [("a", [1], [1, 2])]
    assert [*differing(1, 1.0)] == [] and [*differing(1, True)] == [("", 1, True)]
    assert str(MISSING) == "not given"

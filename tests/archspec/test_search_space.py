"""Spaces and candidates: what a `search` section may say, the candidates drawn from it, and its grid."""

from __future__ import annotations

import itertools
import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

import archspec
from archspec.json_schema import json_schema
from archspec.search import Candidate, Space
from tests.archspec.searches import BLOCK, EXPANSION, SPEC, contains, default_candidate, spaces, spec_with
from tests.randomised import examples

SPECS = Path(__file__).parents[2] / "specs"
VALIDATOR = Draft202012Validator(json_schema())


def space_of(space: dict[str, Any]) -> Space:
    search = spec_with({"space": space}).search
    assert search is not None
    return search.space


def drawn(space: Space, count: int, seed: int = 0) -> list[Candidate]:
    rng = random.Random(seed)
    return [space.sample(rng) for _ in range(count)]


def same(a: Any, b: Any) -> bool:
    return json.dumps(a, sort_keys=True) == json.dumps(b, sort_keys=True)


# -- the section ----------------------------------------------------------------------------------------------------


def test_an_example_of_every_option() -> None:
    section = {
        "tuner": {"hyperband": {"max_epochs": 20, "factor": 4, "executions_per_trial": 2, "seed": 7}},
        "objective": "val_loss",
        "space": {
            "n": {"int": [1, 9]},
            "width": {"choice": [8, 16, 32], "default": 8},
            "rate": {"float": [0.01, 0.2], "log": True},
            "train.deterministic": "bool",
        },
        "budget": {"trainable_parameters": 1e6, "macs": 150e6, "latency_ms": 5},
        "max_minutes_per_trial": 30,
        "warm_start": True,
    }
    assert [error.message for error in VALIDATOR.iter_errors({**SPEC, "search": section})] == []
    search = spec_with(section).search
    assert search is not None
    assert (search.objective.name, search.objective.direction) == ("val_loss", "min")
    assert (search.tuner.max_epochs, search.tuner.factor, search.tuner.hyperband_iterations) == (20, 4, 1)
    assert dict(search.budget.limits()) == {"trainable_parameters": 1_000_000, "macs": 150_000_000, "latency_ms": 5}
    assert default_candidate(search.space).values == {"n": 1, "width": 8, "rate": 0.1, "train.deterministic": False}
    assert search.warm_start is not None


@pytest.mark.parametrize(
    ("objective", "direction"),
    [
        ("val_accuracy", "max"),
        ("val_top5_accuracy", "max"),
        ("loss", "min"),
        ({"name": "val_f1", "direction": "max"}, "max"),
        ({"name": "val_accuracy", "direction": "min"}, "min"),
    ],
)
def test_direction_of_an_objective(objective: Any, direction: str) -> None:
    search = spec_with({"space": {"n": {"int": [1, 2]}}, "objective": objective}).search
    assert search is not None
    assert search.objective.direction == direction


MISTAKES: dict[str, dict[str, Any]] = {
    "no space": {"tuner": "hyperband"},
    "unknown tuner": {"space": {"n": "bool"}, "tuner": "grid"},
    "unknown option": {"space": {"n": "bool"}, "tuner": {"grid_search": {"factor": 3}}},
    "unknown limit": {"space": {"n": "bool"}, "budget": {"params": 3}},
    "no kind": {"space": {"n": {"default": 3}}},
    "one end": {"space": {"n": {"int": [1]}}},
    "three ends": {"space": {"n": {"int": [1, 2, 3]}}},
    "no options": {"space": {"n": {"choice": []}}},
    "step of a choice": {"space": {"n": {"choice": [1], "step": 1}}},
    "text for an end": {"space": {"n": {"float": ["low", 1]}}},
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_the_schema_refuses_what_the_language_refuses(mistake: str) -> None:
    assert not VALIDATOR.is_valid({**SPEC, "search": MISTAKES[mistake]})
    with pytest.raises(archspec.SpecError):
        spec_with(MISTAKES[mistake])


def test_a_spec_that_extends_another_changes_its_search(tmp_path: Path) -> None:
    written = spec_with({"space": {"n": {"int": [1, 3]}}, "tuner": "hyperband"}).to_yaml()
    (tmp_path / "searched.yaml").write_text(written)
    child = tmp_path / "child.yaml"
    child.write_text("extends: searched.yaml\nname: child\nsearch: {space: {n: null, width: {int: [2, 3]}}}\n")
    search = archspec.load(child).search
    assert search is not None
    assert [one.name for one in search.space.dimensions] == ["width"]
    child.write_text("extends: searched.yaml\nname: child\nsearch: {space: {width: {int: [2, 3]}}}\n")
    both = archspec.load(child).search
    assert both is not None and [one.name for one in both.space.dimensions] == ["n", "width"]
    assert type(search.tuner).__name__ == "Hyperband"


def test_overrides_reach_into_the_search() -> None:
    section = {"space": {"n": {"int": [1, 3]}, "train.batch_size": {"choice": [32, 64]}}}
    overrides = {
        "search.budget.macs": 1e6,
        "search.space.train.batch_size.choice": [8],
        "search.space.n": None,
        "search.space.train.epochs": {"int": [1, 2]},
    }
    search = spec_with(section, overrides).search
    assert search is not None
    assert search.budget.macs == 1_000_000
    assert {one.name: one.domain.show() for one in search.space.dimensions} == {
        "train.batch_size": "choice [8]",
        "train.epochs": "int [1, 2]",
    }


@pytest.mark.parametrize("path", [*SPECS.glob("*_cifar.yaml"), SPECS / "digits.yaml"], ids=lambda path: path.stem)
def test_shipped_specs_with_a_search(path: Path) -> None:
    spec = archspec.load(path)
    assert spec.search is not None
    assert {"n", "width"} <= {one.name for one in spec.search.space.dimensions}
    assert archspec.loads(spec.to_yaml()).search == spec.search


def test_a_space_that_would_take_too_long_is_refused() -> None:
    names = {f"b{i}": False for i in range(101)}
    with pytest.raises(archspec.SpecError, match="101 names; the limit is 100"):
        spec_with({"space": dict.fromkeys(names, "bool")}, params={**SPEC["params"], **names})
    space: dict[str, Any] = {"n": {"int": [1, 2]}}
    space |= {f"b{i}": {"bool": True, "when": {"n": 1}} for i in range(17)}
    with pytest.raises(archspec.SpecError, match="more than 16 names with conditions"):
        spec_with({"space": space}, params={**SPEC["params"], **names})


# -- defaults ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "entry", "default"),
    [
        ("width", {"int": [2, 8]}, 4),
        ("width", {"int": [6, 8]}, 6),
        ("width", {"int": [1, 9], "step": 4}, 5),
        ("width", {"choice": [16, 8]}, 16),
        ("double", {"int": [1, 9]}, 8),
        ("rate", {"float": [0.2, 0.4]}, 0.2),
        ("rate", {"float": [0.01, 1], "step": 10, "log": True}, 0.1),
        ("norm", {"choice": ["layer", "batch"]}, "batch"),
        ("train.epochs", {"choice": [5, 10]}, 5),
        ("train.learning_rate", {"float": [0.05, 0.2]}, 0.1),
        (BLOCK, {"choice": ["bottleneck", "basic"]}, "basic"),
        ("train.deterministic", "bool", False),
    ],
)
def test_the_default_is_the_specs_own_value_or_the_nearest(name: str, entry: Any, default: Any) -> None:
    assert default_candidate(space_of({name: entry})).values == {name: default}


# -- drawing ----------------------------------------------------------------------------------------------------------


def test_a_seed_gives_the_same_candidates() -> None:
    space = space_of({"n": {"int": [1, 9]}, "rate": {"float": [0.01, 1], "log": True}})
    assert drawn(space, 20) == drawn(space, 20)
    assert drawn(space, 20) != drawn(space, 20, seed=1)
    assert len({candidate.key for candidate in drawn(space, 200)}) > 190


def test_every_value_is_drawn_about_as_often() -> None:
    space = space_of({"n": {"int": [1, 4]}, "width": {"choice": [2, 4]}, "rate": {"float": [0, 1]}})
    candidates = drawn(space, 4000)
    assert all(800 < count < 1200 for count in Counter(one.values["n"] for one in candidates).values())
    assert all(1800 < count < 2200 for count in Counter(one.values["width"] for one in candidates).values())
    assert 1800 < sum(one.values["rate"] < 0.5 for one in candidates) < 2200


def test_logarithmic_ranges_are_even_in_ratios() -> None:
    space = space_of({"rate": {"float": [1e-4, 1], "log": True}, "n": {"int": [1, 63], "log": True}})
    candidates = drawn(space, 4000)
    assert 1800 < sum(one.values["rate"] < 1e-2 for one in candidates) < 2200
    assert 1800 < sum(one.values["n"] < 8 for one in candidates) < 2200  # 1 to 7, and 8 to 63: eightfold each
    assert {one.values["n"] for one in candidates} >= set(range(1, 20))


@pytest.mark.parametrize(
    ("entry", "values"),
    [
        ({"int": [1, 9], "step": 3}, [1, 4, 7]),
        ({"int": [4, 70], "step": 2, "log": True}, [4, 8, 16, 32, 64]),
        ({"int": [3, 3]}, [3]),
        ({"float": [0.1, 0.5], "step": 0.1}, [0.1, 0.2, 0.3, 0.4, 0.5]),
        ({"float": [1e-4, 0.1], "step": 10, "log": True}, [1e-4, 1e-3, 0.01, 0.1]),
        ({"float": [0.25, 0.25]}, [0.25]),
        ("bool", [False, True]),
        ({"choice": ["batch", None, 3, True, {"a": [1]}]}, ["batch", None, 3, True, {"a": [1]}]),
    ],
)
def test_the_values_of_a_stepped_range_are_those_of_keras_tuner(entry: Any, values: list[Any]) -> None:
    space = space_of({"n": entry})
    assert [candidate.values["n"] for candidate in space.grid()] == values
    seen = [candidate.values["n"] for candidate in drawn(space, 400)]
    assert all(any(same(value, one) for one in seen) for value in values)
    assert all(any(same(value, one) for value in values) for one in seen)


def test_true_is_not_one_and_the_order_of_keys_does_not_count() -> None:
    assert Candidate({"a": True}) != Candidate({"a": 1})
    assert Candidate({"a": {"x": 1, "y": 2}, "b": 3}) == Candidate({"b": 3, "a": {"y": 2, "x": 1}})
    assert len({Candidate({"a": [1]}), Candidate({"a": [1]}), Candidate({"a": [2]})}) == 2


def holds(name: str, space: dict[str, Any], values: dict[str, Any]) -> bool:
    """Whether a name's conditions hold, judged by the text of the spec."""
    entry = space[name]
    conditions = entry.get("when", {}) if isinstance(entry, dict) else {}
    return all(
        other in values and any(same(values[other], one) for one in (wanted if isinstance(wanted, list) else [wanted]))
        for other, wanted in conditions.items()
    )


def is_in(value: Any, entry: Any) -> bool:
    """Whether an entry allows a value, judged by the text of the spec."""
    if entry == "bool" or "bool" in entry:
        return isinstance(value, bool)
    if "choice" in entry:
        return any(same(value, option) for option in entry["choice"])
    low, high = entry.get("int") or entry["float"]
    whole = isinstance(value, int) if "int" in entry else isinstance(value, float)
    return whole and not isinstance(value, bool) and low <= value <= high


@examples(60)
@given(spaces(), st.integers(0, 2**31))
def test_drawn_candidates_lie_in_the_space_and_conditions_hold(space: dict[str, Any], seed: int) -> None:
    read = space_of(space)
    for candidate in [default_candidate(read), *drawn(read, 10, seed)]:
        values = dict(candidate.values)
        assert values.keys() == {name for name in space if holds(name, space, values)}
        assert all(is_in(value, space[name]) for name, value in values.items())
        assert contains(read, candidate)


@examples(60)
@given(spaces())
def test_the_grid_is_as_large_as_counted_and_every_point_in_the_space(space: dict[str, Any]) -> None:
    read = space_of(space)
    points = list(itertools.islice(read.grid(), 1000))
    assert len(points) == min(read.grid_size(), 1000) == len(set(points))
    assert all(contains(read, point) for point in points)


def test_a_large_grid_is_counted_without_making_it() -> None:
    space = space_of(
        {
            "n": {"int": [1, 1000]},
            "width": {"int": [1, 1000], "when": {"n": [1, 2, 3]}},
            "groups": {"choice": [1, 2], "when": {"n": 3}},
            "rate": {"float": [0, 1]},
            "train.seed": {"int": [0, 999_999]},
        },
    )
    assert space.grid_size() == (997 + 2 * 1000 + 1000 * 2) * 10 * 1_000_000
    assert space.continuous


def test_many_names_under_one_condition_are_counted_at_once() -> None:
    params = {**SPEC["params"], **{f"b{i}": False for i in range(60)}}
    space: dict[str, Any] = {f"b{i}": "bool" for i in range(60)}
    space["n"] = {"int": [1, 5], "when": {f"b{i}": True for i in range(60)}}
    search = spec_with({"space": space}, params=params).search
    assert search is not None
    assert search.space.grid_size() == 2**60 - 1 + 5


def test_candidates_of_another_space_are_recognised() -> None:
    space = space_of(
        {BLOCK: {"choice": ["basic", "bottleneck"]}, EXPANSION: {"int": [1, 2], "when": {BLOCK: "bottleneck"}}},
    )
    inside = [{BLOCK: "basic"}, {BLOCK: "bottleneck", EXPANSION: 2}]
    outside = [{}, {BLOCK: "bottleneck"}, {BLOCK: "basic", EXPANSION: 2}, {BLOCK: "bottleneck", EXPANSION: 3}]
    outside.append({BLOCK: "basic", "n": 2})
    assert [contains(space, Candidate(values)) for values in inside] == [True, True]
    assert [contains(space, Candidate(values)) for values in outside] == [False] * 5


def test_a_name_comes_after_what_it_depends_on() -> None:
    space = space_of(
        {
            EXPANSION: {"int": [1, 2], "when": {BLOCK: "bottleneck", "n": 1}},
            "n": {"int": [1, 2]},
            BLOCK: {"choice": ["basic", "bottleneck"]},
        },
    )
    assert [one.name for one in space.dimensions].index(EXPANSION) == 2

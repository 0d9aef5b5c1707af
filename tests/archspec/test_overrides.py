"""Values set over a spec: what they take the place of, what null empties, and a search that they do not fit."""

from __future__ import annotations

from typing import Any

import pytest

import archspec
from archspec.candidates.check import Checker

TINY: dict[str, Any] = {"name": "tiny", "model": {"input": [8, 8, 1], "layers": ["flatten", {"dense": 10}]}}


@pytest.mark.parametrize("value", [{"run": "runs/a"}, {"weights": "a.pth"}])
def test_another_source_of_weights_takes_the_place_of_the_first(value: dict[str, str]) -> None:
    data = {**TINY, "train": {"data": "digits", "init_from": value}}
    for name in ("run", "weights"):
        init = archspec.loads(data, {f"train.init_from.{name}": "b"}).train.init_from  # type: ignore[union-attr]
        assert (init.run, init.weights) == (("b", None) if name == "run" else (None, "b"))  # type: ignore[union-attr]


def test_null_empties_a_list_or_a_mapping() -> None:
    train = {"data": "digits", "augment": ["horizontal_flip"], "trainable": {"dense1": True}}
    spec = archspec.loads({**TINY, "train": train}, {"train.augment": None, "train.trainable": None})
    assert spec.train is not None and (spec.train.augment, spec.train.trainable) == ((), ())
    assert archspec.loads(spec.to_yaml()) == spec


SEARCHED = {
    **TINY,
    "train": {"data": "digits", "learning_rate": {"cosine": {"base": 0.1}}},
    "search": {"space": {"train.learning_rate.cosine.base": {"float": [0.01, 0.1]}}},
}
CONFLICT = (
    "search.space.train.learning_rate.cosine.base: 'train.learning_rate' is 0.1, not a mapping with fields to set"
)


def test_a_search_that_values_do_not_fit_is_left_out() -> None:
    spec = archspec.loads(SEARCHED, {"train.learning_rate": 0.1})
    assert spec.train is not None and spec.train.learning_rate == 0.1
    assert spec.search is None and "search" not in spec.to_yaml()
    assert [f"{one.where.path}: {one.message}" for one in spec.search_conflicts] == [CONFLICT]
    with pytest.raises(archspec.SpecError) as caught:
        Checker(spec)
    mend = "leave out what sets it, or take the name out of the space (null removes it)"
    assert str(caught.value) == f"<mapping>: {CONFLICT}; {mend}"
    named = archspec.loads({**SEARCHED, "params": {"searched": 1}}, {"train.learning_rate": 0.1, "searched": 2})
    assert named.search is None, "a parameter is no part of the section, whatever its name begins with"
    fitting = archspec.loads(SEARCHED, {"train.epochs": 3})
    assert fitting.search is not None and not fitting.search_conflicts


@pytest.mark.parametrize(
    "overrides",
    [{"train.learning_rate": 0.1, "search.tuner": "hyperband"}, {"train.learning_rate": 0.1, "train.epochs": 0}],
    ids=["a search is asked for", "another mistake"],
)
def test_a_search_that_does_not_fit_is_no_excuse(overrides: dict[str, object]) -> None:
    with pytest.raises(archspec.SpecError, match=r"search\.space\.train\.learning_rate|train\.epochs"):
        archspec.loads(SEARCHED, overrides)


def test_a_mistake_in_a_search_is_reported_whatever_is_set() -> None:
    data = {**SEARCHED, "search": {"space": {"train.learning_rate.cosine.base": {"float": [0.1, 0.01]}}}}
    with pytest.raises(archspec.SpecError, match="the lower end comes first"):
        archspec.loads(data, {"train.learning_rate": 0.1})

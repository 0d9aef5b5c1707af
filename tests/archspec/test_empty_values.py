"""What is no number, infinite or empty, at every place of a spec: a spec or a UserError, never anything else."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from typing import Any

import pytest

import archspec
from archspec.candidates.survey import survey
from archspec.errors import Source
from archspec.source.reading import parse
from archspec.spec.overrides import parse_assignments

SPEC = """
name: net
params: {n: 2, width: 4, norm: batch, sizes: [1, 2]}
blocks: {unit: {params: {filters: null, stride: 1}, layers: [{conv: {filters: "${filters}", kernel: 1, name: a}}]}}
model:
  input: [8, 8, 1]
  defaults: {conv: {padding: symmetric, initializer: {normal: {std: 0.1}}}}
  layers:
    - repeat: {times: "${n}", layers: [{conv: {filters: "${width}", kernel: [3, 3], norm: "${norm}"}}]}
    - stages: {block: unit, depths: [1, 2], widths: [2, 2], strides: [1, 1]}
    - parallel: {branches: [[{activation: {leaky_relu: {slope: 0.1}}}], [{dropout: 0.1}]], merge: add}
    - concat: {from: [stage1, parallel1]}
    - conv_table: [2, M]
    - global_avg_pool
    - dense: {units: 10, name: fc}
train:
  data: digits
  epochs: 3
  learning_rate: {step: {base: 0.1, drop: {1: 0.01}, warmup: 1}}
  optimizer: {sgd: {momentum: 0.9}}
  weight_decay: {factor: 1e-4, biases: true}
  trainable: {fc: true}
  early_stopping: {patience: 3}
  augment: [horizontal_flip, {random_crop: {pad: 1}}]
search:
  tuner: {random_search: {max_trials: 3}}
  objective: {name: val_accuracy, direction: max}
  space:
    width: {int: [2, 4], step: 2, log: false, default: 4}
    norm: {choice: [batch, layer, null]}
    n: {int: [1, 2], when: {norm: batch, width: [2, 4]}}
    train.learning_rate.step.base: {float: [0.01, 0.2], log: true}
    train.optimizer.sgd.nesterov: {bool: true, when: {n: 2}}
  budget: {trainable_parameters: 100000}
"""
DATA = parse(Source("spec.yaml", SPEC)).plain()
ODD: dict[str, Any] = {
    "not a number": math.nan,
    "infinity": math.inf,
    "no list": [],
    "no mapping": {},
    "both": [math.nan],
}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The keys and positions that lead to every value inside a value."""
    for key, child in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield (*path, key)
        yield from places(child, (*path, key))


def with_value(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """A copy with another value at a place."""
    if not path:
        return new
    changed = copy.copy(value)
    changed[path[0]] = with_value(value[path[0]], path[1:], new)
    return changed


def read(data: Any, overrides: Any = None, searches: bool = False) -> None:
    try:
        spec = archspec.loads(data, overrides)
        archspec.analyse(spec)
        spec.to_yaml()
        if searches and spec.search is not None:
            survey(spec)
    except archspec.UserError as error:
        str(error)


def test_the_spec_is_valid() -> None:
    assert archspec.loads(DATA).search is not None


@pytest.mark.parametrize("odd", ODD)
def test_at_every_place(odd: str) -> None:
    for path in places(DATA):
        read(with_value(DATA, path, ODD[odd]), searches=path[:2] == ("search", "space") and len(path) > 2)


@pytest.mark.parametrize("value", [".nan", ".inf", "-.inf", "[]", "{}", "[.nan]", "null"])
def test_set_from_outside(value: str) -> None:
    names = [
        "n",
        "width",
        "sizes",
        "sizes[0]",
        "fc.units",
        "train.epochs",
        "search.space.n.int[0]",
        "search.space.n.when",
    ]
    for name in names:
        read(DATA, parse_assignments([f"{name}={value}"]))

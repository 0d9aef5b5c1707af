"""The space of a search as keras-tuner's hyperparameters, and candidates as their values."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

import keras_tuner

from archspec.search import Candidate, Dimension, Space
from archspec.search.domains import Domain, Flag, FloatRange, IntRange, Options

MOST_LISTED = 10_000
"""A range of numbers with a step and at most this many points is given to keras-tuner as a list."""


def hyperparameters(space: Space) -> keras_tuner.HyperParameters:
    """Returns the space as keras-tuner's hyperparameters."""
    found = keras_tuner.HyperParameters()
    declare(space, found)
    return found


def declare(space: Space, found: keras_tuner.HyperParameters) -> None:
    """Adds the names of a space to keras-tuner's hyperparameters.

    keras-tuner's choices are all texts, all whole numbers or all numbers. Any others are represented by their position.
    """
    for one in space.dimensions:
        with contextlib.ExitStack() as scopes:
            for condition in one.when:
                domain = space[condition.name].domain
                scopes.enter_context(
                    found.conditional_scope(condition.name, [encode(domain, value) for value in condition.values])
                )
            _declare(found, one)


def _declare(found: keras_tuner.HyperParameters, one: Dimension) -> None:
    domain, default = one.domain, encode(one.domain, one.default)
    match domain:
        case IntRange():
            sampling = "log" if domain.log else "linear"
            low, high = int(domain.low), int(domain.point(domain.points - 1))
            step = int(domain.step) if domain.step is not None else None
            found.Int(one.name, low, high, step, sampling, default=int(default))
        case FloatRange() if not _is_listed(domain):
            sampling = "log" if domain.log else "linear"
            # keras-tuner's grid adds the default to its ten points, unless it is one of them.
            probe = keras_tuner.HyperParameters()
            probe.Float(one.name, domain.low, domain.high, domain.step, sampling)
            if domain.continuous:
                default = min(probe.space[0].values, key=lambda value: abs(value - default))
            found.Float(one.name, domain.low, domain.high, domain.step, sampling, default=float(default))
        case Flag():
            found.Boolean(one.name, default=bool(default))
        case _:
            found.Choice(one.name, [encode(domain, value) for value in domain.values()], default=default)


def encode(domain: Domain, value: Any) -> Any:
    """Returns keras-tuner's value for a value of the domain."""
    return domain.index(value) if isinstance(domain, Options) and not _is_uniform(domain) else value


def decode(domain: Domain, value: Any) -> Any:
    """Returns the value of the domain that keras-tuner's value stands for."""
    if isinstance(domain, Options):
        return value if _is_uniform(domain) else domain.point(int(value))
    return domain.nearest(value)


def _is_uniform(domain: Options) -> bool:
    kinds = {type(option) for option in domain.options}
    return len(kinds) == 1 and kinds <= {str, int, float}


def _is_listed(domain: FloatRange) -> bool:
    # keras-tuner leaves out the last point where the division is not exact: 0.3 // 0.1 is 2.
    return not domain.continuous and domain.points <= MOST_LISTED


def candidate(space: Space, values: Mapping[str, Any]) -> Candidate:
    """Returns the candidate of keras-tuner's values, without `tuner/...`, which are notes of its own."""
    return Candidate({one.name: decode(one.domain, values[one.name]) for one in space.dimensions if one.name in values})


def values_of(space: Space, chosen: Candidate) -> dict[str, Any]:
    """Returns keras-tuner's values for a candidate."""
    return {name: encode(space[name].domain, value) for name, value in chosen.values.items()}

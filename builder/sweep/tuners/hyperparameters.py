"""A search's space as keras-tuner knows it: names and what each may be, and candidates as values of these."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

import keras_tuner

from archspec.search import Candidate, Dimension, Space
from archspec.search.domains import Domain, Flag, FloatRange, IntRange, Options

MOST_LISTED = 10_000
"""Points of a range of numbers with a step that keras-tuner gets as a list."""


def hyperparameters(space: Space) -> keras_tuner.HyperParameters:
    """The space as keras-tuner's."""
    found = keras_tuner.HyperParameters()
    declare(space, found)
    return found


def declare(space: Space, found: keras_tuner.HyperParameters) -> None:
    """Names the space's values to keras-tuner. Options that are not all texts, whole numbers or numbers go by their
    position, as keras-tuner has no others and no mixtures of these."""
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
            # A grid has the default beside its ten points, unless it is one of them.
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
    """What keras-tuner calls a value."""
    return domain.index(value) if isinstance(domain, Options) and not _is_uniform(domain) else value


def decode(domain: Domain, value: Any) -> Any:
    """The value that keras-tuner means."""
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
    """The candidate of keras-tuner's values; its own, `tuner/...`, are left out."""
    return Candidate({one.name: decode(one.domain, values[one.name]) for one in space.dimensions if one.name in values})


def encoded(space: Space, chosen: Candidate) -> dict[str, Any]:
    """A candidate as keras-tuner's values."""
    return {name: encode(space[name].domain, value) for name, value in chosen.values.items()}

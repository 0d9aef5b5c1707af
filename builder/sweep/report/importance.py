"""How much each value of a search matters, as far as its trials can say."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from archspec.search import Dimension
from archspec.search.domains import Flag, Options, Range
from builder.sweep.results import Results

FEWEST = 8
"""Fewer trials say nothing about which value matters."""
MOST = 300
TREES = 200
NOT_SET = -0.5


def position(one: Dimension, values: Mapping[str, Any]) -> float | None:
    """Where a value stands in its domain, from 0 to 1; None where it does not count."""
    if one.name not in values:
        return None
    value, domain = values[one.name], one.domain
    if isinstance(domain, Range):
        if domain.high == domain.low:
            return 0.5
        if domain.log:
            return math.log(value / domain.low) / math.log(domain.high / domain.low)
        return float((value - domain.low) / (domain.high - domain.low))
    if isinstance(domain, Flag):
        return float(bool(value))
    assert isinstance(domain, Options)
    return domain.index(value) / (domain.points - 1) if domain.points > 1 else 0.5


def importance(results: Results) -> dict[str, float]:
    """Each name's share of the variation of the objective, from 0 to 1, by itself, without that of combinations.

    The main effects of a functional analysis of variance, with a random forest for the objective (Hutter, Hoos,
    Leyton-Brown 2014, "An efficient approach for assessing hyperparameter importance"). The forest's average over the
    trials' own values of the other names is taken, as spaces with budgets and conditions are not rectangles.
    """
    from sklearn.ensemble import RandomForestRegressor

    dimensions, finished = results.search.space.dimensions, results.finished()[-MOST:]
    places = [[position(one, outcome.trial.values) for one in dimensions] for outcome in finished]
    x = np.array([[NOT_SET if place is None else place for place in row] for row in places])
    y = np.array([outcome.objective for outcome in finished])
    forest = RandomForestRegressor(TREES, min_samples_leaf=2, random_state=0).fit(x, y)
    total = float(np.var(forest.predict(x)))
    shares = {}
    for column, one in enumerate(dimensions):
        effects = []
        for value in np.unique(np.quantile(x[:, column], np.linspace(0, 1, 16), method="nearest")):
            changed = x.copy()
            changed[:, column] = value
            effects.append(float(np.mean(forest.predict(changed))))
        shares[one.name] = min(1.0, float(np.var(effects)) / total) if total > 0 else 0.0
    return shares

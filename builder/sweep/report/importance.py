"""The importance of each name of a space for the objective, as far as the trials show it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from archspec.search import Dimension
from archspec.search.domains import Flag, Options, Range
from builder.sweep.results import Results

FEWEST = 8
"""With fewer trials nothing can be said about importance."""
MOST = 300
"""How many trials are used, the last ones."""
TREES = 200
NOT_SET = -0.5
"""The position for the forest of a name that is not set."""


def position(one: Dimension, values: Mapping[str, Any]) -> float | None:
    """Returns the position of a value in its domain, from 0 to 1, or None if the name is not set."""
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
    """Returns the share, from 0 to 1, of the objective's variation that each name explains by itself.

    These are the main effects of a functional analysis of variance, with a random forest as the model of the objective
    (Hutter, Hoos, Leyton-Brown 2014, "An efficient approach for assessing hyperparameter importance"). The forest is
    averaged over the values that the trials have for the other names, since a space with a budget and conditions is
    not a rectangle.
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

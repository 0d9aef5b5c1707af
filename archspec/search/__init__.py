"""The `search` section: a space of networks and recipes, and the limits that they keep. No framework.

`Spec.search` is the section, typed. What works on it: `space` (candidates: grid, drawing at random), `networks` (the spec
of a candidate, and what it costs, in about a millisecond), `check` (candidates against the budget, and mistakes that only
reading candidates shows), `dry_run` (what a search would do, in words).
"""

from archspec.search.section import SEARCH, Budget, Objective, Search, WarmStart
from archspec.search.space import Candidate, Condition, Dimension, Space
from archspec.search.tuners import TUNERS, Bayesian, GridSearch, Hyperband, RandomSearch, Tuner

__all__ = [
    "SEARCH",
    "TUNERS",
    "Bayesian",
    "Budget",
    "Candidate",
    "Condition",
    "Dimension",
    "GridSearch",
    "Hyperband",
    "Objective",
    "RandomSearch",
    "Search",
    "Space",
    "Tuner",
    "WarmStart",
]

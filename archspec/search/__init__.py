"""The `search` section of a spec: a space of networks and recipes, and the limits that they must keep.

`Spec.search` is the section, typed. `archspec.candidates` works on it: it computes a candidate's costs, compares them
with the budget, and surveys a search before it runs.
"""

from archspec.search.section import SEARCH, Budget, Objective, Search, WarmStart
from archspec.search.space import Candidate, Condition, Dimension, Space
from archspec.search.tuners import TUNERS, Tuner, tuner_name

__all__ = [
    "SEARCH",
    "TUNERS",
    "Budget",
    "Candidate",
    "Condition",
    "Dimension",
    "Objective",
    "Search",
    "Space",
    "Tuner",
    "WarmStart",
    "tuner_name",
]

"""The `search` section: a space of networks and recipes, and the limits that they keep. No framework.

`Spec.search` is the section, typed. What works on it, each a module here:

- `space`: candidates, as a grid or drawn at random;
- `networks`: a candidate's spec, what it costs, in about a millisecond, and when two are the same;
- `check`: candidates against the budget, and mistakes that only reading candidates shows;
- `survey` and `report`: what a search would do, and that in words.
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

"""Random search spaces over one small spec, as Python data, for the tests of searches."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

import archspec
from archspec.search import Candidate, Space

BLOCK = "model.layers[1].stages.block"
EXPANSION = f"{BLOCK}.bottleneck.expansion"
SPEC: dict[str, Any] = {
    "name": "searched",
    "params": {"n": 1, "width": 4, "groups": 1, "norm": "batch", "rate": 0.1, "double": "${2 * width}"},
    "model": {
        "input": [8, 8, 1],
        "layers": [
            {"conv": {"filters": "${width}", "kernel": 3, "norm": "${norm}", "activation": "relu"}},
            {"stages": {"block": "basic", "depths": ["${n}", 1], "widths": ["${width}", "${double}"]}},
            {"conv": {"filters": 8, "kernel": 1, "groups": "${groups}", "name": "mixed"}},
            {"global_avg_pool": {}},
            {"dense": 10},
        ],
    },
    "train": {"data": "digits", "batch_size": 32, "learning_rate": "${rate}"},
}


def spec_with(search: dict[str, Any], overrides: dict[str, Any] | None = None, **sections: Any) -> archspec.Spec:
    """Loads the spec with a search section and with other sections replaced."""
    return archspec.loads({**SPEC, "search": search, **sections}, overrides)


def default_candidate(space: Space) -> Candidate:
    """The candidate nearest to the spec itself."""
    return space.candidate(space.defaults())


def contains(space: Space, candidate: Candidate) -> bool:
    """Whether the names that count are set, no others, and each to a value that it may have."""
    values = candidate.values
    counting = [one for one in space.dimensions if one.active(values)]
    names = {one.name for one in counting}
    return values.keys() == names and all(one.domain.contains(values[one.name]) for one in counting)


def some(*options: Any) -> st.SearchStrategy[dict[str, Any]]:
    """Draws a choice of some of the options, in any order."""
    numbers = st.lists(st.sampled_from(range(len(options))), min_size=1, unique=True)
    return numbers.map(lambda chosen: {"choice": [options[i] for i in chosen]})


def whole(least: int, most: int) -> st.SearchStrategy[dict[str, Any]]:
    ends = st.lists(st.integers(least, most), min_size=2, max_size=2).map(sorted)
    return st.fixed_dictionaries({"int": ends}, optional={"step": st.integers(2, 3), "log": st.booleans()}) | ends.map(
        lambda two: {"int": two}
    )


def numbers(least: float, most: float) -> st.SearchStrategy[dict[str, Any]]:
    number = st.floats(least, most).map(lambda value: round(value, 4))
    ends = st.lists(number, min_size=2, max_size=2).map(sorted)
    return st.one_of(
        st.fixed_dictionaries({"float": ends}, optional={"log": st.booleans()}),
        st.fixed_dictionaries({"float": ends, "step": st.floats(0.01, 1)}),
        st.fixed_dictionaries({"float": ends, "step": st.floats(1.1, 3), "log": st.just(True)}),
    )


@st.composite
def spaces(draw: st.DrawFn) -> dict[str, Any]:
    """Draws a space of some names, some of them under conditions."""
    blocks = draw(some("basic", {"basic": {"shortcut": "pad"}}, "bottleneck"))
    norms = draw(some("batch", "layer", None))
    free = {
        "n": draw(whole(1, 4)),
        "width": draw(st.one_of(whole(2, 12), some(2, 4, 8))),
        "groups": draw(st.one_of(whole(1, 4), some(1, 2, 3))),
        "rate": draw(numbers(1e-3, 1.0)),
        "train.batch_size": draw(some(16, 32, 64)),
        "norm": norms,
        BLOCK: blocks,
    }
    names = draw(st.lists(st.sampled_from(list(free)), min_size=1, unique=True))
    space = {name: free[name] for name in names}
    if BLOCK in space and "bottleneck" in blocks["choice"]:
        space[EXPANSION] = {**draw(whole(1, 3)), "when": {BLOCK: "bottleneck"}}
    if "norm" in space:
        wanted = draw(st.lists(st.sampled_from(norms["choice"]), min_size=1, unique=True))
        space["train.deterministic"] = {"bool": True, "when": {"norm": wanted}}
        nested = {"train.deterministic": True} | ({"n": space["n"]["int"][0]} if "n" in space else {})
        space["train.epochs"] = {"int": [1, 3], "when": nested}
    return space

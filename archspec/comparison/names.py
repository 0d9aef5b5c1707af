"""What specs are called where they stand side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from archspec.graph.graph import Graph
from archspec.spec.spec import Spec


def names_of(specs: Sequence[Spec], paths: Sequence[str], assignments: Sequence[str] = ()) -> list[str]:
    """The names of several specs, or where two have one name, what the user called them.

    Args:
        specs: one or more.
        paths: what the user calls each of them; one path if the second is the first with the assignments.
        assignments: `--set` arguments, which are then part of its name.
    """
    names = [spec.name for spec in specs]
    if len(paths) < len(specs):
        return [names[0], " ".join([names[0], *(f"--set {text}" for text in assignments)])]
    return names if len({*names}) == len(names) else [*paths]


def named_graphs(specs: Sequence[Spec], paths: Sequence[str], assignments: Sequence[str] = ()) -> list[Graph]:
    """The networks of several specs, called as by `names_of`."""
    names = names_of(specs, paths, assignments)
    return [replace(spec.graph, name=name) for spec, name in zip(specs, names, strict=True)]

"""Convolutions in a few groups as what they are, towers that do not see each other: a drawing shows them side by side,
and where they meet (Krizhevsky et al. 2012, figure 2)."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from itertools import count

from archspec.graph.graph import Graph, Node
from archspec.nesting import Nested, nested
from archspec.ops import (
    Activation,
    AvgPool,
    BatchNorm,
    Concat,
    Conv,
    Dropout,
    LocalResponseNorm,
    MaxPool,
    Op,
    SliceChannels,
)

MOST = 4
"""Convolutions of more groups stay one box, such as those of ResNeXt."""
LEAST_KERNELS = 2
"""Towers have at least so many convolutions, each in its tower; a single one is a box that says its groups."""


@dataclasses.dataclass(frozen=True)
class Run:
    """Consecutive layers that fall into towers.

    Attributes:
        start: the position of the first node.
        stop: the position after the last one.
        groups: the number of towers.
        prefix: what the names of its nodes begin with.
    """

    start: int
    stop: int
    groups: int
    prefix: str


def in_towers(graph: Graph) -> Graph:
    """The network with convolutions in few groups, and the layers around them that keep channels apart, as towers: the
    same function, but for what `blurs` says. A convolution of all channels at the beginning of a tower is divided by
    its filters."""
    if not any(isinstance(node.op, Conv) and 1 < node.op.groups <= MOST for node in graph.nodes):
        return graph
    names = [node.name for node in graph.nodes]
    runs = {run.start: run for run in _runs(graph, nested(names, 1), "")}
    if not runs:
        return graph
    nodes: list[Node] = []
    moved: list[int] = []  # the position of each node of the graph among the new ones
    for position, node in enumerate(graph.nodes):
        if position in runs:
            moved += _write(graph, runs[position], nodes, moved)
        elif position >= len(moved):
            nodes.append(dataclasses.replace(node, inputs=tuple(moved[source] for source in node.inputs)))
            moved.append(len(nodes) - 1)
    return Graph(graph.name, tuple(nodes))


def blurs(graph: Graph) -> int:
    """How many channels of a neighbouring tower a local response normalisation in a tower of the drawing sees, although
    its box stands in that tower alone; 0 without one."""
    runs = _runs(graph, nested([node.name for node in graph.nodes], 1), "")
    ops = (node.op for run in runs for node in graph.nodes[run.start : run.stop])
    return max((op.radius for op in ops if isinstance(op, LocalResponseNorm)), default=0)


def _write(graph: Graph, run: Run, nodes: list[Node], moved: Sequence[int]) -> list[int]:
    """Adds the towers of a run; returns the positions that stand for those of its nodes."""
    taken = {node.name for node in graph.nodes}
    group = next(
        name for name in (f"{run.prefix}towers{number}" for number in count(1)) if not _is_taken(name, taken, nodes)
    )
    first = graph.nodes[run.start]
    entry, ends = moved[first.inputs[0]], []
    for tower in range(run.groups):
        prefix, last = f"{group}.tower{tower + 1}.", entry
        if not _is_whole(first.op):
            height, width, channels = nodes[entry].shape
            size = channels // run.groups
            part = SliceChannels(start=tower * size, stop=(tower + 1) * size)
            nodes.append(Node(f"{prefix}slice", part, (last,), (height, width, size), tower))
            last = len(nodes) - 1
        for node in graph.nodes[run.start : run.stop]:
            op, shape = node.op, (*node.shape[:2], node.shape[2] // run.groups)
            if isinstance(op, Conv):
                op = dataclasses.replace(op, filters=op.filters // run.groups, groups=1)
            nodes.append(Node(prefix + node.name.removeprefix(run.prefix), op, (last,), shape, tower))
            last = len(nodes) - 1
        ends.append(last)
    nodes.append(Node(f"{group}.concat", Concat(), tuple(ends), graph.nodes[run.stop - 1].shape))
    return [len(nodes) - 1] * (run.stop - run.start)


def _is_taken(name: str, names: set[str], nodes: Sequence[Node]) -> bool:
    within = f"{name}."
    return any(one == name or one.startswith(within) for one in (*names, *(node.name for node in nodes)))


# -- finding them ----------------------------------------------------------------------------------------------------


def _runs(graph: Graph, parts: Sequence[Nested], prefix: str) -> Iterator[Run]:
    """The runs among the parts of a group, and inside of them."""
    number = 0
    while number < len(parts):
        part = parts[number]
        if part.owner is None:
            yield from _runs(graph, part.inner, f"{part.path}.")
            number += 1
            continue
        ends = [(_end(graph, parts, number, groups), groups) for groups in range(2, MOST + 1)]
        end, groups = max(ends, key=lambda found: found[0])
        if end > number:
            yield Run(part.start, parts[end - 1].stop, groups, prefix)
        number = max(end, number + 1)


def _end(graph: Graph, parts: Sequence[Nested], first: int, groups: int) -> int:
    """The part after the last one of a run that begins with a part; the first part itself where none does."""
    end = first
    while end < len(parts) and _is_separable(graph, parts[end], groups, is_first=end == first):
        if end > first and not _follows(graph, parts[end - 1], parts[end]):
            break
        end += 1
    ops = [node.op for part in parts[first:end] for node in graph.nodes[part.start : part.stop]]
    kernels = [op for op in ops if isinstance(op, Conv)]
    grouped = [op for op in kernels if op.groups == groups]
    return end if grouped and len(kernels) >= LEAST_KERNELS else first


def _is_separable(graph: Graph, part: Nested, groups: int, is_first: bool) -> bool:
    """Whether a layer, with what is declared on it, keeps the groups of channels apart."""
    if part.owner is None:
        return False
    for position in range(part.start, part.stop):
        node = graph.nodes[position]
        starts = is_first and position == part.start and _is_whole(node.op)
        if len(node.shape) != 3 or node.shape[2] % groups or not (starts or _keeps_apart(node.op, groups)):
            return False
        if len(node.inputs) != 1 or (position > part.start and node.inputs != (position - 1,)):
            return False
        if graph.nodes[node.inputs[0]].shape[-1] % groups and not starts:
            return False
        if position < part.stop - 1 and graph.consumers[position] != (position + 1,):
            return False
    return True


def _is_whole(op: Op) -> bool:
    """Whether it is a convolution of all channels, with which towers may begin: each has a part of its filters."""
    return isinstance(op, Conv) and op.groups == 1


def _keeps_apart(op: Op, groups: int) -> bool:
    if isinstance(op, Conv):
        return op.groups == groups
    if isinstance(op, Activation):
        return op.acts_on == "elements"
    return isinstance(op, MaxPool | AvgPool | BatchNorm | Dropout | LocalResponseNorm)


def _follows(graph: Graph, first: Nested, second: Nested) -> bool:
    """Whether one layer takes the output of another, which nothing else takes."""
    last = first.stop - 1
    return second.start == first.stop and graph.consumers[last] == (second.start,)

"""A file's weights matched with a network: every tensor of both accounted for."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np

from archspec import Graph, Spec
from archspec.errors import argument_problem, file_problem
from archspec.ops import Shape
from archspec.wording import did_you_mean, quoted
from builder.network.model import graph_of
from builder.weights.layout import FeatureOrder, Unknown, arriving_orders, flattened_order, steps, to_keras
from builder.weights.pairing import Pairing, pair
from builder.weights.source import WeightsFile
from builder.weights.units import Part, Role, Unit, Units, units_of

Status = Literal["matched", "missing", "left over", "tie", "new", "replaced"]


@dataclass(frozen=True)
class Entry:
    """A tensor of the network (`ours`), of the file (`theirs`), or of both.

    Attributes:
        status: `matched`; `missing` or `left over` where the other has none; `tie` where several would fit and nothing
            decides; with a new head `new` for the network's and `replaced` for the file's.
        steps: what is done to the values; see `layout.steps`.
        rivals: the layers of the file that a tie is between.
    """

    status: Status
    role: Role
    ours: Part | None
    theirs: Part | None
    unit: Unit | None = None
    steps: tuple[str, ...] = ()
    rivals: tuple[str, ...] = ()


@dataclass(frozen=True)
class Matching:
    """What of a file goes where in a network.

    Attributes:
        entries: the network's tensors in its order, then what is left over of the file.
        orders: by layer, the order of the features that arrive; see `layout`.
    """

    graph: Graph
    source: WeightsFile
    entries: tuple[Entry, ...]
    orders: Mapping[str, FeatureOrder]

    @cached_property
    def counts(self) -> dict[Status, int]:
        """How many tensors of each status."""
        counts: dict[Status, int] = {}
        for entry in self.entries:
            counts[entry.status] = counts.get(entry.status, 0) + 1
        return counts

    @property
    def layers(self) -> frozenset[str]:
        """The network's layers that get weights of the file."""
        return frozenset(entry.unit.name for entry in self.entries if entry.status == "matched" and entry.unit)

    @property
    def head(self) -> str:
        """The name of the network's last layer with a kernel; empty where there is none."""
        units = units_of(self.graph)
        return "".join(units.units[index].name for index in last_kernel(units))

    @property
    def complete(self) -> bool:
        """Whether every tensor has its place; a new head is in its place."""
        return self.counts.keys() <= {"matched", "new", "replaced"}

    def tensors(self) -> Iterator[tuple[str, Role, np.ndarray]]:
        """The matched tensors: the layer's name here, the role, and the values as the layer's variable has them."""
        for entry in self.entries:
            if entry.status == "matched":
                assert entry.unit and entry.ours and entry.theirs and entry.theirs.values is not None
                order = self.orders[entry.unit.name]
                values = to_keras(entry.theirs.values, entry.role, self.source.layout, order, entry.ours.shape)
                yield entry.unit.name, entry.role, values


def match(
    network: str | os.PathLike[str] | Spec | Graph,
    source: WeightsFile,
    pairs: Mapping[str, str] | None = None,
    new_head: bool = False,
) -> Matching:
    """Matches a file's weights with a network; see `pairing.pair` for the rules.

    Args:
        pairs: a layer's name in the file and its name in the network, where the rules leave a tie.
        new_head: leave the network's last layer as it is initialised, whatever the file has there.

    Raises:
        UserError: a name in `pairs` does not exist, or the two layers differ in kind or size; or the file's layout has
            no counterpart here.
    """
    graph = graph_of(network)
    here, there = units_of(graph), source.layers
    orders = arriving_orders(graph)
    here = _as_convolutions(here, there, orders)
    head = last_kernel(here) if new_head else frozenset[int]()
    given = _given(here, there, source.name, graph.name, pairs or {})
    same = _same(here, there, head) if source.layout == "keras" else {}
    given = {a: b for a, b in same.items() if b not in given.values()} | given
    pairing = pair(here, there, given, head)
    entries = tuple(_entries(here, there, pairing, head, source, orders))
    return Matching(graph, source, entries, orders)


def _as_convolutions(here: Units, there: Units, orders: Mapping[str, FeatureOrder]) -> Units:
    """The network's layers, a dense one on a flattened picture with the size of the convolution over the whole picture
    that it equals, where the file has that."""
    kernels = {unit.size for unit in there.units if unit.kind == "kernel" and unit.size[:2] != (1, 1)}

    def sized(unit: Unit) -> Unit:
        order = orders[unit.name]
        if unit.kind == "kernel" and unit.size[:2] == (1, 1) and isinstance(order, np.ndarray):
            for size in kernels:
                positions = flattened_order(size[:3]) if size[3] == unit.size[3] else None
                if positions is not None and np.array_equal(order, positions):
                    return replace(unit, size=size)
        return unit

    return replace(here, units=tuple(map(sized, here.units)))


def last_kernel(units: Units) -> frozenset[int]:
    """The position of the last layer with a kernel, if there is one."""
    return frozenset([index for index, unit in enumerate(units.units) if unit.kind == "kernel"][-1:])


def _same(here: Units, there: Units, head: frozenset[int]) -> dict[int, int]:
    """Layers that have the same name and the same variables, as in a run's checkpoint."""
    known = {(unit.name, _variables(unit)): index for index, unit in enumerate(there.units)}
    keys = {index: (unit.name, _variables(unit)) for index, unit in enumerate(here.units) if index not in head}
    return {index: known[key] for index, key in keys.items() if key in known}


def _variables(unit: Unit) -> frozenset[tuple[Role, Shape]]:
    return frozenset((role, part.shape) for role, part in unit.parts.items())


def _given(here: Units, there: Units, file: str, network: str, pairs: Mapping[str, str]) -> dict[int, int]:
    positions = [{unit.name: i for i, unit in enumerate(units.units)} for units in (here, there)]
    given: dict[int, int] = {}
    for theirs, ours in pairs.items():
        for name, known, owner in ((theirs, positions[1], file), (ours, positions[0], network)):
            if name not in known:
                message = f"{owner} has no layer with weights named {quoted(name)}{did_you_mean(name, known)}"
                raise argument_problem(f"{theirs}={ours}", message)
        a, b = here.units[positions[0][ours]], there.units[positions[1][theirs]]
        if (a.kind, a.size) != (b.kind, b.size):
            raise argument_problem(f"{theirs}={ours}", f"{_words(b)} is not {_words(a)}")
        given[positions[0][ours]] = positions[1][theirs]
    return given


def _words(unit: Unit) -> str:
    return f"a {unit.kind} of {'x'.join(map(str, unit.size))}"


def _entries(
    here: Units,
    there: Units,
    pairing: Pairing,
    head: frozenset[int],
    source: WeightsFile,
    orders: Mapping[str, FeatureOrder],
) -> Iterator[Entry]:
    tied = {a: theirs for ours, theirs in pairing.ties for a in ours}
    left_over: list[Entry] = []
    for index, unit in enumerate(here.units):
        partner = there.units[pairing.pairs[index]].parts if index in pairing.pairs else {}
        for role, part in unit.parts.items():
            if index in tied:
                rivals = tuple(there.units[i].name for i in tied[index])
                yield Entry("tie", role, part, None, unit, rivals=rivals)
            elif index in head:
                yield Entry("new", role, part, None, unit)
            elif role not in partner:
                yield Entry("missing", role, part, None, unit)
            else:
                yield _matched(unit, role, part, partner[role], source, orders)
        left_over += [Entry("left over", role, None, part) for role, part in partner.items() if role not in unit.parts]
    yield from left_over
    undecided = {index for _, theirs in pairing.ties for index in theirs}
    free = [i for i in range(len(there.units)) if i not in undecided and i not in pairing.pairs.values()]
    old_heads = [i for i in free if there.units[i].kind == "kernel"]
    for index in free:
        replaced = bool(head) and old_heads == [index]
        for role, part in there.units[index].parts.items():
            yield Entry("replaced" if replaced else "left over", role, None, part)


def _matched(
    unit: Unit, role: Role, ours: Part, theirs: Part, source: WeightsFile, orders: Mapping[str, FeatureOrder]
) -> Entry:
    order = orders[unit.name]
    if isinstance(order, Unknown) and source.layout != "keras":
        message = "takes features that were reshaped or permuted, whose order in PyTorch no rule gives"
        raise file_problem(unit.name, message)
    return Entry("matched", role, ours, theirs, unit, steps(role, source.layout, order, theirs.shape, ours.shape))

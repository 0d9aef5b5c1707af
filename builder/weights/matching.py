"""A file's weights matched with a network, with every tensor of both accounted for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np

from archspec import Graph
from archspec.errors import argument_problem, file_problem
from archspec.network import Network, as_graph
from archspec.ops import Shape
from archspec.wording import did_you_mean, quoted
from builder.weights import names
from builder.weights.layout import FeatureOrder, Unknown, arriving_orders, flattened_order, steps, to_keras
from builder.weights.pairing import Pairing, pair
from builder.weights.source import WeightsFile
from builder.weights.units import NamedTensor, Role, Unit, Units, units_of

Status = Literal["matched", "missing", "left over", "tie", "new", "replaced", "ignored"]


@dataclass(frozen=True)
class Entry:
    """A tensor of the network (`ours`), a tensor of the file (`theirs`), or two that belong together.

    Attributes:
        status: `matched`; `missing` in the file or `left over` of it; `tie` where several tensors would fit and nothing
            decides; with a new head, `new` for the network's tensor and `replaced` for the file's; `ignored` for what
            belongs to a loss, not to a network.
        steps: what is done to the values, in words; see `layout.steps`.
        rivals: the layers of the file among which a tie is.
    """

    status: Status
    role: Role
    ours: NamedTensor | None
    theirs: NamedTensor | None
    unit: Unit | None = None
    steps: tuple[str, ...] = ()
    rivals: tuple[str, ...] = ()


@dataclass(frozen=True)
class Matching:
    """Which tensor of a file goes where in a network.

    Attributes:
        entries: the network's tensors in the network's order, then the tensors of the file that are left over.
        orders: for each layer, the order of the features that arrive; see `layout`.
    """

    graph: Graph
    source: WeightsFile
    entries: tuple[Entry, ...]
    orders: Mapping[str, FeatureOrder]

    @cached_property
    def counts(self) -> dict[Status, int]:
        """The number of tensors of each status."""
        counts: dict[Status, int] = {}
        for entry in self.entries:
            counts[entry.status] = counts.get(entry.status, 0) + 1
        return counts

    @property
    def layers(self) -> frozenset[str]:
        """The names of the network's layers that get weights from the file."""
        return frozenset(entry.unit.name for entry in self.entries if entry.status == "matched" and entry.unit)

    @property
    def head(self) -> str:
        """The name of the network's last layer with a kernel; empty if there is none."""
        units = units_of(self.graph)
        return "".join(units.units[index].name for index in last_kernel(units))

    @property
    def complete(self) -> bool:
        """Whether nothing is missing, left over or undecided. A head that starts from scratch counts as complete."""
        return self.counts.keys() <= {"matched", "new", "replaced", "ignored"}

    def tensors(self) -> Iterator[tuple[str, Role, np.ndarray]]:
        """The matched tensors: the layer's name in the network, the role, and the values as Keras stores them."""
        for entry in self.entries:
            if entry.status == "matched":
                assert entry.unit and entry.ours and entry.theirs and entry.theirs.values is not None
                order = self.orders[entry.unit.name]
                values = to_keras(entry.theirs.values, entry.role, self.source.layout, order, entry.ours.shape)
                yield entry.unit.name, entry.role, values


def match(
    network: Network,
    source: WeightsFile,
    pairs: Mapping[str, str] | None = None,
    new_head: bool = False,
) -> Matching:
    """Matches a file's weights with a network; `pairing.pair` has the rules.

    Args:
        network: a spec file's path, a spec, or a graph.
        pairs: layers' names in the file, each with the name of its layer in the network, where the rules leave a tie.
        new_head: leave the network's last layer as it is initialised, whatever the file has for it.

    Raises:
        FileError: a name in `pairs` does not exist, or its two layers differ in kind or size; or the weights are
            PyTorch's and depend on an order of features that is not known (see `layout`).
    """
    graph = as_graph(network)
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
    """The network's layers. A dense layer on a flattened picture gets the size of a convolution over the whole picture
    where the file has such a one, which computes the same."""
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
    """The position of the last layer with a kernel, in a set that is empty if there is none."""
    return frozenset([index for index, unit in enumerate(units.units) if unit.kind == "kernel"][-1:])


def _same(here: Units, there: Units, head: frozenset[int]) -> dict[int, int]:
    """Pairs of layers with equal names and equal variables, as in a run's checkpoint."""
    known = {(unit.name, _variables(unit)): index for index, unit in enumerate(there.units)}
    keys = {index: (unit.name, _variables(unit)) for index, unit in enumerate(here.units) if index not in head}
    return {index: known[key] for index, key in keys.items() if key in known}


def _variables(unit: Unit) -> frozenset[tuple[Role, Shape]]:
    return frozenset((role, tensor.shape) for role, tensor in unit.tensors.items())


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
        partner = there.units[pairing.pairs[index]].tensors if index in pairing.pairs else {}
        for role, tensor in unit.tensors.items():
            if index in tied:
                rivals = tuple(there.units[i].name for i in tied[index])
                yield Entry("tie", role, tensor, None, unit, rivals=rivals)
            elif index in head:
                yield Entry("new", role, tensor, None, unit)
            elif role not in partner:
                yield Entry("missing", role, tensor, None, unit)
            else:
                yield _matched(unit, role, tensor, partner[role], source, orders[unit.name])
        left_over += [
            Entry("left over", role, None, tensor) for role, tensor in partner.items() if role not in unit.tensors
        ]
    yield from left_over
    undecided = {index for _, theirs in pairing.ties for index in theirs}
    free = [i for i in range(len(there.units)) if i not in undecided and i not in pairing.pairs.values()]
    old_heads = [i for i in free if there.units[i].kind == "kernel"]
    of_loss = _names_of_loss(there) if len(pairing.pairs) + len(head) == len(here.units) else frozenset()
    for index in free:
        replaced = bool(head) and old_heads == [index]
        for role, tensor in there.units[index].tensors.items():
            status: Status = "ignored" if tensor.name in of_loss else "left over"
            yield Entry("replaced" if replaced else status, role, None, tensor)


def _names_of_loss(there: Units) -> frozenset[str]:
    """The tensors of a file that belong to a loss by their names. They are left over like any others where a layer of
    the network has no partner, which they might be."""
    every = [tensor.name for unit in there.units for tensor in unit.tensors.values()]
    parts = names.without_shared_parts(every)
    return frozenset(name for name, one in zip(every, parts, strict=True) if names.is_of_loss(one))


def _matched(
    unit: Unit,
    role: Role,
    ours: NamedTensor,
    theirs: NamedTensor,
    source: WeightsFile,
    order: FeatureOrder,
) -> Entry:
    if isinstance(order, Unknown) and not order.channels_kept and source.layout != "keras":
        cause = "it" if order.since == unit.name else f"'{order.since}'"
        message = (
            f"takes features in an order that is not known for PyTorch, which stores pictures channels first: {cause} "
            f"({order.kind}) depends on the order of the elements; take the weights from a file of Keras's instead"
        )
        raise file_problem(unit.name, message)
    return Entry("matched", role, ours, theirs, unit, steps(role, source.layout, order, theirs.shape, ours.shape))

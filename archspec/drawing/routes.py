"""Which way each tensor takes between the items of a stack: down the axis, into a row, or past items in a lane."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from archspec.drawing.arranging import Row, Stack, arranged
from archspec.drawing.blocks import Gate
from archspec.drawing.views import ENTRY, Edge, View


@dataclass
class Way:
    """The way of one tensor that passes items: down a lane, from one item of a stack to others.

    Attributes:
        source: the number of the item that it leaves, or -1 for what enters the stack.
        tensor: the position of the node whose output it is.
        ends: the items that it enters, each with the edge; the number of items stands for the end of the stack.
    """

    source: int
    tensor: int
    ends: list[tuple[int, Edge]] = field(default_factory=list)


class Routes:
    """The ways of all tensors in a stack, or in one of the branches in it.

    Attributes:
        view: the open part whose children stand there.
        items: from the top down, as in `Stack`.
        straight: the edges down the axis, by the number of the item below; the number of items for the last one.
        forks: the edges into a row, by its number.
        joins: the edges out of a row, by its number.
        ways: those that go down a lane.
        gates: for each item, the tensors from afar that enter or leave at the side of something in it.
        top_gates: those that enter an item in the gap above it, by its number.
        bottom_gates: those that leave an item in the gap below it, by its number.
        entering: the edges from lanes that end in the gap above an item, by its number.
    """

    def __init__(self, view: View, gates: Sequence[Gate] = (), stack: Stack | None = None):
        self.view = view
        self.edges = [edge for edge in view.edges if edge.source != ENTRY or edge.tensor == view.part.entry]
        stack = stack or self._arranged()
        self.items = stack.items
        self.place = {stack.entry: -1, stack.exit: len(self.items)}
        for number, item in enumerate(self.items):
            for child in item.children() if isinstance(item, Row) else (item,):
                self.place[child] = number
        self.straight: dict[int, Edge] = {}
        self.forks: dict[int, list[Edge]] = {}
        self.joins: dict[int, list[Edge]] = {}
        self.gates: list[list[Gate]] = [[] for _ in self.items]
        self.top_gates: dict[int, list[Gate]] = {}
        self.bottom_gates: dict[int, list[Gate]] = {}
        ways: dict[tuple[int, int], Way] = {}
        for gate in gates:
            child = next(i for i, one in enumerate(view.children) if one.part.start <= gate.node < one.stop)
            if child in self.place:
                self._add_gate(self.place[child], gate)
        self._sort_edges(ways)
        self.ways = list(ways.values())
        self.entering = self._entering_at_top()

    def _arranged(self) -> Stack:
        irregular = {(edge.source, edge.target) for edge in self.edges if not self._is_plain(edge)}
        links = [(edge.source, edge.target) for edge in self.edges]
        return arranged(len(self.view.children), links, lambda a, b: (a, b) not in irregular)

    def leaves_at_bottom(self, edge: Edge) -> bool:
        """Whether an edge is the main output of its source."""
        return edge.source == ENTRY or edge.tensor == self.view.children[edge.source].exit

    def enters_at_top(self, edge: Edge) -> bool:
        """Whether an edge is the main input of its target; a box has no other."""
        if edge.target == len(self.view.children):
            return True
        target = self.view.children[edge.target]
        return not target.is_open or edge.tensor == target.part.entry

    def _is_plain(self, edge: Edge) -> bool:
        return self.leaves_at_bottom(edge) and self.enters_at_top(edge)

    def _add_gate(self, number: int, gate: Gate) -> None:
        """Says where a tensor from afar enters or leaves an item: in the gap above it or below it, or at the side of
        something inside."""
        item, chosen = self.items[number], self.gates[number]
        if not isinstance(item, Row):
            child = self.view.children[item]
            if gate.consumer is None and gate.tensor == child.exit:
                chosen = self.bottom_gates.setdefault(number, [])
            elif gate.consumer is not None and child.is_open and gate.tensor == child.part.entry:
                chosen = self.top_gates.setdefault(number, [])
        if gate not in chosen:
            chosen.append(gate)

    def _sort_edges(self, ways: dict[tuple[int, int], Way]) -> None:
        """Says of each edge between the items how it is drawn."""
        for edge in self.edges:
            if edge.source not in self.place or edge.target not in self.place:
                continue
            source, target = self.place[edge.source], self.place[edge.target]
            if source == target or (source, target) == (-1, len(self.items)):
                continue
            if source >= 0 and isinstance(self.items[source], Row):
                self.joins.setdefault(source, []).append(edge)
            elif target < len(self.items) and isinstance(self.items[target], Row):
                self.forks.setdefault(target, []).append(edge)
            elif target == source + 1 and self._is_plain(edge) and target not in self.straight:
                self.straight[target] = edge
            else:
                way = ways.setdefault((source, edge.tensor), Way(source, edge.tensor))
                way.ends.append((target, edge))
                if not self.leaves_at_bottom(edge):
                    self._add_gate(source, Gate(edge.tensor))
                if not self.enters_at_top(edge):
                    self._add_gate(target, Gate(edge.tensor, edge.consumer))

    def _entering_at_top(self) -> dict[int, Edge]:
        """For each item that nothing enters straight, the tensor that comes from a lane into the gap above it."""
        entering: dict[int, Edge] = {}
        for way in self.ways:
            for target, edge in way.ends:
                is_taken = target in self.straight or target in entering or target - 1 in self.joins
                if target == len(self.items) or (not is_taken and self.enters_at_top(edge)):
                    entering.setdefault(target, edge)
        return entering

    def starts_at_side(self, way: Way) -> bool:
        """Whether a way begins at the side of something inside of its item, not below the item."""
        return way.source >= 0 and Gate(way.tensor) in self.gates[way.source]

    def ends_above(self, target: int, edge: Edge) -> bool:
        """Whether a way ends in the gap above an item, or at the end of the stack."""
        return target == len(self.items) or self.entering.get(target) is edge

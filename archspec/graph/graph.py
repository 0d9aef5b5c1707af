"""The graph of primitives that a spec lowers to; analysis and compiler work on it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from archspec.ops import Op, Shape


@dataclass(frozen=True, slots=True)
class Node:
    """One operation. `inputs` are positions of earlier nodes in the graph; `shape` leaves out the batch."""

    name: str
    op: Op
    inputs: tuple[int, ...]
    shape: Shape


@dataclass(frozen=True)
class Graph:
    """Operations in order: each after its inputs, the picture first, the output last."""

    name: str
    nodes: tuple[Node, ...]

    @property
    def input(self) -> Node:
        return self.nodes[0]

    @property
    def output(self) -> Node:
        return self.nodes[-1]

    def input_shapes(self, node: Node) -> list[Shape]:
        return [self.nodes[index].shape for index in node.inputs]

    @cached_property
    def consumers(self) -> tuple[tuple[int, ...], ...]:
        """For each node, the positions of the nodes that take its output."""
        consumers: list[list[int]] = [[] for _ in self.nodes]
        for position, node in enumerate(self.nodes):
            for index in node.inputs:
                consumers[index].append(position)
        return tuple(map(tuple, consumers))

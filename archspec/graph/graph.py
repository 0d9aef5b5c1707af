"""The graph of primitives that a spec expands to: what the analysis and the compiler read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from archspec.ops import Op, Shape


@dataclass(frozen=True, slots=True)
class Node:
    """One operation of a graph.

    Attributes:
        name: unique in the graph, such as `stage1.block2.conv1`.
        op: the primitive with its fields, such as a convolution's kernel and stride.
        inputs: the positions of the nodes whose outputs it takes, all of them earlier in the graph.
        shape: of its output, without the batch: (height, width, channels), or (features,).
        tower: the number, from 0, of the tower that it belongs to, of the outermost `towers` around it; None outside.
    """

    name: str
    op: Op
    inputs: tuple[int, ...]
    shape: Shape
    tower: int | None = None


@dataclass(frozen=True)
class Graph:
    """A network as primitives.

    Attributes:
        name: the network's name.
        nodes: the operations in order, each after its inputs; the first is the picture, the last the output.
        kinds: the words of the spec for the blocks and structures that they stand in, by the name that theirs begin
            with: `stage1.block2` is a `bottleneck`. It says nothing more of what the network computes.
    """

    name: str
    nodes: tuple[Node, ...]
    kinds: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)

    @property
    def input(self) -> Node:
        """The picture."""
        return self.nodes[0]

    @property
    def output(self) -> Node:
        """The last operation."""
        return self.nodes[-1]

    @property
    def towers(self) -> int:
        """The largest number of towers in one `towers` that stands in no other; 0 where there are none."""
        return max((node.tower + 1 for node in self.nodes if node.tower is not None), default=0)

    def input_shapes(self, node: Node) -> list[Shape]:
        """The shapes that a node takes, without the batch."""
        return [self.nodes[index].shape for index in node.inputs]

    @cached_property
    def consumers(self) -> tuple[tuple[int, ...], ...]:
        """For each node, the positions of the nodes that take its output."""
        consumers: list[list[int]] = [[] for _ in self.nodes]
        for position, node in enumerate(self.nodes):
            for index in node.inputs:
                consumers[index].append(position)
        return tuple(map(tuple, consumers))

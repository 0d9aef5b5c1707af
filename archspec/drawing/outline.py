"""A network as a tree of parts: groups by the names of its operations, and layers with what is declared on them.

A part knows its numbers and what enters and leaves it. `archspec.drawing.views` says which parts a drawing opens.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from archspec.analysis import Analysis, LayerAnalysis, analyse_graph
from archspec.graph.graph import Graph
from archspec.nesting import Nested, nested
from archspec.ops import Activation, Add, Concat, Multiply, Op, Shape
from archspec.receptive_fields import Distance

MERGES = (Add, Multiply, Concat)
BYTES = 4
"""Bytes of one element of an activation: a drawing counts memory in float32."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a network: a layer, or a group of parts. The network itself is the outermost group, with the path "".

    Counts are for one picture.

    Attributes:
        path: the name of the layer or group, such as `stage1.block2`.
        label: its name in the group around it, such as `block2`.
        start: the position of its first node in the graph.
        stop: the position after its last node.
        entry: the position of the node whose output enters it, outside of it. Where there are several, the last one, as
            the others are references from far away.
        exit: the position of the node in it whose output leaves it, the last one if there are several.
        shape_in: the shape of what enters, without the batch.
        shape: the shape of what leaves.
        parameters: all weights, trainable or not.
        macs: multiply-accumulates.
        memory: bytes of its outputs, those inside of it included, which a training step keeps for the gradient.
        field: (height, width) of the receptive field of what leaves, in input pixels.
        stride: (vertical, horizontal) of what leaves, in input pixels; None where there is no picture.
        ops: for a layer, its operation and those declared on it, in order; empty for a group.
        children: for a group, its parts in order; empty for a layer.
    """

    path: str
    label: str
    start: int
    stop: int
    entry: int
    exit: int
    shape_in: Shape
    shape: Shape
    parameters: int
    macs: int
    memory: int
    field: tuple[int, int]
    stride: tuple[Distance, Distance] | None
    ops: tuple[Op, ...] = ()
    children: tuple[Part, ...] = ()

    @property
    def is_layer(self) -> bool:
        """Whether it is one layer, which cannot be opened."""
        return not self.children

    @property
    def is_merge(self) -> bool:
        """Whether it is a layer that joins several tensors."""
        return bool(self.ops) and isinstance(self.ops[0], MERGES)


@dataclass(frozen=True)
class Outline:
    """A network as a tree of parts.

    Attributes:
        graph: its operations.
        analysis: their numbers.
        root: the network as a part; the picture, node 0, is what enters it.
        depth: layers with weights on the longest way from the picture to the output, as in the name ResNet-34.
    """

    graph: Graph
    analysis: Analysis
    root: Part
    depth: int

    def name(self, node: int) -> str:
        """The name of a node."""
        return self.graph.nodes[node].name


def outline(graph: Graph) -> Outline:
    """The tree of a network's parts."""
    analysis = analyse_graph(graph)
    return Outline(graph, analysis, _Reader(graph, analysis.layers).root(), weighted_layers(graph))


def weighted_layers(graph: Graph) -> int:
    """How many layers with a kernel stand on the longest way from the picture to the output: 34 for ResNet-34, whose
    projections are on no such way (He et al. 2015, arXiv:1512.03385, table 1)."""
    depths: list[int] = []
    for node in graph.nodes:
        depths.append(max((depths[source] for source in node.inputs), default=0) + node.op.has_kernel)
    return depths[-1]


class _Reader:
    """Makes the parts of a graph. Sums over nodes are differences of running sums, so that a part takes no time."""

    def __init__(self, graph: Graph, layers: Sequence[LayerAnalysis]):
        self.graph, self.layers = graph, layers
        self.names = [node.name for node in graph.nodes]
        self.parameters = _running(one.trainable_parameters + one.non_trainable_parameters for one in layers)
        self.macs = _running(one.macs for one in layers)
        self.memory = _running(BYTES * math.prod(one.output_shape) for one in layers)

    def root(self) -> Part:
        return self.group("", "", nested(self.names, 1), 1, len(self.names))

    def group(self, path: str, label: str, inner: Iterable[Nested], start: int, stop: int) -> Part:
        children: list[Part] = []
        prefix = f"{path}." if path else ""
        for one in inner:
            if one.owner is not None:
                children += self.layer(one, one.path.removeprefix(prefix))
            elif len(one.inner) == 1 and one.inner[0].owner is not None:  # a group of one layer is that layer
                children += self.layer(one.inner[0], one.inner[0].path.removeprefix(prefix))
            else:
                children.append(self.group(one.path, one.path.removeprefix(prefix), one.inner, one.start, one.stop))
        return self.part(path, label, start, stop, (), _with_activations(children, self.graph))

    def layer(self, one: Nested, label: str) -> list[Part]:
        """A layer; before it, what merges its inputs, which the graph names after it."""
        owner = one.owner or one.start
        before = [
            self.part(self.names[i], f"{label}.{self.names[i].rpartition('.')[2]}", i, i + 1, (self.graph.nodes[i].op,))
            for i in range(one.start, owner)
        ]
        ops = tuple(node.op for node in self.graph.nodes[owner : one.stop])
        return [*before, self.part(one.path, label, owner, one.stop, ops)]

    def part(
        self, path: str, label: str, start: int, stop: int, ops: tuple[Op, ...], children: tuple[Part, ...] = ()
    ) -> Part:
        nodes, consumers = self.graph.nodes, self.graph.consumers
        entry = max((source for node in nodes[start:stop] for source in node.inputs if source < start), default=0)
        outgoing = (i for i in range(stop - 1, start - 1, -1) if not consumers[i] or consumers[i][-1] >= stop)
        leaving = next(outgoing, stop - 1)
        last = self.layers[leaving - 1]
        return Part(
            path=path,
            label=label,
            start=start,
            stop=stop,
            entry=entry,
            exit=leaving,
            shape_in=nodes[entry].shape,
            shape=nodes[leaving].shape,
            parameters=self.parameters[stop - 1] - self.parameters[start - 1],
            macs=self.macs[stop - 1] - self.macs[start - 1],
            memory=self.memory[stop - 1] - self.memory[start - 1],
            field=last.receptive_field,
            stride=last.stride,
            ops=ops,
            children=children,
        )


def _running(counts: Iterable[int]) -> list[int]:
    return list(itertools.accumulate(counts, initial=0))


def _with_activations(parts: Sequence[Part], graph: Graph) -> tuple[Part, ...]:
    """The parts of a group, with the activation that is declared on a residual as part of the layer before it: of the
    sum, or in a plain network of the last layer."""
    joined: list[Part] = []
    for part in parts:
        before = joined[-1] if joined else None
        is_declared = part.label == "activation" and len(part.ops) == 1 and isinstance(part.ops[0], Activation)
        if before is not None and before.is_layer and is_declared and graph.consumers[before.exit] == (part.start,):
            joined[-1] = _joined(before, part)
        else:
            joined.append(part)
    return tuple(joined)


def _joined(first: Part, second: Part) -> Part:
    """Two layers as one, with the name of the first."""
    return replace(
        first,
        stop=second.stop,
        exit=second.exit,
        shape=second.shape,
        parameters=first.parameters + second.parameters,
        macs=first.macs + second.macs,
        memory=first.memory + second.memory,
        field=second.field,
        stride=second.stride,
        ops=(*first.ops, *second.ops),
    )

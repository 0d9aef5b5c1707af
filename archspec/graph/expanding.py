"""Expands layers into a graph of primitives, inferring shapes on the way."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from archspec.errors import SpecError, Where
from archspec.graph.building import UNKNOWN, GraphBuilder, Scope, given_names
from archspec.graph.graph import Graph, Node
from archspec.layers.reading import Layer, Structure
from archspec.layers.structures import Parallel, PreparedResidual, Towers
from archspec.ops import PRIMITIVES, Add, Concat, Input, MaxPool, Op, PadChannels, Shape, SliceChannels, UpSample, show
from archspec.ops.base import WindowedOp, arriving

MAX_PLACED = 100_000
"""How many layers may be placed, including those without an operation of their own, such as an empty `sequence`."""


def expand(name: str, picture: Shape, layers: Sequence[Layer], where: Where, needs_logits: bool = False) -> Graph:
    """The graph of a network.

    Args:
        name: the network's name.
        picture: the input's shape, without the batch.
        layers: the layers in order.
        where: the address of the list of layers, for problems that concern the whole network.
        needs_logits: whether a network that ends in probabilities is a mistake.

    Raises:
        SpecError: layers that do not fit the shapes that arrive, references to no earlier layer, names used twice,
            layers whose output nothing uses, or more than `MAX_NODES` operations.
    """
    expander = Expander()
    expander.nodes.append(Node("input", Input(size=picture), (), picture))
    output = expander.place_all(layers, 0, Scope("", 0))
    if not expander.problems:
        expander.check_all_used(output, where)
    if needs_logits and not expander.problems:
        expander.check_logits(output)
    if expander.problems:
        raise SpecError(expander.problems)
    return Graph(name, tuple(expander.nodes), expander.kinds)


def _kind_of_scope(layer: Layer) -> str:
    """What the layers inside a layer stand in, for those that take its input by `from`: the copies of a `repeat` are
    sequences, but nobody wrote these."""
    if isinstance(layer.content, Structure):
        return layer.kind
    if layer.kind != "sequence":
        return "block"
    return "repeat" if layer.where.path.startswith("repeat.") else "sequence"


class Expander(GraphBuilder):
    # -- layers --------------------------------------------------------------------------------------------------

    def place_all(self, layers: Sequence[Layer], entry: int, scope: Scope) -> int:
        """Places layers one after the other; returns the position of the last output."""
        around, scope.layers = scope.layers, layers
        scope.given.update(given_names(layers))
        for layer in layers:
            entry = self.place(layer, entry, scope)
        scope.layers = around
        return entry

    def place(self, layer: Layer, entry: int, scope: Scope, alias: str | None = None) -> int:
        """Places one layer after the node at `entry`, or after those it names; returns the position of its output.

        `alias` is its full name, where it takes the name of the block around it.
        """
        content = layer.content
        self.placed += 1
        if self.placed > MAX_PLACED:
            self.stop(layer, f"the network unfolds to more than {MAX_PLACED:,} layers, the limit")
        if isinstance(content, tuple) and not layer.scoped:
            inputs = self.sources(layer, entry, scope)
            return self.place_all(content, self.merged(inputs, layer, scope.prefix + layer.kind), scope)
        name = scope.full_name(layer, alias)
        name = self.free(name, layer)
        inputs = self.sources(layer, entry, scope)
        if isinstance(content, Op):
            if not content.many_inputs:
                inputs = [self.merged(inputs, layer, name)]
            elif len(inputs) < 2:
                self.fail(layer, f"{layer.kind} merges several layers; name them with 'from: [a, b]'")
                inputs = [UNKNOWN]
            output = self.add(name, content, inputs, layer)
            inner = Scope(f"{name}.", output, scope, layer.kind)
        else:
            entry = self.merged(inputs, layer, name)
            inner = Scope(f"{name}.", entry, scope, _kind_of_scope(layer))
            output = self.place_content(layer, entry, inner, name)
            self.kinds[name] = layer.kind
        output = self.place_all(layer.then, output, inner)
        self.outputs[name] = output
        self.named.setdefault(name, layer)
        return output

    def place_content(self, layer: Layer, entry: int, scope: Scope, name: str) -> int:
        match layer.content:
            case [Layer(name=None) as only]:  # a block of one layer is that layer
                return self.place(only, entry, scope, alias=name)
            case tuple() as layers:
                return self.place_all(layers, entry, scope)
            case Parallel() as parallel:
                outputs = [
                    self.place_all(branch, entry, Scope(f"{scope.prefix}branch{i}.", entry, scope, "parallel"))
                    for i, branch in enumerate(parallel.branches, 1)
                ]
                return self.add(f"{name}.{parallel.merge}", PRIMITIVES[parallel.merge](), outputs, layer)
            case PreparedResidual() as residual:
                return self.place_residual(residual, layer, entry, scope)
            case Towers() as towers:
                return self.place_towers(towers, layer, entry, scope)
        raise AssertionError(layer.content)

    def place_residual(self, residual: PreparedResidual, layer: Layer, entry: int, scope: Scope) -> int:
        output = self.place_all(residual.layers, entry, scope)
        if residual.shortcut != "none":
            shortcut = self.place_shortcut(residual, layer, entry, output, scope)
            output = self.add_shortcut(residual, layer, output, shortcut, scope)
        return self.place_all(residual.after, output, scope)

    def add_shortcut(self, residual: PreparedResidual, layer: Layer, output: int, shortcut: int, scope: Scope) -> int:
        if UNKNOWN not in (output, shortcut) and self.nodes[shortcut].shape != self.nodes[output].shape:
            given, needed = show(self.nodes[shortcut].shape), show(self.nodes[output].shape)
            message = f"the shortcut gives {given} and the layers {needed}; they must be equal to be added"
            if residual.shortcut == "identity":
                message += "; 'projection' and 'pad' change the shape"
            elif not isinstance(residual.shortcut, tuple) and len(self.nodes[output].shape) == 3:
                message += f"; '{residual.shortcut}' only divides the size, as strides with padding 'same' do"
            return self.fail(layer, message, "shortcut", (output, shortcut), scope.prefix[:-1])
        return self.add(f"{scope.prefix}add", Add(), [output, shortcut], layer)

    def place_shortcut(self, residual: PreparedResidual, layer: Layer, entry: int, output: int, scope: Scope) -> int:
        if isinstance(residual.shortcut, tuple):
            return self.place_all(residual.shortcut, entry, Scope(f"{scope.prefix}shortcut.", entry, scope, "residual"))
        if UNKNOWN in (entry, output):
            return UNKNOWN
        shape, target = self.nodes[entry].shape, self.nodes[output].shape
        if shape == target or residual.shortcut == "identity" or len(shape) != 3 or len(target) != 3:
            return entry  # the caller reports shapes that differ
        stride = self.stride_between(entry, output)
        if residual.shortcut == "projection":
            return self.place(residual.projected(target[2], stride), entry, scope)
        if shape[2] > target[2]:
            message = f"a shortcut of 'pad' cannot go from {shape[2]} channels to {target[2]}; 'projection' can"
            return self.fail(layer, message, "shortcut", (entry,), scope.prefix[:-1])
        if stride != (1, 1):
            subsample = MaxPool(size=(1, 1), stride=stride)
            entry = self.add(f"{scope.prefix}shortcut.subsample", subsample, [entry], layer)
        if shape[2] < target[2]:
            pad = PadChannels(after=target[2] - shape[2])
            entry = self.add(f"{scope.prefix}shortcut.pad", pad, [entry], layer)
        return entry

    def stride_between(self, entry: int, output: int) -> tuple[int, int]:
        """The product of the strides between two nodes, divided by the factors of up-sampling; at least 1."""
        strides = [Fraction(1), Fraction(1)]
        index = output
        while index > entry:
            node = self.nodes[index]
            if isinstance(node.op, WindowedOp | UpSample):
                windows = node.op.windows([self.nodes[i].shape for i in node.inputs])
                strides = [a * window.stride for a, window in zip(strides, windows or (), strict=True)]
            index = node.inputs[0]
        return max(1, math.ceil(strides[0])), max(1, math.ceil(strides[1]))

    def place_towers(self, towers: Towers, layer: Layer, entry: int, scope: Scope) -> int:
        width = self.tower_width(towers, layer, entry)
        if width is None:
            self.place_all(towers.layers, UNKNOWN, Scope(f"{scope.prefix}tower1.", UNKNOWN, scope, "towers"))
            return UNKNOWN
        outputs, around = [], self.tower
        for i in range(towers.count):
            prefix, start = f"{scope.prefix}tower{i + 1}.", entry
            if towers.input == "split":
                part = SliceChannels(start=i * width, stop=(i + 1) * width)
                start = self.add(f"{prefix}slice", part, [entry], layer)
            self.tower = i if around is None else around
            outputs.append(self.place_all(towers.layers, start, Scope(prefix, start, scope, "towers")))
            self.tower = around
        if len(outputs) == 1:
            return outputs[0]
        return self.add(f"{scope.prefix}concat", Concat(), outputs, layer)

    def tower_width(self, towers: Towers, layer: Layer, entry: int) -> int | None:
        """The channels that one tower takes, or None where the channels cannot be split, which is reported."""
        if entry == UNKNOWN:
            return None
        shape = self.nodes[entry].shape
        if towers.input == "whole":
            return shape[-1]
        if len(shape) != 3:
            message = (
                f"towers needs a picture (height x width x channels) to split, and {arriving(shape)} arrives here; "
                "with 'input: whole' each tower takes all of it"
            )
            self.fail(layer, message, None, (entry,))
            return None
        if shape[2] % towers.count:
            message = (
                f"count={towers.count} does not divide the {shape[2]} channels that arrive here; with 'input: whole' "
                "each tower takes all of them"
            )
            self.fail(layer, message, "count", (entry,))
            return None
        return shape[2] // towers.count

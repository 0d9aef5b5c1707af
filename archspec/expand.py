"""Lowering: places layers into a graph of primitives, inferring shapes on the way."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NoReturn

from archspec.errors import Problem, SpecError, Where, did_you_mean
from archspec.graph import Graph, Node
from archspec.layers import Layer
from archspec.ops import (
    PRIMITIVES,
    Add,
    Concat,
    Input,
    MaxPool,
    Op,
    PadChannels,
    Shape,
    ShapeError,
    SliceChannels,
    show,
)
from archspec.structures import Parallel, PreparedResidual, Towers

MAX_NODES = 50_000
MAX_ELEMENTS = 2**34
TRACE_LENGTH = 5


def expand(name: str, picture: Shape, layers: Sequence[Layer], where: Where) -> Graph:
    """The graph of a network.

    Args:
        name: the network's name.
        picture: the input's shape, without the batch.
        layers: the layers in order.
        where: the address of the list of layers, for problems of the network as a whole.

    Raises:
        SpecError: a layer that does not fit what arrives, a reference to no earlier layer, a name used twice, a
            layer whose output nothing uses, or more than `MAX_NODES` operations.
    """
    expander = _Expander()
    expander.nodes.append(Node("input", Input(size=picture), (), picture))
    output = expander.place_all(layers, 0, _Scope("", 0))
    graph = Graph(name, tuple(expander.nodes))
    expander.check_all_used(output, where)
    return graph


@dataclass
class _Scope:
    """Where names are looked up and numbered: a block, or the whole network."""

    prefix: str
    entry: int
    parent: _Scope | None = None
    counters: dict[str, int] = field(default_factory=dict)

    def numbered(self, stem: str) -> int:
        self.counters[stem] = self.counters.get(stem, 0) + 1
        return self.counters[stem]

    def full_name(self, layer: Layer, alias: str | None) -> str:
        name = layer.name or f"{layer.kind}#"
        if alias is not None:
            return alias
        if "#" in name:
            name = name.replace("#", str(self.numbered(name)), 1)
        return self.prefix + name


class _Expander:
    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.places: list[Where | None] = [None]
        self.outputs: dict[str, int] = {}

    # -- layers --------------------------------------------------------------------------------------------------

    def place_all(self, layers: Sequence[Layer], entry: int, scope: _Scope) -> int:
        """Places layers one after the other; the position of the last one's output."""
        for layer in layers:
            entry = self.place(layer, entry, scope)
        return entry

    def place(self, layer: Layer, entry: int, scope: _Scope, alias: str | None = None) -> int:
        """Places one layer behind the node at `entry`, or behind those it names. `alias` is a full name for it."""
        content = layer.content
        if isinstance(content, tuple) and not layer.scoped:
            inputs = self.sources(layer, entry, scope)
            return self.place_all(content, self.merged(inputs, layer, scope.prefix + layer.kind), scope)
        name = scope.full_name(layer, alias)
        if name in self.outputs:
            self.fail(layer, f"the name '{name}' is used twice; give one of the layers another name", "name")
        inputs = self.sources(layer, entry, scope)
        if isinstance(content, Op):
            if not content.many_inputs:
                inputs = [self.merged(inputs, layer, name)]
            elif len(inputs) < 2:
                self.fail(layer, f"{layer.kind} merges several layers; name them with 'from: [a, b]'")
            output = self.add(name, content, inputs, layer)
            inner = _Scope(f"{name}.", output, scope)
        else:
            entry = self.merged(inputs, layer, name)
            inner = _Scope(f"{name}.", entry, scope)
            output = self.place_content(layer, entry, inner, name)
        output = self.place_all(layer.then, output, inner)
        self.outputs[name] = output
        return output

    def place_content(self, layer: Layer, entry: int, scope: _Scope, name: str) -> int:
        match layer.content:
            case [Layer(name=None) as only]:  # a block of one layer is that layer
                return self.place(only, entry, scope, alias=name)
            case tuple() as layers:
                return self.place_all(layers, entry, scope)
            case Parallel() as parallel:
                outputs = [
                    self.place_all(branch, entry, _Scope(f"{scope.prefix}branch{i}.", entry, scope))
                    for i, branch in enumerate(parallel.branches, 1)
                ]
                return self.add(f"{name}.{parallel.merge}", PRIMITIVES[parallel.merge](), outputs, layer)
            case PreparedResidual() as residual:
                return self.place_residual(residual, layer, entry, scope)
            case Towers() as towers:
                return self.place_towers(towers, layer, entry, scope)
        raise AssertionError(layer.content)

    def place_residual(self, residual: PreparedResidual, layer: Layer, entry: int, scope: _Scope) -> int:
        output = self.place_all(residual.layers, entry, scope)
        if residual.shortcut != "none":
            shortcut = self.place_shortcut(residual, layer, entry, self.nodes[output].shape, scope)
            if self.nodes[shortcut].shape != self.nodes[output].shape:
                self.fail(
                    layer,
                    f"the shortcut gives {show(self.nodes[shortcut].shape)} and the layers "
                    f"{show(self.nodes[output].shape)}; they must be equal to be added",
                    "shortcut",
                    output,
                )
            output = self.add(f"{scope.prefix}add", Add(), [output, shortcut], layer)
        return self.place_all(residual.after, output, scope)

    def place_shortcut(self, residual: PreparedResidual, layer: Layer, entry: int, target: Shape, scope: _Scope) -> int:
        shape = self.nodes[entry].shape
        if isinstance(residual.shortcut, tuple):
            return self.place_all(residual.shortcut, entry, _Scope(f"{scope.prefix}shortcut.", entry, scope))
        if shape == target:
            return entry
        if residual.shortcut == "identity" or len(shape) != 3 or len(target) != 3:
            return entry  # the caller reports the two shapes
        stride = (-(-shape[0] // target[0]), -(-shape[1] // target[1]))
        if residual.shortcut == "projection":
            return self.place(residual.projected(target[2], stride), entry, scope)
        if shape[2] > target[2]:
            self.fail(
                layer, f"a shortcut of 'pad' cannot go from {shape[2]} channels to {target[2]}", "shortcut", entry
            )
        if stride != (1, 1):
            subsample = MaxPool(size=(1, 1), stride=stride)
            entry = self.add(f"{scope.prefix}shortcut.subsample", subsample, [entry], layer)
        if shape[2] < target[2]:
            pad = PadChannels(after=target[2] - shape[2])
            entry = self.add(f"{scope.prefix}shortcut.pad", pad, [entry], layer)
        return entry

    def place_towers(self, towers: Towers, layer: Layer, entry: int, scope: _Scope) -> int:
        channels = self.nodes[entry].shape[-1]
        if channels % towers.count:
            self.fail(
                layer, f"count={towers.count} does not divide the {channels} channels that arrive here", "count", entry
            )
        width = channels // towers.count
        outputs = []
        for i in range(towers.count):
            tower = _Scope(f"{scope.prefix}tower{i + 1}.", entry, scope)
            part = SliceChannels(start=i * width, stop=(i + 1) * width)
            start = self.add(f"{tower.prefix}slice", part, [entry], layer)
            outputs.append(self.place_all(towers.layers, start, tower))
        if len(outputs) == 1:
            return outputs[0]
        return self.add(f"{scope.prefix}concat", Concat(), outputs, layer)

    # -- nodes and references --------------------------------------------------------------------------------------

    def add(self, name: str, op: Op, inputs: Sequence[int], layer: Layer) -> int:
        """Adds an operation; reports it at the layer it comes from if it does not fit."""
        if name in self.outputs:
            self.fail(layer, f"the name '{name}' is used twice; give one of the layers another name", "name")
        try:
            shape = op.shape([self.nodes[index].shape for index in inputs])
        except ShapeError as error:
            self.fail(layer, str(error), error.field, inputs[0])
        if math.prod(shape) > MAX_ELEMENTS:
            self.fail(
                layer, f"the output {show(shape)} has more than {MAX_ELEMENTS:,} elements, the limit", None, inputs[0]
            )
        if len(self.nodes) >= MAX_NODES:
            self.fail(layer, f"the network has more than {MAX_NODES:,} operations, the limit")
        self.nodes.append(Node(name, op, tuple(inputs), shape))
        self.places.append(layer.where)
        self.outputs[name] = len(self.nodes) - 1
        return len(self.nodes) - 1

    def merged(self, inputs: Sequence[int], layer: Layer, name: str) -> int:
        if len(inputs) == 1:
            return inputs[0]
        return self.add(f"{name}.{layer.merge}", PRIMITIVES[layer.merge](), inputs, layer)

    def sources(self, layer: Layer, entry: int, scope: _Scope) -> list[int]:
        if not layer.sources:
            return [entry]
        return [self.resolved(reference, layer, scope) for reference in layer.sources]

    def resolved(self, reference: str, layer: Layer, scope: _Scope) -> int:
        """The node that a reference names: looked up in the block, then in what surrounds it."""
        around: _Scope | None = scope
        while around is not None:
            if reference == "input":
                return around.entry
            if around.prefix + reference in self.outputs:
                return self.outputs[around.prefix + reference]
            around = around.parent
        hint = did_you_mean(reference, [*(name.removeprefix(scope.prefix) for name in self.outputs), "input"])
        self.fail(layer, f"no earlier layer is named '{reference}'{hint}", "from")

    def check_all_used(self, output: int, where: Where) -> None:
        """Every operation must lead to the output, which must be the last one."""
        used = {output}
        for index in range(len(self.nodes) - 1, -1, -1):
            if index in used:
                used.update(self.nodes[index].inputs)
            elif index:
                name = self.nodes[index].name
                raise SpecError(
                    [
                        Problem(
                            self.places[index] or where,
                            f"nothing uses the output of '{name}'; refer to it with 'from', or remove it",
                        )
                    ]
                )
        if 0 not in used:
            raise SpecError([Problem(where, "no layer uses the input")])

    # -- problems ----------------------------------------------------------------------------------------------------

    def fail(self, layer: Layer, message: str, key: str | None = None, entry: int | None = None) -> NoReturn:
        notes = (self.trace(entry, layer),) if entry is not None else ()
        where = layer.where
        child = layer.fields.value.get(key) if key and isinstance(layer.fields.value, dict) else None
        if child is not None and child.span is not None:
            where = dataclasses.replace(where, span=child.span)
        elif key in layer.fields.keys:
            where = dataclasses.replace(where, span=layer.fields.keys[key])
        raise SpecError([Problem(where, message, notes)])

    def trace(self, entry: int, layer: Layer) -> str:
        """The last shapes on the way: `input 224x224x3 → conv 55x55x96 → conv`."""
        steps: list[str] = []
        index = entry
        while True:
            node = self.nodes[index]
            steps.append(f"{node.op.kind} {show(node.shape)}")
            if not node.inputs:
                break
            index = node.inputs[0]
        steps.reverse()
        if len(steps) > TRACE_LENGTH:
            steps = [steps[0], "...", *steps[1 - TRACE_LENGTH :]]
        return " → ".join([*steps, layer.kind])

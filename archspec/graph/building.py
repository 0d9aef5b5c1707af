"""Building a graph: nodes, the names that layers refer to, and problems with the shapes on the way there."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NoReturn

from archspec.errors import MAX_PROBLEMS, Problem, SpecError, Where
from archspec.graph.graph import Node
from archspec.layers.reading import Layer, Structure
from archspec.ops import PRIMITIVES, Activation, Dropout, Flatten, Op, Reshape, ShapeError, show
from archspec.wording import did_you_mean, quoted

MAX_NODES = 50_000
MAX_ELEMENTS = 2**34
MAX_INPUTS = 200_000
"""Inputs of all operations together. Most have one; a concatenation in a dense block has one for each layer."""
TRACE_LENGTH = 5
MAX_TRACES = 4
NAMES_TO_COMPARE = 200
PROBABILITIES = ("softmax", "sparsemax", "sigmoid")
UNKNOWN = -1
"""The position of an output whose shape is unknown because of a problem. Shapes that depend on it are not checked."""


_STAND_IN = re.compile(r"~\d+")
"""The suffix of a name that was taken already, so that building can continue."""


@dataclass
class Scope:
    """A block or the whole network, in which names are looked up and numbered.

    Attributes:
        prefix: what the full names of its layers begin with.
        entry: the position of the node that enters it.
        parent: the scope around it.
        kind: `model`, `block` for the body of a block, or a construct whose layers stand in the text around it, such
            as `sequence` or `residual`.
        counters: the last number given to each pattern of a name.
        layers: those that are being placed.
        given: the names that layers have without a number, of which numbered ones keep clear.
    """

    prefix: str
    entry: int
    parent: Scope | None = None
    kind: str = "model"
    counters: dict[str, int] = field(default_factory=dict)
    layers: Sequence[Layer] = ()
    given: set[str] = field(default_factory=set)

    def numbered(self, pattern: str) -> str:
        """The pattern with its `#` replaced by the next free number."""
        name = ""
        while not name or name in self.given:
            self.counters[pattern] = self.counters.get(pattern, 0) + 1
            name = pattern.replace("#", str(self.counters[pattern]), 1)
        return name

    def full_name(self, layer: Layer, alias: str | None) -> str:
        name = layer.name or f"{layer.kind}#"
        if alias is not None:
            return alias
        return self.prefix + (self.numbered(name) if "#" in name else name)

    @property
    def is_text(self) -> bool:
        """Whether it is a text of its own, in which `input` can mean nothing but what enters it."""
        return self.kind in ("model", "block")


def given_names(layers: Sequence[Layer]) -> Iterator[str]:
    """The names without a number that layers have in the scope that they stand in."""
    for layer in dict.fromkeys(layers):
        if layer.scoped and layer.name is not None and "#" not in layer.name:
            yield layer.name
        elif not layer.scoped and isinstance(layer.content, tuple):
            yield from given_names(layer.content)


_INPUTS = tuple(f"{kind}.input" for kind in ("model", "block", "sequence", "repeat", "parallel", "residual", "towers"))
"""The references to what enters a scope, by its kind."""


def _scopes(scope: Scope) -> Iterator[Scope]:
    """A scope and those around it."""
    around: Scope | None = scope
    while around is not None:
        yield around
        around = around.parent


def _is_named(layer: Layer) -> bool:
    """Whether a layer's name is written in the spec, not given by a block or structure to what it is made of."""
    return "name" in layer.fields.keys and layer.fields.keys["name"] != layer.where.span


def _adder(layer: Layer) -> str:
    """What gave a layer the name that is not written on it, with its verb: `residual adds`."""
    if layer.where.used_at:
        use = layer.where.used_at[0]
        line = f" on line {use.span.line + 1}" if use.span is not None and use.span.source.is_file else ""
        return f"{use.path.rpartition('.')[2]}{line} has"
    return f"{layer.kind} adds" if isinstance(layer.content, Structure) else "the layer around it adds"


def _first(layer: Layer | None) -> str:
    span = layer.where.span if layer is not None else None
    return f" (first on line {span.line + 1})" if span is not None and span.source.is_file else ""


class GraphBuilder:
    """The graph so far, and the problems found. An operation with a problem gives UNKNOWN, and building continues."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.layers: list[Layer | None] = [None]  # the layer that each node comes from
        self.outputs: dict[str, int] = {}
        self.named: dict[str, Layer] = {}
        self.kinds: dict[str, str] = {}  # of the blocks and structures, by name; see `Graph.kinds`
        self.problems: list[Problem] = []
        self.placed = 0
        self.inputs = 0
        self.tower: int | None = None  # that is being placed; see `Node.tower`

    def free(self, name: str, layer: Layer) -> str:
        """The name if it is free; else reports it, and returns one that is free."""
        if name not in self.outputs:
            return name
        other = self.named.get(name)
        shown = _STAND_IN.sub("", name)
        if other is None:
            message = f"the name '{shown}' is also that of a layer which the structure around it adds; choose another"
            self.fail(layer, message, "name")
        elif _is_named(other) and not _is_named(layer):  # the one that was written can change
            self.fail(
                other, f"the name '{shown}' is also that of a layer which {_adder(layer)}; choose another", "name"
            )
        elif layer.where.used_at and not _is_named(layer):
            use = layer.where.used_at[0]
            block = use.path.rpartition(".")[2]
            message = f"the name '{shown}', of a layer in this {block}, is used twice{_first(other)}; give it a 'name'"
            self.report(Problem(use, message))
        else:
            message = f"the name '{shown}' is used twice{_first(other)}; give one of the layers another name"
            self.fail(layer, message, "name")
        return f"{name}~{self.placed}"

    def add(self, name: str, op: Op, inputs: Sequence[int], layer: Layer) -> int:
        """Adds an operation, or reports at its layer that it does not fit; returns its position."""
        self.inputs += len(inputs)
        if self.inputs > MAX_INPUTS:
            self.stop(layer, f"the operations take more than {MAX_INPUTS:,} inputs in all, the limit")
        if UNKNOWN in inputs:
            self.outputs.setdefault(name, UNKNOWN)
            return UNKNOWN
        name = self.free(name, layer)
        self.outputs[name] = UNKNOWN
        try:
            shape = op.shape([self.nodes[index].shape for index in inputs])
        except ShapeError as error:
            return self.fail(layer, str(error), error.field, inputs, name)
        if math.prod(shape) > MAX_ELEMENTS:
            message = f"the output {show(shape)} has more than {MAX_ELEMENTS:,} elements, the limit"
            return self.fail(layer, message, None, inputs, name)
        if len(self.nodes) >= MAX_NODES:
            self.stop(layer, f"the network has more than {MAX_NODES:,} operations, the limit")
        self.nodes.append(Node(name, op, tuple(inputs), shape, self.tower))
        self.layers.append(layer)
        self.outputs[name] = len(self.nodes) - 1
        return len(self.nodes) - 1

    def merged(self, inputs: Sequence[int], layer: Layer, name: str) -> int:
        if len(inputs) == 1:
            return inputs[0]
        return self.add(f"{name}.{layer.merge}", PRIMITIVES[layer.merge](), inputs, layer)

    def sources(self, layer: Layer, entry: int, scope: Scope) -> list[int]:
        if not layer.sources:
            return [entry]
        return [self.resolved(reference, i, layer, scope) for i, reference in enumerate(layer.sources)]

    def resolved(self, reference: str, position: int, layer: Layer, scope: Scope) -> int:
        """The node that a reference names: looked up in the block, then in what surrounds it."""
        if reference == "input" or reference in _INPUTS:
            return self.entry(reference.partition(".")[0], position, layer, scope)
        for around in _scopes(scope):
            if around.prefix + reference in self.outputs:
                return self.outputs[around.prefix + reference]
        if reference == layer.name:
            message = f"a layer cannot take its own output, '{reference}'"
        elif any(other.name == reference for around in _scopes(scope) for other in around.layers):
            message = f"'{reference}' comes later; a layer takes the output of earlier ones"
        else:
            names = [name.removeprefix(scope.prefix) for name in [*self.named][-NAMES_TO_COMPARE:]]
            message = f"no earlier layer is named {quoted(reference)}{did_you_mean(reference, [*names, 'input'])}"
        return self.fail(layer, message, "from", item=position)

    def entry(self, kind: str, position: int, layer: Layer, scope: Scope) -> int:
        """What enters the innermost scope of a kind; for `input`, what enters the text in which it stands, if nothing
        around the layer makes another reading possible."""
        inner: list[Scope] = []
        for around in _scopes(scope):
            if around.kind != kind and not (kind == "input" and around.is_text):
                inner.append(around)
                continue
            if kind == "input" and any(one.entry != around.entry for one in inner):
                kinds = inner[0].kind, around.kind
                meanings = " or ".join(f"'{one}.input', which enters the {one}," for one in kinds).rstrip(",")
                message = f"'input' is ambiguous here; write {meanings}"
                return self.fail(layer, message, "from", item=position)
            return around.entry
        expected = " or ".join(f"'{one}.input'" for one in dict.fromkeys(one.kind for one in inner))
        return self.fail(layer, f"there is no '{kind}' around this layer; expected {expected}", "from", item=position)

    def check_all_used(self, output: int, where: Where) -> None:
        """Reports operations that do not lead to the output."""
        names: dict[int, str] = {}
        for name, index in self.outputs.items():
            names[index] = min(names.get(index, name), name, key=len)
        used = {index for node in self.nodes for index in node.inputs} | {output}
        for index, layer in enumerate(self.layers):
            if layer is not None and index not in used:
                message = f"nothing uses the output of '{names[index]}'; refer to it with 'from', or remove it"
                self.fail(self.named.get(names[index], layer), message)
        if 0 not in used or output == 0:
            self.problems.append(Problem(where, "no layer uses the input"))

    def check_logits(self, output: int) -> None:
        """Reports a network that ends in probabilities, which the loss would take for logits."""
        while isinstance(self.nodes[output].op, Flatten | Reshape | Dropout):
            output = self.nodes[output].inputs[0]
        op, layer = self.nodes[output].op, self.layers[output]
        function = op.function if isinstance(op, Activation) else op.kind
        if function in PROBABILITIES and layer is not None:
            message = f"a network that is trained ends in logits; leave out the {function}, as the loss has its own"
            self.fail(layer, message, "function")

    # -- problems ----------------------------------------------------------------------------------------------------

    def fail(
        self,
        layer: Layer,
        message: str,
        key: str | None = None,
        inputs: Sequence[int] = (),
        name: str | None = None,
        item: int = 0,
    ) -> int:
        """Reports a problem at a layer's field `key` (in a list, at `item`), with the shapes that lead to `inputs`."""
        where = layer.where
        fields = layer.fields.value if isinstance(layer.fields.value, dict) else {}
        child = fields.get(key) if key else None
        if child is not None and key == "from" and isinstance(child.value, list):
            child = child.value[item]
        span = child.span if child is not None and child.span is not None else layer.fields.keys.get(key or "")
        if span is not None:
            where = dataclasses.replace(where, span=span)
        last = layer.kind if name is None or "." not in name else f"{layer.kind} ({name})"
        notes = tuple(dict.fromkeys(f"{self.trace(entry)} → {last}" for entry in inputs[:MAX_TRACES]))
        return self.report(Problem(where, message, notes))

    def report(self, problem: Problem) -> int:
        """Records a problem; ends building when there are `MAX_PROBLEMS`."""
        self.problems.append(problem)
        if len(self.problems) >= MAX_PROBLEMS:
            raise SpecError(self.problems)
        return UNKNOWN

    def stop(self, layer: Layer, message: str) -> NoReturn:
        raise SpecError([*self.problems, Problem(layer.where, message)])

    def trace(self, entry: int) -> str:
        """The shapes that lead to a node, in words: `input 224x224x3 → conv 55x55x96 → max_pool 27x27x96`."""
        steps: list[str] = []
        index = entry
        while index and len(steps) < TRACE_LENGTH - 1:
            steps.append(f"{self.nodes[index].op.kind} {show(self.nodes[index].shape)}")
            index = self.nodes[index].inputs[0]
        steps += ["..."] if index else []
        return " → ".join([f"input {show(self.nodes[0].shape)}", *reversed(steps)])

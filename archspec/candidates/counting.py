"""Counts the cost of many networks that share most of their layers, with a cache of layers and of their costs.

A layer whose fields are all plain values means the same wherever it stands, and costs the same for inputs of one shape;
both are cached. Where this quick way finds a mistake, the candidate is read the ordinary way, which knows its address.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from archspec.blocks import BLOCKS
from archspec.errors import INVALID, Problem, SpecError
from archspec.fields.base import Reader
from archspec.graph.building import MAX_NODES, Scope
from archspec.graph.expanding import MAX_PLACED, Expander
from archspec.graph.graph import Node
from archspec.layers.reading import Layer, LayerReader
from archspec.ops import PRIMITIVES, Input, Op, Shape
from archspec.source.tree import Tree

MOST_LAYERS = 4_000
"""The most layers in the cache; once it is full it is emptied, so that memory stays bounded."""
_PLAIN = (bool, int, float, str, type(None))


class Unclear(Exception):
    """The quick way does not apply, or found a mistake: read the candidate the ordinary way, which reports it."""


@dataclass(frozen=True, slots=True)
class Segment:
    """What placing a layer adds to a network: the shape of its output (None: it has no operation), and counts."""

    shape: Shape | None
    nodes: int
    placed: int
    trainable: int
    macs: int
    elements: int


@dataclass
class LayerCache:
    """Layers by their text, and segments by layer and shape of the input."""

    layers: dict[Any, tuple[Layer, tuple[int, int, int]]] = field(default_factory=dict)
    by_id: dict[int, Layer] = field(default_factory=dict)
    segments: dict[tuple[int, Shape], Segment] = field(default_factory=dict)

    def add(self, key: Any, layer: Layer, work: tuple[int, int, int]) -> None:
        if len(self.layers) >= MOST_LAYERS:
            self.layers.clear()
            self.by_id.clear()
            self.segments.clear()
        self.layers[key] = layer, work
        self.by_id[id(layer)] = layer


@dataclass
class CachingLayerReader(LayerReader):
    """Reads layers, each with plain fields once."""

    cache: LayerCache = field(default_factory=LayerCache)
    salt: str | None = None
    """The spec's defaults as a text; None where they hold expressions, whose values may change."""

    def read(self, tree: Tree, path: str, reader: Reader) -> Any:
        key = _key(tree) if self.salt is not None else None
        if key is None:
            return super().read(tree, path, reader)
        key = self.salt, key
        work = reader.work
        if key in self.cache.layers:
            layer, (values, layers, copies) = self.cache.layers[key]
            reader.spend(tree, path, values, layers, copies)
            return layer
        before = work.values, work.layers, work.copies
        layer = super().read(tree, path, reader)
        if layer is not INVALID:
            spent = work.values - before[0], work.layers - before[1], work.copies - before[2]
            self.cache.add(key, layer, spent)
        return layer


def _key(tree: Tree) -> Any:
    """The fields of a layer as a key, if all are plain values and none names another layer; else None."""
    if not isinstance(tree.value, dict) or len(tree.value) != 1:
        return None
    ((kind, body),) = tree.value.items()
    if kind not in PRIMITIVES and kind not in BLOCKS:
        return None
    if not isinstance(body.value, dict) or "from" in body.value:
        return None
    parts: list[Any] = [kind]
    for name, child in body.value.items():
        value = child.value
        if isinstance(value, list):
            value = tuple(part.value for part in value)
            if not all(isinstance(part, _PLAIN) for part in value) or any("${" in str(part) for part in value):
                return None
            parts.append(tuple(map(type, value)))  # true is not 1
        elif not isinstance(value, _PLAIN) or (isinstance(value, str) and "${" in value):
            return None
        parts += (name, type(value), value)
    return tuple(parts)


class Counter(Expander):
    """Counts the cost of a network. A cached layer is placed once for each shape of input, and is then one node."""

    def __init__(self, picture: Shape, cache: LayerCache):
        super().__init__()
        self.cache = cache
        self.trainable = self.macs = self.more_nodes = 0
        self.elements = math.prod(picture)
        self.nodes.append(Node("input", Input(size=picture), (), picture))

    def count(self, layers: Sequence[Layer]) -> None:
        """Places the layers and adds up their costs.

        Raises:
            Unclear: layers do not fit, the output of one is not used, or a limit is exceeded.
        """
        try:
            output = self.place_all(layers, 0, Scope("", 0))
        except SpecError:
            raise Unclear from None
        used = {index for node in self.nodes for index in node.inputs} | {output}
        if output == 0 or len(used) < len(self.nodes):
            raise Unclear
        if self.placed > MAX_PLACED or len(self.nodes) + self.more_nodes > MAX_NODES:
            raise Unclear

    def fail(self, *args: Any, **kwargs: Any) -> int:
        raise Unclear

    def report(self, problem: Problem) -> int:
        raise Unclear

    def add(self, name: str, op: Op, inputs: Sequence[int], layer: Layer) -> int:
        position = super().add(name, op, inputs, layer)
        shapes, shape = [self.nodes[index].shape for index in inputs], self.nodes[position].shape
        self.trainable += op.parameters(shapes)[0]
        self.macs += op.macs(shapes, shape)
        self.elements += math.prod(shape)
        return position

    def place(self, layer: Layer, entry: int, scope: Scope, alias: str | None = None) -> int:
        if not layer.scoped or self.cache.by_id.get(id(layer)) is not layer:
            return super().place(layer, entry, scope, alias)
        key = id(layer), self.nodes[entry].shape
        segment = self.cache.segments.get(key)
        name = scope.full_name(layer, alias)
        if segment is None:
            return self.recorded(layer, entry, scope, name, key)
        if name in self.outputs:
            raise Unclear
        self.placed += segment.placed
        self.trainable += segment.trainable
        self.macs += segment.macs
        self.elements += segment.elements
        if segment.shape is None:
            position = entry
        else:
            self.more_nodes += segment.nodes - 1
            position = len(self.nodes)
            self.nodes.append(Node(name, STAND_IN, (entry,), segment.shape))
        self.outputs[name] = position
        return position

    def recorded(self, layer: Layer, entry: int, scope: Scope, name: str, key: tuple[int, Shape]) -> int:
        """Places a layer the ordinary way, and caches what that adds."""
        before = len(self.nodes) + self.more_nodes, self.placed, self.trainable, self.macs, self.elements
        output = super().place(layer, entry, scope, name)
        after = len(self.nodes) + self.more_nodes, self.placed, self.trainable, self.macs, self.elements
        shape = None if output == entry else self.nodes[output].shape
        self.cache.segments[key] = Segment(shape, *(b - a for a, b in zip(before, after, strict=True)))
        return output


STAND_IN = Op()

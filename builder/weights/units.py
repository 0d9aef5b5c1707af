"""What has weights, alike for a network here and a file from elsewhere: layers of a kind and size, and who feeds whom.

Sizes are those of the layer's mathematics, whatever the layout it is stored in: of a kernel (height, width, inputs of a
group, outputs), where a dense layer is a 1x1 convolution and a depthwise one has as many groups as inputs; of a
normalisation (channels,).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from archspec import Graph, Node, ops
from archspec.ops import Shape

Layout = Literal["keras", "torch"]
Kind = Literal["kernel", "batch_norm", "layer_norm", "other"]
Role = str
"""`kernel`, `bias`, `gamma`, `beta`, `mean`, `variance`; anything else belongs to a layer of kind `other`."""
NORMS: tuple[Kind, ...] = ("batch_norm", "layer_norm")


@dataclass(frozen=True)
class Part:
    """One tensor of a layer: its name and shape where it comes from, and its values; a network's own has none yet."""

    name: str
    shape: Shape
    values: np.ndarray | None = None

    @classmethod
    def of(cls, name: str, values: np.ndarray) -> Part:
        return cls(name, tuple(values.shape), values)

    @property
    def layer(self) -> str:
        """The name without its last word: `conv1` of `conv1.weight`, or of `conv1/kernel`."""
        return self.name[: -len(self.word) - 1]

    @property
    def word(self) -> str:
        return self.name.replace("/", ".").rpartition(".")[2]


@dataclass(frozen=True)
class Unit:
    """A layer with weights."""

    name: str
    kind: Kind
    size: Shape
    parts: Mapping[Role, Part]


@dataclass(frozen=True)
class Units:
    """Layers with weights, in order.

    Attributes:
        upstream: for each, the positions of the layers with weights whose outputs reach it through none with weights;
            None where only names are known.
        in_order: whether the order is that of definition (or better); false for files that sort their names.
    """

    units: tuple[Unit, ...]
    upstream: tuple[tuple[int, ...], ...] | None = None
    in_order: bool = True

    @cached_property
    def ancestors(self) -> list[int]:
        """For each, all that come before it, as bits."""
        ancestors: list[int] = []
        for before in self.upstream or ():
            bits = 0
            for index in before:
                bits |= ancestors[index] | 1 << index
            ancestors.append(bits)
        return ancestors

    def signature(self, index: int, depth: int) -> tuple[object, ...]:
        """Kind and size of a layer, and of what feeds it, up to so many layers back."""
        assert self.upstream is not None
        unit, before = self.units[index], self.upstream[index] if depth else ()
        return unit.kind, unit.size, *sorted((self.signature(i, depth - 1) for i in before), key=repr)


# -- a network's own -------------------------------------------------------------------------------------------------


def units_of(graph: Graph) -> Units:
    """A network's layers with weights; their parts are named as the variables of its Keras model, without values."""
    positions: dict[int, int] = {}
    units: list[Unit] = []
    upstream: list[tuple[int, ...]] = []
    reaching: list[frozenset[int]] = []  # for each node, the layers with weights that its output comes from
    for position, node in enumerate(graph.nodes):
        arriving = frozenset[int]().union(*(reaching[index] for index in node.inputs))
        unit = _unit(graph, node)
        if unit is None:
            reaching.append(arriving)
        else:
            reaching.append(frozenset([len(units)]))
            positions[position] = len(units)
            units.append(unit)
            upstream.append(tuple(sorted(arriving)))
    return Units(tuple(units), tuple(upstream))


def _unit(graph: Graph, node: Node) -> Unit | None:
    op, inputs = node.op, graph.input_shapes(node)
    if not any(op.parameters(inputs)):
        return None
    channels = inputs[0][-1]
    size: Shape
    shapes: dict[str, Shape]
    match op:
        case ops.Conv():
            size = (*op.kernel, channels // op.groups, op.filters)
            kind, shapes = "kernel", {"kernel": size, **_bias(op.bias, op.filters)}
        case ops.DepthwiseConv():
            outputs = channels * op.multiplier
            size = (*op.kernel, 1, outputs)
            kind, shapes = "kernel", {"kernel": (*op.kernel, channels, op.multiplier), **_bias(op.bias, outputs)}
        case ops.Dense():
            size = (1, 1, channels, op.units)
            kind, shapes = "kernel", {"kernel": (channels, op.units), **_bias(op.bias, op.units)}
        case ops.BatchNorm() | ops.LayerNorm():
            size = (channels,)
            kind = op.kind
            roles = [*(["gamma"] if op.scale else []), *(["beta"] if op.center else [])]
            roles += ["mean", "variance"] if isinstance(op, ops.BatchNorm) else []
            shapes = dict.fromkeys(roles, size)
        case _:
            raise NotImplementedError(f"weights of {op.kind}")
    parts = {role: Part(f"{node.name}/{VARIABLES[role]}", shape) for role, shape in shapes.items()}
    return Unit(node.name, kind, size, parts)  # type: ignore[arg-type]


def _bias(has: bool, outputs: int) -> dict[str, Shape]:
    return {"bias": (outputs,)} if has else {}


VARIABLES = {
    "kernel": "kernel",
    "bias": "bias",
    "gamma": "gamma",
    "beta": "beta",
    "mean": "moving_mean",
    "variance": "moving_variance",
}
"""What Keras calls each role: the variable's name, and the layer's attribute."""


# -- from elsewhere ------------------------------------------------------------------------------------------------


def torch_size(shape: Shape) -> Shape:
    """(outputs, inputs, height, width) or (outputs, inputs) as this module has it."""
    outputs, inputs, *window = shape
    return (*(window or (1, 1)), inputs, outputs)


def keras_size(shape: Shape) -> Shape:
    """(height, width, inputs, outputs) or (inputs, outputs) as this module has it."""
    return shape if len(shape) == 4 else (1, 1, *shape)


def unit_of(name: str, parts: Mapping[Role, Part], size_of: Callable[[Shape], Shape]) -> Unit:
    """A layer of the kind that its tensors make."""
    if "kernel" in parts and len(parts["kernel"].shape) in (2, 4):
        return Unit(name, "kernel", size_of(parts["kernel"].shape), parts)
    vectors = {part.shape for part in parts.values()}
    if len(vectors) == 1 and all(len(shape) == 1 for shape in vectors) and not parts.keys() & {"kernel", "bias"}:
        kind: Kind = "batch_norm" if parts.keys() & {"mean", "variance"} else "layer_norm"
        return Unit(name, kind, next(iter(vectors)), parts)
    return Unit(name, "other", (), parts)


def is_real(tensor: np.ndarray) -> bool:
    """Whether the values are floating-point numbers that float32 holds well enough: 16 bits and more."""
    return tensor.dtype.name in ("float16", "bfloat16", "float32", "float64")

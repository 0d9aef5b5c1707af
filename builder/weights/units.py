"""The layers with weights of a network here, or of a file from elsewhere, described in the same terms.

A layer is described by its kind, its size and the layers that feed it. A size is that of the layer's mathematics,
however the weights are stored: of a kernel (height, width, inputs of a group, outputs), where a dense layer is a 1x1
convolution and a depthwise one has as many groups as inputs; of a normalisation (channels,).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from archspec import Graph, Node
from archspec.ops import Shape, Weight
from builder.network.naming import VARIABLES

Layout = Literal["keras", "torch"]
Kind = Literal["kernel", "batch_norm", "layer_norm", "other"]
"""`kernel`: a convolution or a dense layer. `batch_norm` and `layer_norm`: one number a channel in each tensor, with
moving statistics and without. `other`: anything else, which is only ever matched by name."""
Role = str
"""`kernel`, `bias`, `gamma`, `beta`, `mean`, `variance` (see `Op.weights`); any other belongs to a layer of kind
`other`."""
CHANNEL_ROLES = frozenset({"gamma", "beta", "mean", "variance"})
NORMS: tuple[Kind, ...] = ("batch_norm", "layer_norm")


@dataclass(frozen=True)
class NamedTensor:
    """One tensor of a layer: its name and shape where it comes from, and its values, which a network's own lacks."""

    name: str
    shape: Shape
    values: np.ndarray | None = None

    @classmethod
    def of(cls, name: str, values: np.ndarray) -> NamedTensor:
        """A tensor with values."""
        return cls(name, tuple(values.shape), values)

    @property
    def layer(self) -> str:
        """The name without its last word: `conv1` of `conv1.weight`, or of `conv1/kernel`."""
        return self.name[: -len(self.word) - 1]

    @property
    def word(self) -> str:
        """The name's last word: `weight` of `conv1.weight`."""
        return self.name.replace("/", ".").rpartition(".")[2]


@dataclass(frozen=True)
class Unit:
    """A layer with weights."""

    name: str
    kind: Kind
    size: Shape
    tensors: Mapping[Role, NamedTensor]


@dataclass(frozen=True)
class Units:
    """Layers with weights, in order.

    Attributes:
        upstream: for each layer, the positions of the nearest layers with weights upstream of it; None where only names
            are known.
        in_order: whether the order is that of definition (or better); false for files that sort their names.
    """

    units: tuple[Unit, ...]
    upstream: tuple[tuple[int, ...], ...] | None = None
    in_order: bool = True

    @cached_property
    def ancestors(self) -> list[int]:
        """For each layer, the positions of all layers upstream of it, as the bits of a number."""
        ancestors: list[int] = []
        for before in self.upstream or ():
            bits = 0
            for index in before:
                bits |= ancestors[index] | 1 << index
            ancestors.append(bits)
        return ancestors

    def signature(self, index: int, depth: int) -> tuple[object, ...]:
        """Kind and size of a layer and of the layers that feed it, up to `depth` layers back."""
        assert self.upstream is not None
        unit, before = self.units[index], self.upstream[index] if depth else ()
        return unit.kind, unit.size, *sorted((self.signature(i, depth - 1) for i in before), key=repr)


# -- a network's own -------------------------------------------------------------------------------------------------


def units_of(graph: Graph) -> Units:
    """A network's layers with weights. Their tensors have the names of the Keras model's variables, and no values."""
    units: list[Unit] = []
    upstream: list[tuple[int, ...]] = []
    reaching: list[frozenset[int]] = []  # for each node, the layers with weights that its output comes from
    for node in graph.nodes:
        arriving = frozenset[int]().union(*(reaching[index] for index in node.inputs))
        unit = _unit(graph, node)
        if unit is None:
            reaching.append(arriving)
        else:
            reaching.append(frozenset([len(units)]))
            units.append(unit)
            upstream.append(tuple(sorted(arriving)))
    return Units(tuple(units), tuple(upstream))


def _unit(graph: Graph, node: Node) -> Unit | None:
    weights = node.op.weights(graph.input_shapes(node))
    if not weights:
        return None
    tensors = {
        role: NamedTensor(f"{node.name}/{VARIABLES.get(role, role)}", weight.shape) for role, weight in weights.items()
    }
    size = kernel_size(weights["kernel"]) if "kernel" in weights else None
    return unit_of(node.name, tensors, size)


def kernel_size(kernel: Weight) -> Shape | None:
    """The size of the layer with this kernel; None for one of no known meaning, which names no axes as outputs."""
    if not kernel.output_axes or len(kernel.shape) not in (2, 4):
        return None
    *window, inputs, last = kernel.shape
    outputs = math.prod(kernel.shape[-kernel.output_axes :])
    return (*(window or (1, 1)), inputs * last // outputs, outputs)


# -- from elsewhere ------------------------------------------------------------------------------------------------


def torch_size(shape: Shape) -> Shape:
    """The size of a layer whose kernel is (outputs, inputs, height, width) or (outputs, inputs)."""
    outputs, inputs, *window = shape
    return (*(window or (1, 1)), inputs, outputs)


def unit_of(name: str, tensors: Mapping[Role, NamedTensor], kernel_size: Shape | None) -> Unit:
    """A layer of the kind that its tensors show.

    Args:
        kernel_size: the size of the layer if it has a kernel; None if it has none, or one of no known meaning.
    """
    if "kernel" in tensors:
        return Unit(name, "kernel", kernel_size, tensors) if kernel_size else Unit(name, "other", (), tensors)
    vectors = {tensor.shape for tensor in tensors.values()}
    if tensors.keys() <= CHANNEL_ROLES and len(vectors) == 1 and all(len(shape) == 1 for shape in vectors):
        kind: Kind = "batch_norm" if tensors.keys() & {"mean", "variance"} else "layer_norm"
        return Unit(name, kind, next(iter(vectors)), tensors)
    return Unit(name, "other", (), tensors)


def is_real(tensor: np.ndarray) -> bool:
    """Whether the values are floating-point numbers of 16 bits or more, all of which float32 represents well enough."""
    return tensor.dtype.name in ("float16", "bfloat16", "float32", "float64")


def is_counter(tensor: np.ndarray) -> bool:
    """Whether it is one whole number, as steps and averaged models are counted (`n_averaged`)."""
    return tensor.ndim == 0 and tensor.dtype.kind in "iub"

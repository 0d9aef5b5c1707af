"""Layouts: how PyTorch stores what Keras stores, and in which order the features of a flattened picture arrive.

A picture is stored with its channels last here, and with its channels first in PyTorch. Most operations work along
axes, wherever these are stored, and then the same weights do the same in both. Flattening is different: a picture
becomes a vector row by row here, and channel by channel there, so that the weights of a dense layer after it have to be
reordered. What each primitive does to an order follows from `Op.acts_on`. Where that leaves an order uncertain it is
`Unknown`, and weights that depend on it are refused rather than guessed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias, TypeGuard

import numpy as np

from archspec import Graph, Node, ops
from archspec.ops import Shape
from builder.weights.units import Layout, Role


@dataclass(frozen=True)
class Unknown:
    """An order that nothing here determines.

    Attributes:
        since: the layer after which it is unknown.
        kind: that layer's primitive.
        channels_kept: whether the channels are still in their places, and only positions moved. Convolutions and
            normalisations of a picture then have the same weights in both layouts.
    """

    since: str
    kind: str
    channels_kept: bool = False


Positions: TypeAlias = np.ndarray[Any, np.dtype[np.intp]]
FeatureOrder: TypeAlias = Positions | Unknown | None
"""For each feature of a vector here, its position in PyTorch; None where both have the same order. A picture has None,
the same content along the same axes, or `Unknown`."""


def arriving_orders(graph: Graph) -> Mapping[str, FeatureOrder]:
    """For each node of a graph, the order of the features that arrive at it, of the first input if it has several."""
    leaving: list[FeatureOrder] = []
    arriving: dict[str, FeatureOrder] = {}
    for node in graph.nodes:
        orders, shapes = [leaving[index] for index in node.inputs], graph.input_shapes(node)
        leaving.append(_leaving(node, shapes, orders))
        arriving[node.name] = _arriving(node, shapes, orders[0], leaving[-1]) if orders else None
    return arriving


def _arriving(node: Node, shapes: Sequence[Shape], order: FeatureOrder, after: FeatureOrder) -> FeatureOrder:
    """The order for the weights of a node: unknown where the node does not do the same with features in their order."""
    weights = node.op.weights(shapes)
    if not weights or not isinstance(order, np.ndarray):
        return order
    kernel = weights.get("kernel")
    uncertain = isinstance(after, Unknown) if kernel is None else kernel.shape[-2:-1] != order.shape
    return Unknown(node.name, node.op.kind) if uncertain else order


def _leaving(node: Node, shapes: Sequence[Shape], orders: Sequence[FeatureOrder]) -> FeatureOrder:
    """The order in which a node's output leaves it."""
    op = node.op
    if not orders or "kernel" in op.weights(shapes):
        return None  # its weights decide on the order of its outputs, and whether they fit is asked of what arrives
    if isinstance(op, ops.Flatten | ops.Reshape):
        return _reshaped(node, shapes[0], orders[0])
    unknown = [order for order in orders if isinstance(order, Unknown)]
    if unknown:
        worst = min(unknown, key=lambda order: order.channels_kept)
        return worst if op.acts_on != "whole" else replace(worst, channels_kept=False)
    if len(node.shape) == 1 and isinstance(op, ops.Concat):
        return _side_by_side(shapes, orders)
    if op.acts_on in ("elements", "channels"):
        # An input of one element, which is repeated, has no order.
        several = [order for shape, order in zip(shapes, orders, strict=True) if math.prod(shape) > 1] or [None]
        return several[0] if all(_same(several[0], order) for order in several) else Unknown(node.name, op.kind)
    if op.acts_on == "axes" and all(order is None for order in orders):
        return None
    vectors = all(len(shape) == 1 for shape in (*shapes, node.shape))
    if vectors and all(order is None for order in orders):
        return None  # vectors with one order in both stay so, whatever happens to them
    kept = isinstance(op, ops.Permute) and op.order[-1] == len(op.order)
    return Unknown(node.name, op.kind, channels_kept=kept)


def _reshaped(node: Node, before: Shape, order: FeatureOrder) -> FeatureOrder:
    """The order after a flatten or a reshape, which take the elements as they are stored."""
    after = node.shape
    if before == after or (order is None and after == (1, 1, *before)):
        return order
    if len(after) == 1 and len(before) == 3:
        channels_in_place = not isinstance(order, Unknown) or order.channels_kept
        if channels_in_place and (order is None or before[:2] == (1, 1)):
            return flattened_order(before)
    if isinstance(order, Unknown):
        return replace(order, channels_kept=False)
    return Unknown(node.name, node.op.kind, channels_kept=len(before) == len(after) == 3 and before[-1] == after[-1])


def flattened_order(shape: Shape) -> Positions | None:
    """For each element of a flattened (height, width, channels), its position with the channels flattened first."""
    height, width, channels = shape
    if height * width == 1 or channels == 1:
        return None
    return np.arange(math.prod(shape)).reshape(channels, height, width).transpose(1, 2, 0).ravel()


def _side_by_side(shapes: Sequence[Shape], orders: Sequence[FeatureOrder]) -> FeatureOrder:
    """The order of vectors that are concatenated, none of which is unknown."""
    parts, offset = [], 0
    for shape, order in zip(shapes, orders, strict=True):
        parts.append(offset + (np.arange(shape[-1]) if order is None else np.asarray(order)))
        offset += shape[-1]
    joined = np.concatenate(parts)
    return None if np.array_equal(joined, np.arange(offset)) else joined


def _same(a: FeatureOrder, b: FeatureOrder) -> bool:
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return np.array_equal(a, b)
    return a is None and b is None


def to_keras(values: np.ndarray, role: Role, layout: Layout, order: FeatureOrder, shape: Shape) -> np.ndarray:
    """A tensor as Keras stores it, in float32.

    Args:
        layout: the one that the tensor has.
        order: the order of the features that arrive at the layer.
        shape: the shape of Keras's variable.
    """
    values = values.astype(np.float32)
    if layout == "torch" and role == "kernel":
        values = values.transpose(2, 3, 1, 0) if values.ndim == 4 else values.T
    if layout == "torch" and _reorders(order, role, values.shape):
        values = values[..., order, :] if role == "kernel" else values[order]
    return np.ascontiguousarray(values.reshape(shape))


def _reorders(order: FeatureOrder, role: Role, shape: Shape) -> TypeGuard[Positions]:
    """Whether a tensor has the features in PyTorch's order. A convolution over the whole picture has axes instead."""
    axis = {"bias": None, "kernel": -2}.get(role, -1)
    return isinstance(order, np.ndarray) and axis is not None and shape[axis] == len(order)


def to_torch(values: np.ndarray, role: Role, size: Shape, order: FeatureOrder, shape: Shape) -> np.ndarray:
    """A variable as PyTorch stores it: the reverse of `to_keras`.

    Args:
        size: the size of the layer; see `units`.
        shape: the shape of PyTorch's tensor.
    """
    if role == "kernel":
        values = values.reshape(size)
    if _reorders(order, role, values.shape):
        moved = np.empty_like(values)
        if role == "kernel":
            moved[:, :, order] = values
        else:
            moved[order] = values
        values = moved
    if role == "kernel":
        values = values.transpose(3, 2, 0, 1)
    return np.ascontiguousarray(values.reshape(shape))


def steps(role: Role, layout: Layout, order: FeatureOrder, theirs: Shape, ours: Shape) -> tuple[str, ...]:
    """What `to_keras` does to a tensor, in words; nothing where the tensor stays as it is."""
    transposed = layout == "torch" and role == "kernel"
    arranged = (*theirs[2:], theirs[1], theirs[0]) if transposed else theirs
    reordered = layout == "torch" and _reorders(order, role, arranged)
    words = {"transposed": transposed, "features reordered": reordered, "reshaped": arranged != ours}
    return tuple(word for word, applies in words.items() if applies)

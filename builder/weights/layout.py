"""Layouts: how PyTorch stores what Keras stores, and in which order a flattened picture's features are."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, TypeAlias, TypeGuard

import numpy as np

from archspec import Graph, ops
from archspec.ops import Shape
from builder.weights.units import Layout, Role


class Unknown:
    """An order of features that no rule gives: elements were moved in a way that depends on where channels stand."""


Positions: TypeAlias = np.ndarray[Any, np.dtype[np.intp]]
FeatureOrder: TypeAlias = Positions | Unknown | None
"""For each feature here, its position where channels come first; None where both are the same."""

POINTWISE = (ops.Activation, ops.Softmax, ops.Dropout, ops.BatchNorm, ops.LayerNorm, ops.Add, ops.Multiply)


def arriving_orders(graph: Graph) -> Mapping[str, FeatureOrder]:
    """For each operation on a vector, the order of the features that arrive.

    A flattened picture is row by row with channels last here, and channel by channel in PyTorch.
    """
    leaving: list[FeatureOrder] = []
    arriving: dict[str, FeatureOrder] = {}
    for node in graph.nodes:
        orders = [leaving[index] for index in node.inputs]
        shapes = graph.input_shapes(node)
        arriving[node.name] = orders[0] if orders else None
        leaving.append(_leaving(node.op, shapes, orders) if len(node.shape) == 1 else None)
        if len(node.shape) > 1 and isinstance(node.op, ops.Reshape | ops.Permute):
            leaving[-1] = Unknown()
    return arriving


def _leaving(op: ops.Op, shapes: list[Shape], orders: list[FeatureOrder]) -> FeatureOrder:
    if isinstance(op, ops.Flatten | ops.Reshape):
        if len(shapes[0]) == 1 or isinstance(orders[0], Unknown):
            return orders[0]
        return flattened_order(shapes[0]) if len(shapes[0]) == 3 else Unknown()
    if isinstance(op, ops.Concat):
        return _side_by_side(shapes, orders)
    if not isinstance(op, POINTWISE):
        return None
    same = all(_same(orders[0], order) for order in orders)
    return orders[0] if same else Unknown()


def flattened_order(shape: Shape) -> Positions | None:
    """For each element of a flattened (height, width, channels), its position with the channels flattened first."""
    height, width, channels = shape
    if height * width == 1 or channels == 1:
        return None
    return np.arange(math.prod(shape)).reshape(channels, height, width).transpose(1, 2, 0).ravel()


def _side_by_side(shapes: list[Shape], orders: list[FeatureOrder]) -> FeatureOrder:
    if any(isinstance(order, Unknown) for order in orders):
        return Unknown()
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
    """A tensor as Keras has it, in float32.

    Args:
        layout: whose the tensor is.
        order: of the features that arrive at the layer.
        shape: of the variable.
    """
    values = values.astype(np.float32)
    if layout == "torch" and role == "kernel":
        values = values.transpose(2, 3, 1, 0) if values.ndim == 4 else values.T
    if layout == "torch" and _reorders(order, role, values.shape):
        values = values[..., order, :] if role == "kernel" else values[order]
    return np.ascontiguousarray(values.reshape(shape))


def _reorders(order: FeatureOrder, role: Role, shape: Shape) -> TypeGuard[Positions]:
    """Whether a tensor has the features in their other order; not so a convolution over the picture before them."""
    axis = {"bias": None, "kernel": -2}.get(role, -1)
    return isinstance(order, np.ndarray) and axis is not None and shape[axis] == len(order)


def to_torch(values: np.ndarray, role: Role, size: Shape, order: FeatureOrder, shape: Shape) -> np.ndarray:
    """The reverse of `to_keras`; `size` is the layer's (see `units`), `shape` that of PyTorch's tensor."""
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
    """What `to_keras` does, in words; nothing where the tensor is as it is there."""
    transposed = layout == "torch" and role == "kernel"
    arranged = (*theirs[2:], theirs[1], theirs[0]) if transposed else theirs
    reordered = layout == "torch" and _reorders(order, role, arranged)
    words = {"transposed": transposed, "features reordered": reordered, "reshaped": arranged != ours}
    return tuple(word for word, applies in words.items() if applies)

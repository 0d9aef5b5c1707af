"""Batch normalisation folded into the kernel before it: a pass over a graph and its weights, for inference only.

A trained normalisation multiplies each channel by one number and adds another, which a convolution or a dense layer
before it can do as well: kernel' = kernel * s and bias' = beta + (bias - mean) * s, with s = gamma / sqrt(variance +
epsilon) (Jacob et al. 2017, arXiv:1712.05877, section 3.2).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from archspec import Graph, Node, ops
from archspec.ops import Op
from builder.network.naming import VARIABLES

Weights = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Folded:
    """A graph with fewer nodes, its weights by `node/variable`, and the names of the normalisations that are gone."""

    graph: Graph
    weights: Weights
    folded: tuple[str, ...]


def fold(graph: Graph, weights: Weights) -> Folded:
    """Folds each batch normalisation that directly follows a kernel whose output nothing else takes.

    Args:
        graph: the trained network's graph, which is not changed.
        weights: all variables of the network, by `node/variable` as Keras names them.

    Returns:
        A graph that computes the same in inference, up to rounding: the arithmetic is in float64, and the weights keep
        their type.
    """
    pairs = {position: _kernel_before(graph, position) for position in range(len(graph.nodes))}
    pairs = {norm: kernel for norm, kernel in pairs.items() if kernel is not None}
    gone = set(pairs.values())
    new_weights = dict(weights)
    nodes: list[Node] = []
    positions: dict[int, int] = {}
    for position, node in enumerate(graph.nodes):
        if position in gone:
            continue  # it takes the place of its normalisation, which comes after all of its inputs
        positions[position] = len(nodes)
        if (kernel := pairs.get(position)) is not None:
            norm, node = node, graph.nodes[kernel]
            axes = node.op.weights(graph.input_shapes(node))["kernel"].output_axes
            _fold_weights(node, axes, norm, new_weights)
            node = replace(node, op=_with_bias(node.op))
        nodes.append(replace(node, inputs=tuple(positions[index] for index in node.inputs)))
    return Folded(Graph(graph.name, tuple(nodes)), new_weights, tuple(graph.nodes[norm].name for norm in pairs))


def _kernel_before(graph: Graph, position: int) -> int | None:
    """The position of the node into whose kernel the normalisation at `position` can be folded, if there is one."""
    node = graph.nodes[position]
    if not isinstance(node.op, ops.BatchNorm):
        return None
    (before,) = node.inputs
    if graph.consumers[before] != (position,):
        return None
    # Everything that it has must scale and shift with the channels of its output, and it must be able to have a bias.
    taken = graph.nodes[before]
    kernels = taken.op.weights(graph.input_shapes(taken))
    scales = kernels.keys() - {"bias"} == {"kernel"} and kernels["kernel"].output_axes > 0
    return before if scales and hasattr(taken.op, "bias") else None


def _with_bias(op: Any) -> Op:
    return replace(op, bias=True)


def _fold_weights(node: Node, output_axes: int, norm: Node, weights: dict[str, np.ndarray]) -> None:
    """Replaces the weights of a kernel and of its normalisation by the kernel's new ones."""

    def take(node: Node, role: str, default: float) -> np.ndarray:
        return np.asarray(weights.pop(_key(node, role), default), np.float64)

    assert isinstance(norm.op, ops.BatchNorm)
    scale = take(norm, "gamma", 1) / np.sqrt(take(norm, "variance", 1) + norm.op.epsilon)
    kernel = weights[_key(node, "kernel")]
    factor = scale.reshape(kernel.shape[-output_axes:])
    offset = take(norm, "beta", 0) + (take(node, "bias", 0) - take(norm, "mean", 0)) * scale
    weights[_key(node, "kernel")] = (kernel * factor).astype(kernel.dtype)
    weights[_key(node, "bias")] = offset.astype(kernel.dtype)


def _key(node: Node, role: str) -> str:
    return f"{node.name}/{VARIABLES[role]}"

"""Batch normalisation folded into the kernel before it: a pass on a graph and its weights, for inference only.

A trained normalisation is one multiplication and one addition a channel, and so is part of a convolution or a dense
layer that it follows: kernel' = kernel * s and bias' = beta + (bias - mean) * s, with s = gamma / sqrt(variance +
epsilon) (Jacob et al. 2017, arXiv:1712.05877, section 3.2).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from archspec import Graph, Node, ops

Weights = Mapping[str, np.ndarray]
KERNELS = (ops.Conv, ops.DepthwiseConv, ops.Dense)


@dataclass(frozen=True)
class Folded:
    """A graph with fewer nodes, its weights by `node/variable`, and the names of the normalisations that went."""

    graph: Graph
    weights: dict[str, np.ndarray]
    folded: tuple[str, ...]


def fold(graph: Graph, weights: Weights) -> Folded:
    """Folds each batch normalisation that directly follows a kernel whose output nothing else takes.

    Args:
        graph: of the trained network; it stays as it is.
        weights: all of its variables, by `node/variable` as Keras names them.

    Returns:
        A graph that computes the same in inference, up to rounding: the sums are in float64, the weights keep their
        type.
    """
    pairs = {position: _kernel_before(graph, position) for position in range(len(graph.nodes))}
    pairs = {norm: kernel for norm, kernel in pairs.items() if kernel is not None}
    gone = set(pairs.values())
    new_weights = dict(weights)
    nodes: list[Node] = []
    positions: dict[int, int] = {}
    for position, node in enumerate(graph.nodes):
        if position in gone:
            continue  # it stands where its normalisation stood, which is after all that it takes
        positions[position] = len(nodes)
        if (kernel := pairs.get(position)) is not None:
            norm, node = node, graph.nodes[kernel]
            _fold_weights(node, norm, new_weights)
            assert isinstance(node.op, KERNELS)
            node = replace(node, op=replace(node.op, bias=True))
        nodes.append(replace(node, inputs=tuple(positions[index] for index in node.inputs)))
    return Folded(Graph(graph.name, tuple(nodes)), new_weights, tuple(graph.nodes[norm].name for norm in pairs))


def _kernel_before(graph: Graph, position: int) -> int | None:
    """The position of the kernel that a normalisation at `position` can be folded into."""
    node = graph.nodes[position]
    if not isinstance(node.op, ops.BatchNorm):
        return None
    (before,) = node.inputs
    alone = graph.consumers[before] == (position,)
    return before if alone and isinstance(graph.nodes[before].op, KERNELS) else None


def _fold_weights(node: Node, norm: Node, weights: dict[str, np.ndarray]) -> None:
    """Replaces the weights of a kernel and its normalisation by the kernel's new ones."""

    def take(name: str, default: float) -> np.ndarray:
        return np.asarray(weights.pop(name, default), np.float64)

    assert isinstance(norm.op, ops.BatchNorm)
    scale = take(f"{norm.name}/gamma", 1) / np.sqrt(take(f"{norm.name}/moving_variance", 1) + norm.op.epsilon)
    kernel = weights[f"{node.name}/kernel"]
    # A depthwise kernel is (height, width, channels, multiplier), and its outputs are in that order.
    factor = scale.reshape(kernel.shape[2:]) if isinstance(node.op, ops.DepthwiseConv) else scale
    offset = take(f"{norm.name}/beta", 0) + (take(f"{node.name}/bias", 0) - take(f"{norm.name}/moving_mean", 0)) * scale
    weights[f"{node.name}/kernel"] = (kernel * factor).astype(kernel.dtype)
    weights[f"{node.name}/bias"] = offset.astype(kernel.dtype)

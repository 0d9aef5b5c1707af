"""Where a network is looked into: the feature map whose parts are weighed, and by which method.

Where global average pooling meets one dense layer, a class's logit is the mean of a map and a bias, and the map is
exact (Zhou et al. 2016, "Learning deep features for discriminative localization", arXiv:1512.04150). Elsewhere the
gradient of the logit weighs the channels of the last feature map (Selvaraju et al. 2017, "Grad-CAM", arXiv:1610.02391);
where both apply, they are equal but for a positive factor.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from archspec import Graph, Node, ops
from archspec.ops import show
from archspec.ops.base import WindowedOp

Method = Literal["CAM", "Grad-CAM"]
PLAIN = (ops.Flatten, ops.Dropout, ops.Reshape)
"""What changes no number of a vector, or of a picture of one pixel, in inference."""
COARSER = (ops.MaxPool, ops.AvgPool, ops.Dropout, ops.ZeroPad)
"""What follows the last convolution and makes its map coarser, but adds nothing to it."""


@dataclass(frozen=True)
class Target:
    """Where a network is looked into.

    Attributes:
        layer: the name of the node whose output is the feature map.
        size: the height and width of the map.
        method: how its channels are weighed: by the weights of the classifier, or by the gradient of the class.
        classifier: for CAM, the name of the dense layer; None where each channel of the map is that of a class.
    """

    layer: str
    size: tuple[int, int]
    method: Method
    classifier: str | None = None

    @property
    def in_words(self) -> str:
        """The method and the layer: `CAM at stage2.block2.activation, 4x4`."""
        return f"{self.method} at {self.layer}, {show(self.size)}"


def target_of(graph: Graph) -> Target | None:
    """Where a network is looked into; None if no layer of it has a feature map of more than one pixel that all of its
    answer depends on."""
    return _pooled(graph) or _last_map(graph)


def _pooled(graph: Graph) -> Target | None:
    """The map that global average pooling takes, if at most one dense layer follows."""
    classifier: str | None = None
    node = graph.output
    while node.inputs:
        before = graph.nodes[node.inputs[0]]
        if _is_mean(node, before):
            return Target(before.name, _size(before), "CAM", classifier) if _is_map(before) else None
        if isinstance(node.op, PLAIN) and not _is_map(before):
            pass
        elif classifier is None and _is_dense(node, before):
            classifier = node.name
        else:
            return None
        node = before
    return None


def _is_mean(node: Node, before: Node) -> bool:
    """Whether a node is the mean of a feature map."""
    if isinstance(node.op, ops.AvgPool):
        return node.shape[:2] == (1, 1) and node.op.size == before.shape[:2]
    return isinstance(node.op, ops.GlobalAvgPool)


def _is_dense(node: Node, before: Node) -> bool:
    """Whether a node is a dense layer, or the convolution that is one where the picture has one pixel."""
    if isinstance(node.op, ops.Conv):
        return math.prod(before.shape[:-1]) == 1 and node.op.kernel == (1, 1) and node.op.groups == 1
    return isinstance(node.op, ops.Dense)


def _last_map(graph: Graph) -> Target | None:
    """The last feature map that no path from the picture to the output avoids, before pooling makes it coarser."""
    passed = [position for position in _unavoidable(graph) if position and _is_map(graph.nodes[position])]
    if not passed:
        return None
    position = passed[-1]
    while isinstance(graph.nodes[position].op, COARSER) and graph.nodes[position].inputs[0] in passed:
        position = graph.nodes[position].inputs[0]
    node = graph.nodes[position]
    return Target(node.name, _size(node), "Grad-CAM")


def _unavoidable(graph: Graph) -> list[int]:
    """The positions of the nodes that are on every path from the picture to the output."""
    found, furthest = [], 0
    for position, consumers in enumerate(graph.consumers):
        if furthest <= position:
            found.append(position)
        furthest = max(furthest, *consumers, 0)
    return found


def _is_map(node: Node) -> bool:
    return len(node.shape) == 3 and node.shape[:2] != (1, 1)


def _size(node: Node) -> tuple[int, int]:
    return node.shape[0], node.shape[1]


def first_convolutions(graph: Graph) -> list[Node]:
    """The convolutions that see the picture itself, in order: one, or one for each tower or branch. Those whose kernel
    is a single pixel have nothing to show and are left out."""
    seen = {0}
    found = []
    for position, node in enumerate(graph.nodes[1:], 1):
        if not seen.issuperset(node.inputs):
            continue
        if isinstance(node.op, ops.Conv):
            found.append(node)
        elif not node.op.weights(graph.input_shapes(node)) and not isinstance(node.op, WindowedOp):
            seen.add(position)
    return [node for node in found if isinstance(node.op, ops.Conv) and node.op.kernel != (1, 1)]

"""Where a network differs from what PyTorch's layers do by default.

Weights that fit are no proof of the same function: a slope, an epsilon or a side of padding is in the module's code,
not in its state dict. Each of these differences may be meant, so they are reported and nothing is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from archspec import Graph, Node, ops
from archspec.ops.activations import RECORDS
from archspec.ops.windows import padding_sides
from archspec.wording import first_few
from builder.weights.matching import Matching

EPSILON = 1e-5
"""The epsilon of nn.BatchNorm2d and nn.LayerNorm; Keras's is 1e-3."""
SLOPE = 0.01
"""The negative slope of nn.LeakyReLU."""
NAMED = 3
"""How many layers a line names."""


def unlike_pytorch(matching: Matching) -> list[str]:
    """A line for each way in which the network differs from PyTorch's defaults; none for weights of Keras."""
    if matching.source.layout != "torch":
        return []
    return [f"to check: {line}" for line in _differences(matching.graph)]


def _differences(graph: Graph) -> Iterator[str]:
    for kind, word in ((ops.BatchNorm, "BatchNorm2d"), (ops.LayerNorm, "LayerNorm")):
        norms = [node for node in graph.nodes if isinstance(node.op, kind)]
        for epsilon in sorted({node.op.epsilon for node in norms} - {EPSILON}):  # type: ignore[attr-defined]
            differing = [node for node in norms if node.op.epsilon == epsilon]  # type: ignore[attr-defined]
            yield f"epsilon is {epsilon:g} in {_names(differing)}, and {EPSILON:g} in nn.{word} by default"
    for slope in sorted({_slope(node) for node in graph.nodes} - {SLOPE, None}, key=str):
        differing = [node for node in graph.nodes if _slope(node) == slope]
        yield (
            f"leaky_relu has a slope of {slope:g} in {_names(differing)}, and {SLOPE:g} in nn.LeakyReLU by default: "
            f"activation: {{leaky_relu: {{slope: {SLOPE:g}}}}}"
        )
    approximate = [node for node in graph.nodes if _argument(node, "gelu", "approximate")]
    if approximate:
        yield f"gelu is the approximation by tanh in {_names(approximate)}, and exact in nn.GELU by default"
    responses = [node for node in graph.nodes if isinstance(node.op, ops.LocalResponseNorm)]
    if responses:
        widths = sorted({2 * node.op.radius + 1 for node in responses})  # type: ignore[attr-defined]
        yield (
            f"alpha multiplies the sum over the channels in {_names(responses)}, and the mean in nn.LocalResponseNorm: "
            f"alpha here is the one there divided by its size, {' or '.join(map(str, widths))}"
        )
    uneven = [node for node in graph.nodes if _is_uneven(graph, node)]
    if uneven:
        yield (
            f"padding 'same' has more zeros at the end than at the beginning in {_names(uneven)}, and PyTorch's layers "
            "have as many at both: padding: symmetric"
        )


def _slope(node: Node) -> float | None:
    """The slope of a leaky_relu; None for anything else."""
    return _argument(node, "leaky_relu", "slope")


def _argument(node: Node, function: str, name: str) -> Any:
    """An argument of an activation function; None where the node is no such activation."""
    if not isinstance(node.op, ops.Activation) or node.op.function != function:
        return None
    return dict(node.op.arguments).get(name, RECORDS[function].fields[name].default)


def _is_uneven(graph: Graph, node: Node) -> bool:
    """Whether a window's own padding is `same` and falls unevenly on the two sides."""
    if getattr(node.op, "padding", None) != "same":
        return False
    (shape,) = graph.input_shapes(node)
    spans, strides = node.op.extents(), node.op.stride  # type: ignore[attr-defined]
    sides = [padding_sides("same", axis, shape[axis], spans[axis], strides[axis]) for axis in (0, 1)]
    return any(first != last for first, last in sides)


def _names(nodes: Sequence[Node]) -> str:
    return ", ".join(first_few([node.name for node in nodes], NAMED))

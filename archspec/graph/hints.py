"""Hints on a network that can be built and trained, and that is probably not what was meant."""

from __future__ import annotations

from collections.abc import Iterator

from archspec.graph.graph import Graph
from archspec.ops.pointwise import BatchNorm
from archspec.wording import first_few

LEAST_MOMENTUM = 0.5
"""No recipe keeps less of a moving average in a step; PyTorch's numbers, which count the other share, are all lower."""
NAMED = 3


def hints(graph: Graph) -> tuple[str, ...]:
    """The hints on a network, a sentence each."""
    return tuple(_momentum_of_pytorch(graph))


def _momentum_of_pytorch(graph: Graph) -> Iterator[str]:
    """A hint for each low momentum of batch normalisation, which is probably PyTorch's number."""
    layers: dict[float, list[str]] = {}
    for node in graph.nodes:
        if isinstance(node.op, BatchNorm) and node.op.momentum < LEAST_MOMENTUM:
            layers.setdefault(node.op.momentum, []).append(node.name)
    for momentum, names in layers.items():
        yield (
            f"batch_norm's momentum of {momentum:g} ({', '.join(first_few(names, NAMED))}) is the share of the moving "
            "averages that each step keeps, as in Keras (0.99 by default); PyTorch's momentum is the share that each "
            f"step replaces (0.1 by default), and its {momentum:g} is {1 - momentum:g} here"
        )

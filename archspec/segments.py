"""Segments of a network for training with less memory (`train.rematerialize`): only the tensors between segments are
kept for the gradient, and those inside one are computed again (Chen et al. 2016, arXiv:1604.06174)."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

from archspec.graph.graph import Graph

TOLERANCE = 0.01
"""How far above the least memory that of the segments may be, as a share of it."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Consecutive operations of a graph, by the positions of their nodes.

    Attributes:
        nodes: its operations.
        inputs: the earlier nodes whose outputs they take.
        outputs: those of its nodes whose outputs later segments take, or the network's output.
    """

    nodes: range
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


def segments(graph: Graph) -> tuple[Segment, ...]:
    """Cuts a network such that a training step holds the fewest elements at once, in `TOLERANCE`: the outputs of the
    segments so far, and all of the segment whose gradient is being computed.

    Any number of tensors may cross a cut, as in a residual block or between towers. No cut separates an operation on
    elements or channels, such as an activation or a normalisation, from the one before it, as the two may be computed
    together. A network that cannot save anything is one segment.
    """
    sizes = _sizes(graph)
    cuts = [position for position in range(len(graph.nodes)) if _can_follow(graph, position)]
    most = sum(sizes)
    found, least = [0, len(sizes) - 1], max(sizes)
    while most - least > TOLERANCE * least:
        limit = (most + least) // 2
        if chosen := _cut(sizes, _last_uses(graph), cuts, limit):
            found, most = chosen, limit
        else:
            least = limit
    return tuple(_segment(graph, range(first + 1, last + 1)) for first, last in itertools.pairwise(found))


def rematerialized_elements(graph: Graph) -> int:
    """The most elements that a training step holds at once if each of `segments` is computed again for its gradient."""
    sizes = _sizes(graph)
    kept = most = sizes[0]
    for segment in segments(graph):
        most = max(most, kept + sum(sizes[position] for position in segment.nodes))
        kept += sum(sizes[position] for position in segment.outputs)
    return most


def _sizes(graph: Graph) -> list[int]:
    return [math.prod(node.shape) for node in graph.nodes]


def _last_uses(graph: Graph) -> list[int]:
    """For each node, the position of the last one that takes its output; its own if there is none."""
    return [max(consumers, default=position) for position, consumers in enumerate(graph.consumers)]


def _can_follow(graph: Graph, position: int) -> bool:
    """Whether a segment may end with a node."""
    if position + 1 == len(graph.nodes):
        return True
    following = graph.nodes[position + 1]
    joined = following.op.acts_on in ("elements", "channels") and position in following.inputs
    return position == 0 or not joined


def _cut(sizes: list[int], last_uses: list[int], cuts: list[int], limit: int) -> list[int] | None:
    """The ends of segments with which a step holds at most `limit` elements, from the picture's position to that of
    the output; None if there are none.

    For each cut, it finds the fewest elements that the segments before it can keep, and of equals the longest segment.
    The last segment is the longest that the limit allows, as nothing of it has to be computed again.
    """
    kept: dict[int, int] = {0: sizes[0]}
    before: dict[int, int] = {}
    for number, end in enumerate(cuts[1:], 1):
        inside = outputs = 0
        position = end
        for start in reversed(cuts[:number]):
            for node in range(start + 1, position + 1):
                inside += sizes[node]
                outputs += sizes[node] if last_uses[node] > end else 0
            position = start
            if inside > limit:
                break
            if start in kept and kept[start] + inside <= limit:
                here = kept[start] + outputs
                if end == cuts[-1] or here <= kept.get(end, here):
                    kept[end], before[end] = here, start
    if cuts[-1] not in before:
        return None
    chosen = [cuts[-1]]
    while chosen[-1]:
        chosen.append(before[chosen[-1]])
    return chosen[::-1]


def _segment(graph: Graph, nodes: range) -> Segment:
    inputs = {index for position in nodes for index in graph.nodes[position].inputs if index < nodes.start}
    last_uses = _last_uses(graph)
    outputs = [position for position in nodes if last_uses[position] >= nodes.stop]
    is_last = nodes.stop == len(graph.nodes)
    return Segment(nodes, tuple(sorted(inputs)), (nodes.stop - 1,) if is_last else tuple(outputs))

"""The devices of a network whose towers have a device each."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from archspec.graph.graph import Graph


@dataclass(frozen=True, slots=True)
class Share:
    """What one device holds of a network.

    Attributes:
        parameters: of the nodes that run there, trainable or not.
        activation_elements: their outputs for one picture, and the outputs of other devices that they read.
    """

    parameters: int
    activation_elements: int


def placement(graph: Graph, devices: int) -> tuple[int, ...]:
    """The number, from 0, of the device that each node runs on and has its weights on.

    A tower's nodes are on the device of its number, and the picture is on device 0. Every other node (a concatenation
    of towers, the slices that they take, a layer between two `towers`) is where it moves the fewest bytes. A tensor
    moves once to each other device that reads it, and its gradient moves back; as all elements have the same number of
    bytes, elements are counted (`moved`). First, in order, each node goes where most of its input is, the lower number
    among equals; then nodes move, one at a time, as long as that lowers the sum. So the sum is a minimum that no single
    node can improve; several together might, where layers between towers are narrower in their middle.
    """
    places: list[int] = []
    free = []
    for position, node in enumerate(graph.nodes):
        if node.tower is not None or not node.inputs:
            places.append(node.tower or 0)
        else:
            free.append(position)
            held = [0] * devices
            for index in set(node.inputs):
                held[places[index]] += math.prod(graph.nodes[index].shape)
            places.append(held.index(max(held)))
    while _improved(graph, places, free, devices):
        pass
    return tuple(places)


def moved(graph: Graph, places: Sequence[int], positions: Iterable[int] | None = None) -> int:
    """The elements that the outputs of nodes (by default of all) move between devices, for one picture and one way."""
    total = 0
    for position in range(len(graph.nodes)) if positions is None else positions:
        readers = {places[index] for index in graph.consumers[position]} - {places[position]}
        total += len(readers) * math.prod(graph.nodes[position].shape)
    return total


def shares(graph: Graph, places: Sequence[int], devices: int) -> tuple[Share, ...]:
    """What each device holds of a network, given the device of each node."""
    parameters, elements = [0] * devices, [0] * devices
    for position, node in enumerate(graph.nodes):
        parameters[places[position]] += sum(node.op.parameters(graph.input_shapes(node)))
        for device in {places[position], *(places[index] for index in graph.consumers[position])}:
            elements[device] += math.prod(node.shape)
    return tuple(map(Share, parameters, elements))


def _improved(graph: Graph, places: list[int], free: Sequence[int], devices: int) -> bool:
    """Moves each free node, from the last to the first, to where it moves the least; whether any has moved."""
    has_moved = False
    for position in reversed(free):
        beside = {position, *graph.nodes[position].inputs}
        here = places[position]
        sums = []
        for places[position] in range(devices):
            sums.append(moved(graph, places, beside))
        places[position] = here if sums[here] == min(sums) else sums.index(min(sums))
        has_moved |= places[position] != here
    return has_moved

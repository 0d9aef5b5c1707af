"""Dense evaluation: a classifier as a fully convolutional network, for pictures of any size.

Simonyan and Zisserman 2014, arXiv:1409.1556, section 3.2: the first dense layer after a flattened feature map becomes
a convolution of that map's size, the others become 1x1 convolutions, and the class scores are averaged over the
positions. A network whose head pools globally takes any size as it is: a linear head on the mean over the positions
gives the mean of its scores.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import keras
import numpy as np

from archspec import Graph, ops
from archspec.errors import UserError, argument_problem
from archspec.graph.graph import Node
from archspec.ops.base import Op, Shape, ShapeError, show
from builder.network.model import build, weighted_layers

POSITIONS = "positions"
"""The name of the last node, the mean over positions."""


@dataclass(frozen=True)
class _Placed:
    """A node of the classifier in the new graph.

    Attributes:
        index: its position there.
        window: (height, width) of the part of a picture that has taken the place of a vector; None for a node whose
            output kept its meaning.
    """

    index: int
    window: tuple[int, int] | None = None


def fully_convolutional(graph: Graph) -> Graph:
    """A classifier's graph as one that takes pictures of other sizes too. Nodes with weights keep their names.

    Raises:
        UserError: a layer ties the network to the size at which it was trained.
    """
    nodes = [graph.input]
    placed = [_Placed(0)]
    for node in graph.nodes[1:]:
        inputs = [placed[index] for index in node.inputs]
        op, window = _converted(node, inputs, graph)
        if op is None:  # a flatten: the picture stays a picture
            placed.append(_Placed(inputs[0].index, window))
            continue
        indices = tuple(one.index for one in inputs)
        try:
            shape = op.shape([nodes[index].shape for index in indices])
        except ShapeError as error:
            raise _refused(node, f"cannot take a picture in place of a vector: {error}") from None
        nodes.append(Node(node.name, op, indices, shape))
        placed.append(_Placed(len(nodes) - 1, window))
    last = placed[-1]
    if last.window is not None:
        if last.window != (1, 1):
            raise _refused(graph.output, "flattens, and no dense layer follows")
        pool = ops.GlobalAvgPool()
        nodes.append(Node(POSITIONS, pool, (last.index,), pool.shape([nodes[last.index].shape])))
    return Graph(graph.name, tuple(nodes))


def _converted(node: Node, inputs: Sequence[_Placed], graph: Graph) -> tuple[Op | None, tuple[int, int] | None]:
    """The operation that takes a node's place, or None where it needs none, and the window of its output."""
    op, shapes = node.op, graph.input_shapes(node)
    windows = {one.window for one in inputs}
    if isinstance(op, ops.Flatten) and windows == {None} and len(shapes[0]) == 3:
        return None, (shapes[0][0], shapes[0][1])
    if windows == {None}:
        if isinstance(op, ops.Reshape) and len(shapes[0]) == 3 and shapes[0][:2] != (1, 1):
            raise _refused(node, f"has the fixed shape {show(node.shape)}")
        return op, None
    (window, *others) = windows
    if others or window is None:
        raise _refused(node, "merges a flattened picture with something else")
    if isinstance(op, ops.Dense):
        convolution = ops.Conv(
            filters=op.units,
            kernel=window,
            padding="valid",
            bias=op.bias,
            initializer=op.initializer,
            bias_initializer=op.bias_initializer,
        )
        return convolution, (1, 1)
    if isinstance(op, ops.Flatten) or (isinstance(op, ops.Permute) and op.acts_on == "elements"):
        return None, window  # of a vector, which stays as it is
    if op.acts_on == "elements" or (window == (1, 1) and _stays_at_its_position(op, shapes)):
        return op, window
    raise _refused(node, f"is a {op.kind} of a flattened picture")


def _stays_at_its_position(op: Op, vectors: Sequence[Shape]) -> bool:
    """Whether an operation on vectors does at each position of a picture what it does on a vector of its channels."""
    return op.acts_on != "whole" and op.windows([(1, 1, *shape) for shape in vectors]) is None


def _refused(node: Node, why: str) -> UserError:
    message = f"the layer '{node.name}' {why}, so the network takes pictures of its own size only; use another --crops"
    return argument_problem("--crops dense", message)


def resized(graph: Graph, size: tuple[int, int]) -> Graph:
    """A fully convolutional graph with its shapes for pictures of (height, width).

    Raises:
        UserError: a layer cannot take pictures of that size.
    """
    shape: Shape = (*size, graph.input.shape[-1])
    nodes = [dataclasses.replace(graph.input, op=ops.Input(size=shape), shape=shape)]
    for node in graph.nodes[1:]:
        try:
            shape = node.op.shape([nodes[index].shape for index in node.inputs])
        except ShapeError as error:
            raise _refused(node, f"cannot take pictures of {show(size)}: {error}") from None
        nodes.append(dataclasses.replace(node, shape=shape))
    return Graph(graph.name, tuple(nodes))


def convolutional_weights(graph: Graph, weights: Mapping[str, Sequence[np.ndarray]]) -> dict[str, list[np.ndarray]]:
    """A classifier's weights, by layer, in the shapes that a fully convolutional graph needs.

    The kernel of a dense layer that became a convolution is reshaped from (height * width * channels, units), which is
    flatten's order, to (height, width, channels, units).

    Args:
        graph: the fully convolutional one.
        weights: each layer's arrays, in Keras's order.
    """
    result = {name: list(arrays) for name, arrays in weights.items()}
    for node in graph.nodes:
        if isinstance(node.op, ops.Conv) and result[node.name][0].ndim == 2:
            kernel = result[node.name][0]
            channels = graph.input_shapes(node)[0][-1]
            result[node.name][0] = kernel.reshape(*node.op.kernel, channels, node.op.filters)
    return result


def dense_network(graph: Graph, network: keras.Model) -> keras.Model:
    """A trained network as one that takes pictures of any size not below its own.

    Args:
        network: the network of the graph, without its normalisation of pixels.

    Returns:
        A model from pictures (batch, height, width, channels) to logits (batch, classes), the means over the positions.

    Raises:
        UserError: a layer ties the network to the size at which it was trained.
    """
    convolutional = fully_convolutional(graph)
    height, width = graph.input.shape[:2]
    resized(convolutional, (2 * height + 1, 2 * width))
    model = build(convolutional, "fast", "float32", any_size=True)
    weights = {layer.name: layer.get_weights() for layer in weighted_layers(network)}
    for name, arrays in convolutional_weights(convolutional, weights).items():
        model.get_layer(name).set_weights(arrays)
    return model

"""Dense evaluation: a classifier as a fully convolutional network, for pictures of any size.

Simonyan and Zisserman 2014, arXiv:1409.1556, section 3.2: the first dense layer behind a flattened feature map becomes
a convolution of that map's size, the others 1x1 convolutions, and the class scores are averaged over the positions. A
network whose head pools globally takes any size as it is, and a linear head on the mean is the mean of its scores.
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
"""The name of the mean over positions, which comes last."""
ACROSS = ("softmax", "log_softmax", "sparsemax", "glu")
"""Activations that see a whole vector at once."""


@dataclass(frozen=True)
class _Placed:
    """Where a node of the classifier is in the new graph. `window` is (height, width) of the part of the picture there
    that stands for what was a vector; None where it is what it was."""

    index: int
    window: tuple[int, int] | None = None


def fully_convolutional(graph: Graph) -> Graph:
    """A classifier's graph that takes pictures of other sizes too; nodes with weights keep their names.

    Raises:
        UserError: a layer ties the network to the size that it was trained at.
    """
    nodes = [graph.input]
    placed = [_Placed(0)]
    for node in graph.nodes[1:]:
        inputs = [placed[index] for index in node.inputs]
        op, window = _converted(node, inputs, graph)
        if op is None:  # a flatten: the picture stays one
            placed.append(_Placed(inputs[0].index, window))
            continue
        indices = tuple(one.index for one in inputs)
        nodes.append(Node(node.name, op, indices, op.shape([nodes[index].shape for index in indices])))
        placed.append(_Placed(len(nodes) - 1, window))
    last = placed[-1]
    if last.window is not None:
        if last.window != (1, 1):
            raise _refused(graph.output, "flattens, and no dense layer follows")
        pool = ops.GlobalAvgPool()
        nodes.append(Node(POSITIONS, pool, (last.index,), pool.shape([nodes[last.index].shape])))
    return Graph(graph.name, tuple(nodes))


def _converted(node: Node, inputs: Sequence[_Placed], graph: Graph) -> tuple[Op | None, tuple[int, int] | None]:
    """The operation in a node's place, or none, and the window of what it gives."""
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
    keeps_place = isinstance(op, ops.Dropout | ops.Add | ops.Multiply | ops.Activation)
    if isinstance(op, ops.Activation) and op.function in ACROSS:
        keeps_place = False
    along_channels = isinstance(op, ops.Activation | ops.BatchNorm | ops.LayerNorm | ops.Softmax | ops.Concat)
    if keeps_place or (along_channels and window == (1, 1)):
        return op, window
    if isinstance(op, ops.Flatten):
        return None, window
    raise _refused(node, f"is a {op.kind} of a flattened picture")


def _refused(node: Node, why: str) -> UserError:
    message = f"the layer '{node.name}' {why}, so the network takes pictures of its own size only; use another --crops"
    return argument_problem("--crops dense", message)


def resized(graph: Graph, size: tuple[int, int]) -> Graph:
    """A fully convolutional graph with the shapes that it has for pictures of (height, width).

    Raises:
        UserError: a layer cannot take what arrives.
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
    """A classifier's weights by layer, those of dense layers that became convolutions reshaped: (height * width *
    channels, units) to (height, width, channels, units), which is flatten's order.

    Args:
        graph: the fully convolutional one.
        weights: of each layer, in Keras's order.
    """
    result = {name: list(arrays) for name, arrays in weights.items()}
    for node in graph.nodes:
        if isinstance(node.op, ops.Conv) and result[node.name][0].ndim == 2:
            kernel = result[node.name][0]
            channels = graph.input_shapes(node)[0][-1]
            result[node.name][0] = kernel.reshape(*node.op.kernel, channels, node.op.filters)
    return result


def dense_network(graph: Graph, network: keras.Model) -> keras.Model:
    """A trained network, without its normalisation of pixels, as one that takes pictures of any size not below its own:
    (batch, height, width, channels) to logits (batch, classes).

    Raises:
        UserError: a layer ties the network to its size.
    """
    convolutional = fully_convolutional(graph)
    height, width = graph.input.shape[:2]
    resized(convolutional, (2 * height + 1, 2 * width))
    model = build(convolutional, "fast", any_size=True)
    weights = {layer.name: layer.get_weights() for layer in weighted_layers(network)}
    for name, arrays in convolutional_weights(convolutional, weights).items():
        model.get_layer(name).set_weights(arrays)
    return model

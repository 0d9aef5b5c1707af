"""An ONNX file, for ONNX Runtime and other programs that read the format."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from archspec import Graph, ops
from builder.exports.inference import InferenceNetwork
from builder.network.naming import VARIABLES

OPSET = 17
"""The set of operators of 2022, which the runtimes in use understand."""
LEAST_INPUT = 1 << 20
"""Kernels of at least so many bytes are inputs of the graph until it is converted, and get their values then. The
converter copies a constant some 20 times."""


def write(network: InferenceNetwork, path: Path) -> None:
    """Writes a model from `pictures`, float32 (batch, height, width, channels) with pixels from 0 to 255, to
    `probabilities` (batch, classes) and `class_ids` (batch,), with the network's texts as its metadata."""
    import onnx
    import tf2onnx

    weights = network.folded.weights
    large = [name for name in _kernels(network.folded.graph) if weights[name].nbytes >= LEAST_INPUT]
    names = {name: f"weight{number}" for number, name in enumerate(large)}
    spec = tf.TensorSpec((None, *network.shape), tf.float32, "pictures")
    inputs = [tf.TensorSpec(weights[name].shape, tf.float32, names[name]) for name in large]

    @tf.function(autograph=False)
    def answers(pictures: tf.Tensor, *kernels: tf.Tensor) -> dict[str, tf.Tensor]:
        given = dict(zip(large, kernels, strict=True))
        shares = network.probabilities("fast", lambda name: given[name] if name in given else weights[name])(pictures)
        return {"class_ids": tf.argmax(shares, -1), "probabilities": shares}

    handlers: dict[str, tuple[Any, list[Any]]] = {name: (handler, []) for name, handler in HANDLERS.items()}
    model, _ = tf2onnx.convert.from_function(answers, [spec, *inputs], opset=OPSET, custom_op_handlers=handlers)
    fill_in(model.graph, {names[name]: weights[name] for name in large})
    for name, text in network.metadata().items():
        model.metadata_props.add(key=name, value=text)
    onnx.save(model, str(path))
    del model
    onnx.checker.check_model(str(path))


def _kernels(graph: Graph) -> list[str]:
    """The names of the weights that an operation of ONNX takes as they are, but for the order of their axes."""
    return [
        f"{node.name}/{VARIABLES['kernel']}"
        for node in graph.nodes
        if isinstance(node.op, ops.Dense) or (isinstance(node.op, ops.Conv) and node.op.groups == 1)
    ]


def fill_in(graph: Any, weights: Mapping[str, np.ndarray]) -> None:
    """Replaces inputs of a graph by their values, and carries out the transpositions of these.

    Args:
        graph: an `onnx.GraphProto`, which is changed.
        weights: the values, by the name of the input.
    """
    import onnx

    values, nodes = dict(weights), []
    for node in graph.node:  # each comes after those that it takes its inputs from
        if node.op_type == "Transpose" and node.input[0] in values:
            order = next(list(attribute.ints) for attribute in node.attribute if attribute.name == "perm")
            values[node.output[0]] = values[node.input[0]].transpose(order)
        else:
            nodes.append(onnx.NodeProto.FromString(node.SerializeToString()))
    taken = {name for node in nodes for name in node.input}
    inputs = [onnx.ValueInfoProto.FromString(one.SerializeToString()) for one in graph.input if one.name not in weights]
    del graph.node[:], graph.input[:]
    graph.node.extend(nodes)
    graph.input.extend(inputs)
    for name, value in values.items():
        if name in taken:
            content = np.ascontiguousarray(value, np.float32).tobytes()
            graph.initializer.add(name=name, dims=value.shape, data_type=onnx.TensorProto.FLOAT, raw_data=content)


def _one_minus_erf(graph: Any, node: Any, name: str, arguments: list[Any]) -> None:
    """1 - erf(x), in gelu."""
    _replace(graph, node, "Erf", one_first=True)


def _exp_minus_one(graph: Any, node: Any, name: str, arguments: list[Any]) -> None:
    """exp(x) - 1, in celu."""
    _replace(graph, node, "Exp", one_first=False)


HANDLERS = {"Erfc": _one_minus_erf, "Expm1": _exp_minus_one}
"""TensorFlow's operations that ONNX lacks and tf2onnx does not translate, with what translates them."""


def _replace(graph: Any, node: Any, function: str, one_first: bool) -> None:
    """Replaces an operation by the difference between a function and 1."""
    (x,), outputs = node.input, node.output
    dtype, shape = graph.get_dtype(outputs[0]), graph.get_shape(outputs[0])
    graph.remove_node(node.name)
    one = graph.make_const(f"{node.name}/one", np.ones((), np.float32)).output[0]
    value = graph.make_node(function, [x], shapes=[shape], dtypes=[dtype]).output[0]
    terms = [one, value] if one_first else [value, one]
    graph.make_node("Sub", terms, name=node.name, outputs=outputs, shapes=[shape], dtypes=[dtype])

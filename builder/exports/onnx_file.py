"""An ONNX file, for ONNX Runtime and other programs that read the format."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Mapping
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

    given: dict[str, tf.Tensor] = {}
    probabilities = network.probabilities("fast", lambda name: given[name] if name in given else weights[name])

    @tf.function(autograph=False)
    def answers(pictures: tf.Tensor, *kernels: tf.Tensor) -> dict[str, tf.Tensor]:
        given.update(zip(large, kernels, strict=True))
        shares = probabilities(pictures)
        return {"class_ids": tf.argmax(shares, -1), "probabilities": shares}

    handlers: dict[str, tuple[Any, list[Any]]] = {name: (handler, []) for name, handler in HANDLERS.items()}
    model, _ = tf2onnx.convert.from_function(answers, [spec, *inputs], opset=OPSET, custom_op_handlers=handlers)
    for name, text in network.metadata().items():
        model.metadata_props.add(key=name, value=text)
    sources = _without_inputs(model.graph, set(names.values()))
    by_input = {number: name for name, number in names.items()}

    def tensor(source: str, order: tuple[int, ...]) -> np.ndarray:
        value = weights[by_input[source]]
        return value.transpose(order) if order else value

    _write(model, {name: functools.partial(tensor, *source) for name, source in sources.items()}, path)
    onnx.checker.check_model(str(path))


def _kernels(graph: Graph) -> list[str]:
    """The names of the weights that an operation of ONNX takes as they are, but for the order of their axes."""
    return [
        f"{node.name}/{VARIABLES['kernel']}"
        for node in graph.nodes
        if isinstance(node.op, ops.Dense) or (isinstance(node.op, ops.Conv) and node.op.groups == 1)
    ]


def _without_inputs(graph: Any, inputs: Collection[str]) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Takes inputs away from a graph, and the transpositions of them.

    Args:
        graph: an `onnx.GraphProto`, which is changed.
        inputs: the names of the inputs.

    Returns:
        The tensors that its nodes now lack: the input that each was, and the order of its axes (none if unchanged).
    """
    found: dict[str, tuple[str, tuple[int, ...]]] = {name: (name, ()) for name in inputs}
    for node in graph.node:
        if node.op_type == "Transpose" and node.input[0] in inputs:
            (order,) = (tuple(attribute.ints) for attribute in node.attribute if attribute.name == "perm")
            found[node.output[0]] = (node.input[0], order)
    for repeated, is_gone in (
        (graph.node, lambda node: node.output[0] in found),
        (graph.input, lambda value: value.name in found),
    ):
        for index in reversed([index for index, one in enumerate(repeated) if is_gone(one)]):
            del repeated[index]
    taken = {name for node in graph.node for name in node.input}
    return {name: source for name, source in found.items() if name in taken}


def _write(model: Any, tensors: Mapping[str, Callable[[], np.ndarray]], path: Path) -> None:
    """Writes a model and further initialisers of its graph, which it reads one after the other.

    Protocol buffers would copy all of them several times. So the fields that hold them are written here, with their
    numbers from onnx.proto: `graph` of a model is 7, `initializer` of a graph 5, and `raw_data` of a tensor 9.
    """
    import onnx

    heads, lengths = {}, {}
    for name, read in tensors.items():
        value = read()
        head = onnx.TensorProto(name=name, dims=value.shape, data_type=onnx.TensorProto.FLOAT).SerializeToString()
        heads[name] = head + _field(9, value.nbytes)
        lengths[name] = len(heads[name]) + value.nbytes
    graph = model.graph.SerializeToString()
    model.ClearField("graph")
    size = len(graph) + sum(len(_field(5, length)) + length for length in lengths.values())
    with path.open("wb") as file:
        file.write(model.SerializeToString() + _field(7, size) + graph)
        for name, read in tensors.items():
            file.write(_field(5, lengths[name]) + heads[name])
            file.write(np.ascontiguousarray(read(), np.float32).data)


def _field(number: int, length: int) -> bytes:
    """What stands ahead of a field of `length` bytes: its number and type, and the length."""
    content = bytearray([number << 3 | 2])
    while length > 127:
        content.append(length & 127 | 128)
        length >>= 7
    return bytes([*content, length])


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

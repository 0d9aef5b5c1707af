"""An ONNX file, for ONNX Runtime and other programs that read the format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from builder.exports.inference import InferenceNetwork, frozen

OPSET = 17
"""The set of operators of 2022, which the runtimes in use understand."""


def write(network: InferenceNetwork, path: Path) -> None:
    """Writes a model from `pictures`, float32 (batch, height, width, channels) with pixels from 0 to 255, to
    `probabilities` (batch, classes) and `class_ids` (batch,), with the network's texts as its metadata."""
    import onnx
    import tf2onnx

    probabilities = frozen(network.model("fast"))
    spec = tf.TensorSpec((None, *network.shape), tf.float32, "pictures")

    @tf.function(input_signature=[spec], autograph=False)
    def answers(pictures: tf.Tensor) -> dict[str, tf.Tensor]:
        shares = probabilities(pictures)
        return {"class_ids": tf.argmax(shares, -1), "probabilities": shares}

    handlers: dict[str, tuple[Any, list[Any]]] = {name: (handler, []) for name, handler in HANDLERS.items()}
    model, _ = tf2onnx.convert.from_function(answers, [spec], opset=OPSET, custom_op_handlers=handlers)
    for name, text in network.metadata().items():
        model.metadata_props.add(key=name, value=text)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


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

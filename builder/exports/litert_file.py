"""LiteRT (TensorFlow Lite), for phones and small devices, in four sizes of number."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from archspec import Graph, Node, ops
from builder.exports.folding import Folded
from builder.exports.inference import InferenceNetwork, frozen
from builder.network.stock_layers import sides_of
from builder.system.tensorflow_start import stderr_captured

KINDS = ("float32", "float16", "dynamic", "int8")


def write(network: InferenceNetwork, path: Path, kind: str, calibration: np.ndarray) -> None:
    """Writes a model from `pictures` to `probabilities`, its batch 1 unless it is resized.

    Args:
        kind: `float32`; `float16`, weights in half the size; `dynamic`, weights in a quarter, activations as floats;
            `int8`, all of it whole numbers of 8 bits, pictures as uint8 and probabilities as uint8 with their scales.
        calibration: pictures (count, height, width, channels) that show which values activations take, for `int8`.
    """
    probabilities = frozen(replace(network, folded=padded_with_zeros(network.folded)).model("portable"))
    spec = tf.TensorSpec((None, *network.shape), tf.float32, "pictures")

    @tf.function(input_signature=[spec], autograph=False)
    def answers(pictures: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"probabilities": probabilities(pictures)}

    module = tf.Module()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([answers.get_concrete_function()], module)
    _SET[kind](converter, calibration)
    with stderr_captured(), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that TensorFlow's own interpreter, which calibrates, will go
        content = converter.convert()
    path.write_bytes(content)


def _float16(converter: Any, calibration: np.ndarray) -> None:
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]


def _dynamic(converter: Any, calibration: np.ndarray) -> None:
    converter.optimizations = [tf.lite.Optimize.DEFAULT]


def _int8(converter: Any, calibration: np.ndarray) -> None:
    def pictures() -> Iterator[dict[str, np.ndarray]]:
        for picture in calibration:
            yield {"pictures": picture[np.newaxis].astype(np.float32)}

    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = pictures
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.uint8
    converter.inference_output_type = tf.uint8


_SET: dict[str, Callable[[Any, np.ndarray], None]] = {
    "float32": lambda converter, calibration: None,
    "float16": _float16,
    "dynamic": _dynamic,
    "int8": _int8,
}


def padded_with_zeros(folded: Folded) -> Folded:
    """The same with padded max pooling behind a ReLU as padding with zeros and pooling without.

    The values are never negative there, so that zeros do not win either, and the minus infinity that pads elsewhere
    would take up the whole range of an 8-bit number.
    """
    nodes: list[Node] = []
    positions: dict[int, int] = {}
    graph = folded.graph
    for position, node in enumerate(graph.nodes):
        inputs = tuple(positions[index] for index in node.inputs)
        if isinstance(node.op, ops.MaxPool) and node.op.padding not in ("valid", "same"):
            before = graph.nodes[node.inputs[0]]
            if isinstance(before.op, ops.Activation) and before.op.function in ("relu", "relu6"):
                sides = sides_of(node.op, np.empty((1, *before.shape)))
                pad = ops.ZeroPad(padding=sides)
                nodes.append(Node(f"{node.name}.zeros", pad, inputs, pad.shape([before.shape])))
                inputs = (len(nodes) - 1,)
                node = replace(node, op=replace(node.op, padding="valid"))
        positions[position] = len(nodes)
        nodes.append(replace(node, inputs=inputs))
    return Folded(Graph(graph.name, tuple(nodes)), folded.weights, folded.folded)

"""LiteRT (TensorFlow Lite) files, for phones and small devices, in four precisions."""

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
from builder.exports.inference import InferenceNetwork
from builder.network.stock_layers import sides_of
from builder.system.tensorflow_start import stderr_captured


def write(network: InferenceNetwork, path: Path, precision: str, calibration: np.ndarray) -> None:
    """Writes a model from `pictures` to `probabilities`, whose batch is 1 unless its input is resized.

    Args:
        network: the network.
        path: the file.
        precision: `float32`; `float16`, with weights of half the size; `dynamic`, with weights of a quarter of the size
            and activations as floats; `int8`, with whole numbers of 8 bits throughout: pictures and probabilities are
            uint8 with a scale and a zero point.
        calibration: for `int8`, pictures (count, height, width, channels) that show the ranges of activations.
    """
    network = replace(network, folded=padded_with_zeros(network.folded))
    # The converter makes constants of variables itself. Given constants, it takes 20 times their memory.
    variables = {name: tf.Variable(value, trainable=False) for name, value in network.folded.weights.items()}
    probabilities = network.probabilities("portable", variables.__getitem__)
    spec = tf.TensorSpec((None, *network.shape), tf.float32, "pictures")

    @tf.function(input_signature=[spec], autograph=False)
    def answers(pictures: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"probabilities": probabilities(pictures)}

    module = tf.Module()
    module.variables_in_use = list(variables.values())
    converter = tf.lite.TFLiteConverter.from_concrete_functions([answers.get_concrete_function()], module)
    QUANTISATIONS[precision](converter, calibration)
    with stderr_captured(), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # TensorFlow's own interpreter, which calibrates, is deprecated
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


QUANTISATIONS: dict[str, Callable[[Any, np.ndarray], None]] = {
    "float32": lambda converter, calibration: None,
    "float16": _float16,
    "dynamic": _dynamic,
    "int8": _int8,
}


def padded_with_zeros(folded: Folded) -> Folded:
    """Splits padded max pooling that follows a ReLU into padding with zeros and pooling without padding.

    After a ReLU no value is negative, so a zero never displaces another maximum. The minus infinity that max pooling
    pads with would take up the whole range of an 8-bit number.
    """
    nodes: list[Node] = []
    positions: dict[int, int] = {}
    graph = folded.graph
    for position, node in enumerate(graph.nodes):
        inputs = tuple(positions[index] for index in node.inputs)
        if isinstance(node.op, ops.MaxPool) and node.op.padding not in ("valid", "same"):
            before = graph.nodes[node.inputs[0]]
            if before.op in (ops.Activation(function="relu"), ops.Activation(function="relu6")):
                sides = sides_of(node.op, np.empty((1, *before.shape)))
                pad = ops.ZeroPad(padding=sides)
                nodes.append(Node(f"{node.name}.zeros", pad, inputs, pad.shape([before.shape])))
                inputs = (len(nodes) - 1,)
                node = replace(node, op=replace(node.op, padding="valid"))
        positions[position] = len(nodes)
        nodes.append(replace(node, inputs=inputs))
    return Folded(Graph(graph.name, tuple(nodes)), folded.weights, folded.folded)

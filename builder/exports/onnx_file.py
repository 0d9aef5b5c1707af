"""An ONNX file, for ONNX Runtime and other programs that read the format."""

from __future__ import annotations

from pathlib import Path

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

    model, _ = tf2onnx.convert.from_function(answers, [spec], opset=OPSET)
    for name, text in network.metadata().items():
        model.metadata_props.add(key=name, value=text)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))

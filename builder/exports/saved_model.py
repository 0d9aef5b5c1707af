"""A SavedModel, which TensorFlow alone, TensorFlow Serving and `saved_model_cli` run."""

from __future__ import annotations

import tempfile
from pathlib import Path

import tensorflow as tf

from builder.exports.inference import InferenceNetwork, endpoints


def write(network: InferenceNetwork, folder: Path, precision: str = "float32") -> None:
    """Writes a SavedModel into a folder, with the texts of the network as assets.

    Args:
        network: the network.
        folder: the folder, which need not exist.
        precision: `float32`, or `mixed_bfloat16` for activations and kernels in bfloat16. Inputs and outputs are the
            same for both.
    """
    signatures, variables = endpoints(network, precision)
    module = tf.Module()
    module.variables_in_use = variables  # a SavedModel holds only the variables that its module refers to
    with tempfile.TemporaryDirectory() as texts:
        for name, text in network.texts.items():
            (Path(texts) / name).write_text(text, encoding="utf-8")
        module.texts = [tf.saved_model.Asset(str(Path(texts) / name)) for name in network.texts]
        tf.saved_model.save(module, str(folder), signatures=signatures)

"""A `.keras` file of stock layers, which Keras alone opens."""

from __future__ import annotations

from pathlib import Path

import keras

from builder.exports.inference import InferenceNetwork


def write(network: InferenceNetwork, path: Path) -> None:
    """Writes a model from `pictures` (batch, height, width, channels), pixels from 0 to 255, to `probabilities` (batch,
    classes)."""
    model = network.model()
    probabilities = keras.layers.Softmax(name="probabilities")(model.output)
    keras.Model(model.input, probabilities, name=network.name).save(path)

"""Normalisation of pixels: the one step between a data set's pictures and a network, part of every trained model."""

from __future__ import annotations

from dataclasses import dataclass

import keras
import numpy as np


@dataclass(frozen=True)
class Normalisation:
    """Mean and standard deviation of each channel, in the units of the data set's uint8 pixels."""

    mean: tuple[float, ...]
    std: tuple[float, ...]

    @classmethod
    def of(cls, pictures: np.ndarray) -> Normalisation:
        """Those of pictures (number, height, width, channels). A channel that never changes gets the deviation 1."""
        values = pictures.reshape(-1, pictures.shape[-1])
        mean = values.mean(0, dtype=np.float64)
        std = values.std(0, dtype=np.float64)
        return cls(tuple(mean.tolist()), tuple(np.where(std > 0, std, 1.0).tolist()))

    def layer(self) -> keras.layers.Layer:
        """(pixel - mean) / std as a stock layer without weights, in float32."""
        scale = [1 / std for std in self.std]
        offset = [-mean / std for mean, std in zip(self.mean, self.std, strict=True)]
        return keras.layers.Rescaling(scale, offset, name="pixels", dtype="float32")


def from_pixels(network: keras.Model, pixels: Normalisation) -> keras.Model:
    """The network behind its normalisation: a model from a data set's pictures as they are, uint8 or the same values
    as floats, to logits. It shares the network's layers and weights."""
    pictures = keras.Input(network.input.shape[1:], name="pictures", dtype="float32")
    return keras.Model(pictures, network(pixels.layer()(pictures)), name=network.name)

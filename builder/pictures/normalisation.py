"""Normalisation of pixels: the step between a data set's pictures and a network, part of every trained model."""

from __future__ import annotations

from dataclasses import dataclass

import keras

from archspec.errors import argument_problem
from archspec.recipe.normalisation import NORMALISATIONS
from archspec.vocabulary.suggestions import value_hint
from archspec.wording import counted, quoted


@dataclass(frozen=True)
class Normalisation:
    """The mean and standard deviation of each channel, in the units of the data set's uint8 pixels."""

    mean: tuple[float, ...]
    std: tuple[float, ...]

    @classmethod
    def named(cls, name: str, channels: int) -> Normalisation:
        """One of `archspec.recipe.normalisation.NORMALISATIONS`, for pixels from 0 to 255.

        Raises:
            UserError: there is none of that name, or it has another number of channels.
        """
        if name not in NORMALISATIONS:
            hint = value_hint("normalisation", name) or f"; choose from {', '.join(NORMALISATIONS)}"
            raise argument_problem("normalisation", f"there is none named {quoted(name)}{hint}")
        mean, std = (
            tuple(255 * value for value in (numbers * channels if len(numbers) == 1 else numbers))
            for numbers in NORMALISATIONS[name]
        )
        if len(mean) != channels:
            message = f"{name} is for {counted(len(mean), 'channel')}, and the network takes {channels}"
            raise argument_problem("normalisation", message)
        return cls(mean, std)

    def layer(self) -> keras.layers.Layer:
        """A stock layer without weights that computes (pixel - mean) / std in float32."""
        scale = [1 / std for std in self.std]
        offset = [-mean / std for mean, std in zip(self.mean, self.std, strict=True)]
        return keras.layers.Rescaling(scale, offset, name="pixels", dtype="float32")


def from_pixels(network: keras.Model, normalisation: Normalisation) -> keras.Model:
    """A model that normalises pixels and then applies the network, whose layers and weights it shares.

    It maps pictures (batch, height, width, channels) as the data set has them, uint8 or the same values as floats, to
    logits (batch, classes).
    """
    pictures = keras.Input(network.input.shape[1:], name="pictures", dtype="float32")
    return keras.Model(pictures, network(normalisation.layer()(pictures)), name=network.name)

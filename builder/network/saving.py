"""Layers of this project that are written to files as the stock layers whose weights and arithmetic they share.

A model that a user trains with `fit` and saves with `save` must open where this project is not installed. Keras writes
a layer as its class's module and name with the layer's configuration, and stores its weights under the name of the
class in snake case. A subclass that goes by the names of its stock class, and adds nothing to its configuration, is
therefore read as the stock layer, by `load_model`, `load_weights`, `model_from_json` and `pickle` alike.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import keras

Layer = TypeVar("Layer", bound=type[keras.layers.Layer])


def saved_as(stock: type[keras.layers.Layer]) -> Callable[[Layer], Layer]:
    """A decorator that gives a subclass the names of the stock class by which Keras saves and finds it."""

    def named(layer: Layer) -> Layer:
        is_public = getattr(keras.layers, stock.__name__, None) is stock
        layer.__module__ = "keras.layers" if is_public else stock.__module__
        layer.__name__ = layer.__qualname__ = stock.__name__
        return layer

    return named


def _functional() -> type[keras.Model]:
    """Keras's class of models that are made from their inputs and outputs, which has no public name."""
    nothing = keras.Input((1,), name="nothing")
    return type(keras.Model(nothing, nothing, name="nothing"))


FUNCTIONAL = _functional()

"""Activation functions that train faster than the stock layer, or that TensorFlow would otherwise compute wrongly."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import keras
import tensorflow as tf

from builder.network.choices import GELU_GRADIENT, RELU_GRADIENT
from builder.network.saving import saved_as


def relu(x: tf.Tensor) -> tf.Tensor:
    """max(x, 0), with the gradient that is faster on the device."""
    return _selecting_relu(x) if RELU_GRADIENT.option(x.dtype) == "selection" else tf.nn.relu(x)


@tf.custom_gradient
def _selecting_relu(x: tf.Tensor) -> tuple[tf.Tensor, Any]:
    y = tf.nn.relu(x)
    return y, lambda dy: tf.where(y > 0, dy, tf.zeros_like(dy))


def gelu(x: tf.Tensor) -> tf.Tensor:
    """x times the distribution function of the normal distribution at x (Hendrycks and Gimpel 2016, arXiv:1606.08415),
    exact, with the gradient that is faster on the device."""
    return _closed_gelu(x) if GELU_GRADIENT.option(x.dtype) == "closed form" else tf.nn.gelu(x, approximate=False)


@tf.custom_gradient
def _closed_gelu(x: tf.Tensor) -> tuple[tf.Tensor, Any]:
    distribution = 0.5 * tf.math.erfc(-math.sqrt(0.5) * x)

    def gradient(dy: tf.Tensor) -> tf.Tensor:
        density = tf.exp(-0.5 * tf.square(x)) * (1 / math.sqrt(2 * math.pi))
        return dy * (distribution + x * density)

    return x * distribution, gradient


def _unjoined(function: str) -> Callable[[tf.Tensor], tf.Tensor]:
    """A function of Keras that TensorFlow does not join with the operations before it.

    With oneDNN, it joins a convolution, a batch normalisation and tanh into one operation that is not implemented.
    """
    return lambda x: keras.activations.get(function)(tf.ensure_shape(x, x.shape))


FUNCTIONS: Mapping[str, Callable[[tf.Tensor], tf.Tensor]] = {
    "relu": relu,
    "gelu": gelu,
    "tanh": _unjoined("tanh"),
    "mish": _unjoined("mish"),
}
"""The functions, without parameters, that are computed in another way than Keras's, by Keras's names."""


@saved_as(keras.layers.Activation)
class FastActivation(keras.layers.Activation):
    """One of `FUNCTIONS` as a layer."""

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return FUNCTIONS[self.activation.__name__](inputs)

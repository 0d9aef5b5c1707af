"""Class activation maps: how much each part of a picture speaks for a class, by the network itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from builder.explanation.targets import Target

MapFunction = Callable[[tf.Tensor, tf.Tensor], tuple[tf.Tensor, tf.Tensor]]
"""From normalised pictures, float32 (batch, height, width, channels), and classes, int64 (batch,), to logits, float32
(batch, classes), and the maps of these classes, float32 (batch, rows, columns), positive where a part speaks for the
class and negative where it speaks against it."""


def map_function(network: keras.Model, target: Target) -> MapFunction:
    """The function that looks into a network.

    By CAM, the mean of a map, plus the bias of the class, is the logit of the class. A map of Grad-CAM is the same
    divided by the number of its elements, where both apply.

    Args:
        network: a model as `builder.build` gives it, in any lowering and precision.
        target: where it is looked into.
    """
    both = keras.Model(network.input, [network.get_layer(target.layer).output, network.output])
    if target.method == "Grad-CAM":
        return _by_gradient(both)
    return _by_weights(both, None if target.classifier is None else network.get_layer(target.classifier).kernel)


def _by_weights(both: keras.Model, kernel: Any) -> MapFunction:
    """Zhou et al. 2016, equation 2: the channels weighed by the weights of the class.

    Args:
        both: from pictures to the feature map and the logits.
        kernel: (..., channels, classes); None where each channel is that of a class.
    """

    @tf.function(reduce_retracing=True, autograph=False)
    def maps(pictures: tf.Tensor, classes: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        features, logits = (tf.cast(one, tf.float32) for one in both(pictures, training=False))
        if kernel is None:
            return logits, tf.einsum("bhwc,bc->bhw", features, tf.one_hot(classes, features.shape[-1]))
        weights = tf.cast(tf.reshape(tf.convert_to_tensor(kernel), (features.shape[-1], -1)), tf.float32)
        return logits, tf.einsum("bhwc,cb->bhw", features, tf.gather(weights, classes, axis=1))

    return maps


def _by_gradient(both: keras.Model) -> MapFunction:
    """Selvaraju et al. 2017, equations 1 and 2, without the ReLU: the channels weighed by the mean of the gradient of
    the class's logit."""

    @tf.function(reduce_retracing=True, autograph=False)
    def maps(pictures: tf.Tensor, classes: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(pictures)
            features, logits = both(pictures, training=False)
            chosen = tf.reduce_sum(tf.gather(logits, classes, batch_dims=1))
        gradients = tf.cast(tape.gradient(chosen, features), tf.float32)
        weights = tf.reduce_mean(gradients, (1, 2))
        return tf.cast(logits, tf.float32), tf.einsum("bhwc,bc->bhw", tf.cast(features, tf.float32), weights)

    return maps

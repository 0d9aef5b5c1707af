"""Normalisations of tensors with their channels last that train faster than the stock layers, with the same weights."""

from __future__ import annotations

import functools
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from builder.network.choices import BATCH_NORM, LAYER_NORM, LOCAL_RESPONSE_NORM
from builder.network.naming import helper_name
from builder.network.saving import FUNCTIONAL, saved_as
from builder.network.stock_layers import portable_lrn


@saved_as(keras.layers.BatchNormalization)
class FusedBatchNormalization(keras.layers.BatchNormalization):
    """Batch normalisation of (batch, height, width, channels) in one operation (arXiv:1502.03167).

    Keras computes mean, variance and scaling as separate float32 operations and relies on XLA to join them. The stock
    layer handles what the fused operation does not: other ranks or axes, masks, float64, batch renormalisation, and
    statistics synchronised between replicas.
    """

    def call(self, inputs: tf.Tensor, training: bool | None = None, mask: tf.Tensor | None = None) -> tf.Tensor:
        trains = training and self.trainable
        # Only with the statistics of the batch does it depend on the size which way is faster.
        numbers = inputs.shape.num_elements() if trains else None
        if not self._fuses(inputs, mask) or BATCH_NORM.option(inputs.dtype, numbers) == "traced":
            return super().call(inputs, training=training, mask=mask)
        channels = inputs.shape[-1]
        scale = tf.convert_to_tensor(self.gamma) if self.scale else tf.ones([channels])
        offset = tf.convert_to_tensor(self.beta) if self.center else tf.zeros([channels])
        # The raw operation: tf.nn.fused_batch_norm raises epsilons below 1.001e-5.
        fused = functools.partial(
            tf.raw_ops.FusedBatchNormV3, x=inputs, scale=scale, offset=offset, epsilon=self.epsilon
        )
        if not trains:
            mean, variance = tf.convert_to_tensor(self.moving_mean), tf.convert_to_tensor(self.moving_variance)
            return tf.cast(fused(mean=mean, variance=variance, is_training=False).y, self.compute_dtype)
        none = tf.zeros([0])
        result = fused(mean=none, variance=none, is_training=True)
        # The operation divides the variance by n - 1, and the stock layer stores one divided by n.
        count = tf.cast(tf.reduce_prod(tf.shape(inputs)[:-1]), tf.float32)
        self._move(self.moving_mean, result.batch_mean)
        self._move(self.moving_variance, result.batch_variance * ((count - 1.0) / count))
        return tf.cast(result.y, self.compute_dtype)

    def _fuses(self, inputs: tf.Tensor, mask: tf.Tensor | None) -> bool:
        return (
            mask is None
            and not (self.renorm or self.synchronized)
            and len(inputs.shape) == 4
            and self.axis in (-1, 3)
            and inputs.dtype in (tf.float32, tf.bfloat16, tf.float16)
            and self.moving_mean.dtype == "float32"
        )

    def _move(self, moving: keras.Variable, value: tf.Tensor) -> None:
        moving.assign(moving * self.momentum + value * (1.0 - self.momentum))


@saved_as(keras.layers.LayerNormalization)
class FastLayerNormalization(keras.layers.LayerNormalization):
    """Normalisation of each position over its channels (arXiv:1607.06450), with its gradient in closed form.

    The arithmetic is in float32 whatever the precision, as in the stock layer, which computes what this one does not:
    several axes, or another than the last.
    """

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        is_last = self.axis in (-1, [-1], [len(inputs.shape) - 1])
        if not is_last or self.rms_scaling or LAYER_NORM.option(inputs.dtype) == "traced":
            return super().call(inputs)
        ones, zeros = tf.ones([inputs.shape[-1]]), tf.zeros([inputs.shape[-1]])
        scale = tf.cast(self.gamma, tf.float32) if self.scale else ones
        offset = tf.cast(self.beta, tf.float32) if self.center else zeros
        normalised = layer_normalization(tf.cast(inputs, tf.float32), scale, offset, self.epsilon)
        return tf.cast(normalised, self.compute_dtype)


def layer_normalization(x: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor, epsilon: float) -> tf.Tensor:
    """(x - mean) / sqrt(variance + epsilon) * scale + offset over the last axis, in float32.

    Sums over the channels, and over the positions, are matrix products: faster than TensorFlow's reductions.
    """
    channels = x.shape[-1]
    # Ones, divided afterwards, rather than shares: `float32_fast` would round 1/96, and shift every mean alike.
    every_channel, share = tf.ones([channels, 1]), 1.0 / channels

    @tf.custom_gradient
    def normalise(x: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor) -> tuple[tf.Tensor, Any]:
        shape, rows = tf.shape(x), tf.reshape(x, [-1, channels])
        centred = rows - share * tf.matmul(rows, every_channel)
        factor = tf.math.rsqrt(share * tf.matmul(tf.square(centred), every_channel) + epsilon)
        normal = centred * factor

        def gradient(dy: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
            dy = tf.reshape(dy, [-1, channels])
            along, every_position = dy * normal, tf.ones([1, tf.shape(dy)[0]])
            scales = scale[:, None]
            mean, mean_along = share * tf.matmul(dy, scales), share * tf.matmul(along, scales)
            dx = (dy * scale - mean - normal * mean_along) * factor
            return tf.reshape(dx, shape), tf.matmul(every_position, along)[0], tf.matmul(every_position, dy)[0]

        return tf.reshape(normal * scale + offset, shape), gradient

    return normalise(x, scale, offset)


@saved_as(FUNCTIONAL)
class LocalResponseNormalization(keras.Model):
    """x / (bias + alpha * sum of squares of the channels at most `radius` away) ** beta (Krizhevsky et al. 2012).

    The sum is that of the paper's section 3.3: alpha is not divided by the number of channels, as it is in Caffe and
    PyTorch. The arithmetic is in float32 whatever the precision, since squares overflow float16.

    Keras has no layer to save this as. So it is a functional model of the stock operations of `portable_lrn`, and is
    saved as such, but computes its output in another way. A clone, like a loaded file, computes the stock operations.

    Args:
        x: the Keras tensor (batch, height, width, channels) that is normalised.
    """

    def __init__(
        self, x: keras.KerasTensor, radius: int, bias: float, alpha: float, beta: float, name: str, dtype: Any = None
    ) -> None:
        picture = keras.Input(x.shape[1:], name=helper_name(name, "input"), dtype=x.dtype)
        output = portable_lrn(picture, radius, bias, alpha, beta, name, dtype)
        super().__init__(inputs=picture, outputs=output, name=name)
        self.dtype_policy = dtype or keras.config.dtype_policy()
        self.radius, self.bias, self.alpha, self.beta = int(radius), float(bias), float(alpha), float(beta)

    def call(self, inputs: tf.Tensor, training: bool | None = None, mask: tf.Tensor | None = None) -> tf.Tensor:
        if LOCAL_RESPONSE_NORM.option(inputs.dtype) == "slices":
            return super().call(inputs, training=training, mask=mask)
        normalised = local_response_normalization(inputs, self.radius, self.bias, self.alpha, self.beta)
        return tf.cast(normalised, self.output.dtype)

    def get_config(self) -> dict[str, Any]:
        return keras.Model(self.input, self.output, name=self.name, trainable=self.trainable).get_config()

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> keras.Model:
        return keras.Model.from_config(config, custom_objects)


def local_response_normalization(x: tf.Tensor, radius: int, bias: float, alpha: float, beta: float) -> tf.Tensor:
    """The arithmetic of `LocalResponseNormalization`, for inputs of any rank with their channels last, in float32."""
    channels = x.shape[-1]
    distance = np.abs(np.arange(channels)[:, None] - np.arange(channels))
    band = tf.constant(distance <= radius, tf.float32)

    def window_sum(x: tf.Tensor) -> tf.Tensor:
        # One matrix product moves less memory than 2 * radius + 1 shifted slices.
        return tf.reshape(tf.matmul(tf.reshape(x, [-1, channels]), band), tf.shape(x))

    @tf.custom_gradient
    def normalise(x: tf.Tensor) -> tuple[tf.Tensor, Any]:
        denominator = bias + alpha * window_sum(tf.square(x))
        factor = _power(denominator, beta)
        y = x * factor

        def gradient(dy: tf.Tensor) -> tf.Tensor:
            # The window is symmetric, so the transposed sum is the sum itself.
            return dy * factor - (2 * alpha * beta) * x * window_sum(dy * y / denominator)

        return y, gradient

    return normalise(tf.cast(x, tf.float32))


def _power(denominator: tf.Tensor, beta: float) -> tf.Tensor:
    """The denominator to the power of -beta."""
    if beta != 0.75:
        return tf.pow(denominator, -beta)
    root = tf.math.rsqrt(denominator)  # two roots cost a fraction of one power
    return root * tf.sqrt(root)

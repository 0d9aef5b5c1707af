"""Convolution of (batch, height, width, channels) that trains faster than the stock layer, with the same weights."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from builder.network.choices import CONVOLUTION_TYPE, GROUP_CHANNELS, GROUPS_TOGETHER, POINTWISE_WEIGHTS_GRADIENT
from builder.network.saving import saved_as


@saved_as(keras.layers.Conv2D)
class FastConv2D(keras.layers.Conv2D):
    """A convolution of (batch, height, width, channels), computed as `choices` has it for the device.

    Zeros of other numbers than `same` has come from a layer before this one, although TensorFlow's convolution takes
    them too: on CPUs it runs the two gradients of such a convolution in Eigen instead of oneDNN (TensorFlow's pull
    request 51868), up to 50 times slower in bfloat16 on a CPU that has the type, and less exact in half width.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.data_format != "channels_last":
            raise ValueError(f"expected data_format='channels_last', got '{self.data_format}'")

    def convolution_op(self, inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        dtype = inputs.dtype
        kernel = tf.convert_to_tensor(kernel)
        if CONVOLUTION_TYPE.option(dtype) == "float32":
            inputs, kernel = tf.cast(inputs, tf.float32), tf.cast(kernel, tf.float32)
        if self.groups == 1 or self.groups >= GROUPS_TOGETHER.option(inputs.dtype):
            outputs = self._convolve(inputs, kernel)
        else:
            width = group_block(self.groups, kernel.shape[2], GROUP_CHANNELS.option(inputs.dtype))
            blocks = self.groups // width
            parts = zip(tf.split(inputs, blocks, -1), tf.split(kernel, blocks, -1), strict=True)
            outputs = tf.concat([self._convolve(x, block_diagonal(k, width)) for x, k in parts], -1)
        return tf.cast(outputs, dtype)

    def _convolve(self, inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        padding = self.padding.upper()
        if max(self.dilation_rate) > 1:  # only tf.nn.convolution has gradients for dilations
            return tf.nn.convolution(inputs, kernel, self.strides, padding, dilations=self.dilation_rate)
        is_pointwise = (*self.kernel_size, *self.strides) == (1, 1, 1, 1) and kernel.shape[2] == inputs.shape[-1]
        if is_pointwise and POINTWISE_WEIGHTS_GRADIENT.option(inputs.dtype) == "matrix product":
            return pointwise_convolution(inputs, kernel)
        return tf.nn.conv2d(inputs, kernel, self.strides, padding)


def group_block(groups: int, channels: int, least: int) -> int:
    """How many groups of `channels` input channels each to compute together: the fewest that divide the groups and
    have at least `least` channels."""
    return next(n for n in range(1, groups + 1) if groups % n == 0 and (n * channels >= least or n == groups))


def block_diagonal(kernel: tf.Tensor, groups: int) -> tf.Tensor:
    """The kernel (height, width, groups * inputs, filters) of the convolution without groups that equals one with
    `groups` groups and the kernel (height, width, inputs, filters)."""
    if groups == 1:
        return kernel
    inputs, filters = kernel.shape[2:]
    mask = np.kron(np.eye(groups), np.ones((inputs, filters // groups)))
    return tf.tile(kernel, [1, 1, groups, 1]) * tf.constant(mask, kernel.dtype)


@tf.custom_gradient
def pointwise_convolution(inputs: tf.Tensor, kernel: tf.Tensor) -> tuple[tf.Tensor, Any]:
    """A 1x1 convolution of stride 1 in which the gradient of the kernel (1, 1, inputs, filters) is a product of two
    matrices with a row for each position: the inputs, transposed, and the gradient of the outputs."""
    one = [1, 1, 1, 1]
    outputs = tf.nn.conv2d(inputs, kernel, one, "VALID")

    def gradient(dy: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        dx = tf.raw_ops.Conv2DBackpropInput(
            input_sizes=tf.shape(inputs), filter=kernel, out_backprop=dy, strides=one, padding="VALID"
        )
        rows, gradient_rows = (tf.reshape(x, [-1, x.shape[-1]]) for x in (inputs, dy))
        return dx, tf.reshape(tf.matmul(rows, gradient_rows, transpose_a=True), tf.shape(kernel))

    return outputs, gradient

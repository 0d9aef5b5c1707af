"""Keras layers that compute what the stock layers compute, but faster, with the same weights.

Each is a subclass of the stock layer and inherits its variables, with their names, shapes, order and initialisers, so
that `stock.set_weights(fast.get_weights())` and the reverse are exact, and its configuration, so that Keras saves it as
the stock layer (`saved_as`). The figures below are measurements with TensorFlow 2.21 on CPUs of two cores with AVX2
(`python -m benchmarks lowerings`, `steps`); other devices keep the plain TensorFlow operation. Tensors have their
channels last.
"""

from __future__ import annotations

import contextlib
import contextvars
import functools
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from builder.network.naming import helper_name
from builder.network.saving import FUNCTIONAL, saved_as
from builder.network.stock_layers import portable_lrn

HALF_WIDTH = (tf.bfloat16, tf.float16)
BLOCK_CHANNELS = 16
"""Groups with fewer input channels than this are computed together until they have as many. Below, the overhead of a
convolution dominates; above, the zeros of the block-diagonal kernel. 4 channels were up to 8 % slower, 8 and 32 up to
27 %."""


@functools.cache
def on_cpu() -> bool:
    """Whether all devices are CPUs."""
    return all(device.device_type == "CPU" for device in tf.config.list_physical_devices())


@functools.cache
def emulated(dtype: tf.DType) -> bool:
    """Whether convolutions in this half-width type are slower on this machine than the same ones in float32.

    A CPU without instructions for the type, or without oneDNN to use them, falls back to Eigen's loops: a training step
    of a 3x3 convolution took 5 times as long in float16 as in float32, and 17 times in bfloat16.
    """
    if dtype not in HALF_WIDTH or not on_cpu():
        return False
    try:
        from tensorflow.python.util._pywrap_util_port import IsMklEnabled as uses_onednn
        from tensorflow.python.util._pywrap_utils import IsDataTypeSupportedByOneDNNOnThisCPU as has_instructions
    except ImportError:  # the names are not public; without them, trust the type that was asked for
        return False
    return not (uses_onednn() and has_instructions(dtype))


_IS_NATIVE = contextvars.ContextVar("is_native", default=False)


@contextlib.contextmanager
def native_half_width() -> Iterator[None]:
    """What is traced in the block computes in half-width types even where this machine lacks them: it is for others."""
    token = _IS_NATIVE.set(True)
    try:
        yield
    finally:
        _IS_NATIVE.reset(token)


@saved_as(keras.layers.BatchNormalization)
class FusedBatchNormalization(keras.layers.BatchNormalization):
    """Batch normalisation of (batch, height, width, channels) in one operation (arXiv:1502.03167).

    Keras computes mean, variance and scaling as separate float32 operations and relies on XLA to join them. The stock
    layer handles what the fused operation does not: other ranks or axes, masks, float64, batch renormalisation, and
    statistics synchronised between replicas.
    """

    def call(self, inputs: tf.Tensor, training: bool | None = None, mask: tf.Tensor | None = None) -> tf.Tensor:
        if not self._fuses(inputs, mask):
            return super().call(inputs, training=training, mask=mask)
        channels = inputs.shape[-1]
        scale = tf.convert_to_tensor(self.gamma) if self.scale else tf.ones([channels])
        offset = tf.convert_to_tensor(self.beta) if self.center else tf.zeros([channels])
        # The raw operation: tf.nn.fused_batch_norm raises epsilons below 1.001e-5.
        fused = functools.partial(
            tf.raw_ops.FusedBatchNormV3, x=inputs, scale=scale, offset=offset, epsilon=self.epsilon
        )
        if not (training and self.trainable):
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


@saved_as(keras.layers.Conv2D)
class FastConv2D(keras.layers.Conv2D):
    """A convolution of (batch, height, width, channels) with fast groups on CPUs.

    TensorFlow has no grouped convolution with gradients on CPUs, and Keras compiles one with XLA, 7 to 9 times slower
    for 2 groups and 176 to 304 times for 32 than separate convolutions joined by a concatenation, which is what runs
    here. Groups narrower than `BLOCK_CHANNELS` are computed several at a time, with a block-diagonal kernel. Elsewhere
    the device's own grouped convolution runs. Half-width types that the CPU lacks are convolved in float32
    (`emulated`).

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
        if emulated(dtype) and not _IS_NATIVE.get():
            inputs, kernel = tf.cast(inputs, tf.float32), tf.cast(kernel, tf.float32)
        if self.groups == 1 or not on_cpu():
            outputs = self._convolve(inputs, kernel)
        else:
            width = group_block(self.groups, kernel.shape[2])
            blocks = self.groups // width
            parts = zip(tf.split(inputs, blocks, -1), tf.split(kernel, blocks, -1), strict=True)
            outputs = tf.concat([self._convolve(x, block_diagonal(k, width)) for x, k in parts], -1)
        return tf.cast(outputs, dtype)

    def _convolve(self, inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        padding = self.padding.upper()
        if max(self.dilation_rate) > 1:  # only tf.nn.convolution has gradients for dilations
            return tf.nn.convolution(inputs, kernel, self.strides, padding, dilations=self.dilation_rate)
        return tf.nn.conv2d(inputs, kernel, self.strides, padding)


def group_block(groups: int, channels: int) -> int:
    """How many groups of `channels` input channels each to compute together: the least divisor that is wide enough."""
    return next(n for n in range(1, groups + 1) if groups % n == 0 and (n * channels >= BLOCK_CHANNELS or n == groups))


def block_diagonal(kernel: tf.Tensor, groups: int) -> tf.Tensor:
    """The kernel (height, width, groups * inputs, filters) of the convolution without groups that equals one with
    `groups` groups and the kernel (height, width, inputs, filters)."""
    if groups == 1:
        return kernel
    inputs, filters = kernel.shape[2:]
    mask = np.kron(np.eye(groups), np.ones((inputs, filters // groups)))
    return tf.tile(kernel, [1, 1, groups, 1]) * tf.constant(mask, kernel.dtype)


@saved_as(keras.layers.Dropout)
class ReplicaDropout(keras.layers.Dropout):
    """Dropout with a different mask on each replica of a strategy.

    The stock layer's seed state is equal on all replicas, so that all of them drop the same elements. Here the
    replica's number is part of the key of the random numbers; the state stays one value for all, since a checkpoint
    holds one.
    """

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        if not training or not self.rate:
            return inputs
        context = tf.distribute.get_replica_context()
        replica = context.replica_id_in_sync_group if context is not None else 0
        key, count = tf.unstack(tf.cast(self.seed_generator.next(), tf.int64))
        key += REPLICA_STRIDE * tf.cast(replica, tf.int64)
        seed = tf.cast(tf.stack([key, count]) % (tf.int32.max - 1), tf.int32)
        return tf.nn.experimental.stateless_dropout(inputs, self.rate, seed)


REPLICA_STRIDE = 1_000_003
"""The distance between the keys of neighbouring replicas: far from the keys of other layers, drawn from up to 10**9."""


@saved_as(keras.layers.Activation)
class UnjoinedActivation(keras.layers.Activation):
    """An activation that TensorFlow does not fuse with the operations before it.

    With oneDNN, it fuses a convolution, a batch normalisation and tanh into one operation that is not implemented.
    """

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return super().call(tf.ensure_shape(inputs, inputs.shape))


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

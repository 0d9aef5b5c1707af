"""Each lowering against the stock layer: the measurements behind the choices in `builder/network/fast_layers.py`.

Each row is a layer's training step: the forward pass and the gradients of its input and weights.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from benchmarks.measure import Row, in_turn, show
from builder.network import fast_layers

SIDES = ((1, 1), (1, 1))
GROUPS = [  # picture's size, input channels, filters, groups, precision
    (27, 96, 256, 2, "float32"),  # AlexNet's second convolution
    (28, 128, 128, 4, "float32"),
    (28, 128, 128, 8, "float32"),
    (28, 128, 128, 16, "float32"),
    (28, 128, 128, 32, "float32"),  # 4 channels each, as in ResNeXt-50's first stage
    (14, 512, 512, 32, "float32"),  # 16 channels each, as in its third
    (27, 96, 256, 2, "mixed_bfloat16"),
    (28, 128, 128, 32, "mixed_bfloat16"),
]
BATCH = 4


def run() -> None:
    show("Grouped convolution, batch 4", [grouped(*case) for case in GROUPS], "stock Keras")
    show("32 groups of 4 channels, computed several at a time", [blocks(width) for width in (4, 8, 32)], "16 channels")
    cases = [(p, *case) for p in ("float32", "mixed_bfloat16") for case in ((56, 64, 2), (28, 128, 1))]
    show("Convolution with padding side by side, batch 4", [padded(*case) for case in cases], "padding inside")
    show("A convolution in float32 against half width", [halved(dtype) for dtype in ("bfloat16", "float16")], "half")


def grouped(size: int, channels: int, filters: int, groups: int, precision: str) -> Row:
    options: dict[str, Any] = {"filters": filters, "kernel_size": 3, "padding": "same", "groups": groups}
    fast, stock = (kind(**options, dtype=precision) for kind in (fast_layers.FastConv2D, keras.layers.Conv2D))
    x = pictures(size, channels)
    return compared(f"{groups} groups, {size}x{size}x{channels}, {precision}", step(fast, x), step(stock, x))


def blocks(width: int) -> Row:
    options: dict[str, Any] = {"filters": 128, "kernel_size": 3, "padding": "same", "groups": 32}
    x, chosen = pictures(28, 128), fast_layers.BLOCK_CHANNELS
    ours, other = (step(fast_layers.FastConv2D(**options), x) for _ in range(2))
    for compute, channels in ((ours, width), (other, chosen)):
        fast_layers.BLOCK_CHANNELS = channels  # read while the step is traced, at its first call
        compute()
    return compared(f"{width} channels at a time", ours, other)


class PaddingConv2D(keras.layers.Conv2D):
    """A convolution that pads by itself, with `SIDES`."""

    def convolution_op(self, inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        return tf.nn.conv2d(inputs, tf.convert_to_tensor(kernel), self.strides, [[0, 0], *map(list, SIDES), [0, 0]])


def padded(precision: str, size: int, channels: int, stride: int) -> Row:
    """Compares padding the input first, as is done here, with a convolution that pads by itself."""
    options: dict[str, Any] = {"filters": 128, "kernel_size": 3, "strides": stride, "dtype": precision}
    x = pictures(size, channels)
    zeros = keras.layers.ZeroPadding2D(SIDES, dtype=precision)
    first = keras.Sequential([keras.Input(x.shape[1:]), zeros, fast_layers.FastConv2D(**options)])
    return compared(
        f"3x3/{stride}, {size}x{size}x{channels}, {precision}", step(first, x), step(PaddingConv2D(**options), x)
    )


def halved(dtype: str) -> Row:
    options: dict[str, Any] = {"filters": 128, "kernel_size": 3, "padding": "same"}
    x = pictures(28, 128)
    whole, half = keras.layers.Conv2D(**options), keras.layers.Conv2D(**options, dtype=dtype)
    native = "emulated here" if fast_layers.emulated(tf.as_dtype(dtype)) else "native here"
    return compared(dtype, step(whole, x), step(half, tf.cast(x, dtype)), native)


def pictures(size: int, channels: int) -> tf.Tensor:
    return tf.constant(np.random.default_rng(0).normal(size=(BATCH, size, size, channels)), tf.float32)


def step(layer: keras.Layer, x: tf.Tensor) -> Callable[[], object]:
    """Compiles a forward and backward pass of one layer, without XLA (which Keras itself uses for groups)."""
    x = tf.cast(x, layer.compute_dtype)
    layer.build(x.shape)

    @tf.function
    def compute() -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(tf.cast(layer(x), tf.float32))
        return tape.gradient(loss, [x, *(weight.value for weight in layer.trainable_weights)])

    return lambda: [gradient.numpy() for gradient in compute()]


def compared(what: str, ours: Callable[[], object], other: Callable[[], object], note: str = "") -> Row:
    a, b, ratio = in_turn(ours, other, rounds=3)
    return Row(what, f"{a * 1000:.1f} ms", f"{b * 1000:.1f} ms", ratio, note=note)

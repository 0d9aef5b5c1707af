"""Every choice of the fast lowering against its other options and against stock Keras, on this machine.

The measurements behind `builder/network/choices.py`. Each row is the training step of one layer: the forward pass and
the gradients of its input and weights. A chosen option is to be no slower than 0.95 times the best of the others. With
`--check`, only that; else also what other ways there would be to pad, and what half width costs, which no choice
depends on.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from benchmarks.measure import Ratio, Row, checking, decided, in_turn, seconds, show
from builder.network import choices, retracing
from builder.network.choices import Choice
from builder.network.fast_activation import FastActivation
from builder.network.fast_convolution import FastConv2D
from builder.network.fast_normalisation import (
    FastLayerNormalization,
    FusedBatchNormalization,
    LocalResponseNormalization,
)
from builder.network.stock_layers import portable_lrn

BATCH = 8
TARGET = 0.95
ROUNDS, MORE_ROUNDS = 5, 25
"""A choice that misses its target is measured again, in more rounds. It is called wrong only where that can hardly be
chance: if its median lies below the target with 95 % confidence."""
HOPELESS = 3.0
"""An option that takes this many times as long in its first round is left out of the others."""
SIDES = ((1, 1), (1, 1))
retracing.suppress()
Step = Callable[[], object]


@dataclass(frozen=True)
class Case:
    """A layer whose training step a choice makes faster, on pictures (BATCH, size, size, channels)."""

    choice: Choice[Any]
    fast: Callable[..., Any]
    stock: Callable[..., Any]
    size: int
    channels: int
    options: Mapping[str, Any] = field(default_factory=dict)
    types: tuple[str, ...] = ("float32", "bfloat16")

    def __str__(self) -> str:
        options = ", ".join(f"{name} {value}" for name, value in self.options.items() if name in SHOWN)
        return f"{self.choice.name}: {self.size}x{self.size}x{self.channels}{options and f', {options}'}"


SHOWN = ("filters", "kernel_size", "groups")


def _convolution(choice: Choice[Any], size: int, channels: int, types: tuple[str, ...], **options: Any) -> Case:
    return Case(
        choice, FastConv2D, keras.layers.Conv2D, size, channels, {"kernel_size": 3, "padding": "same"} | options, types
    )


def _activation(choice: Choice[Any], function: str) -> Case:
    fast = lambda dtype: FastActivation(function, dtype=dtype)  # noqa: E731
    return Case(choice, fast, lambda dtype: keras.layers.Activation(function, dtype=dtype), 56, 128)


def _pointwise(convolution: Callable[..., keras.Layer]) -> Callable[..., keras.Layer]:
    """The 1x1 convolutions of bottlenecks in turn, as one is faster one way and the next the other way."""
    widths = (64, 256, 128, 512, 256, 1024)
    return lambda dtype: keras.Sequential([convolution(width, 1, dtype=dtype) for width in widths])


def _fast_lrn(dtype: str) -> keras.Layer:
    x = keras.Input((27, 27, 96), dtype=dtype.removeprefix("mixed_"))
    return LocalResponseNormalization(x, 2, 2.0, 1e-4, 0.75, "norm", dtype)


def _stock_lrn(dtype: str) -> keras.Layer:
    x = keras.Input((27, 27, 96), dtype=dtype.removeprefix("mixed_"))
    return keras.Model(x, portable_lrn(x, 2, 2.0, 1e-4, 0.75, "norm", dtype))


CASES = (
    _convolution(choices.CONVOLUTION_TYPE, 14, 64, choices.HALF_TYPES, filters=64),
    _convolution(choices.GROUPS_TOGETHER, 27, 96, ("float32", "bfloat16"), filters=256, groups=2),  # AlexNet's second
    _convolution(choices.GROUPS_TOGETHER, 14, 512, ("float32",), filters=512, groups=32),  # ResNeXt-50's third stage
    _convolution(choices.GROUP_CHANNELS, 28, 128, ("float32", "bfloat16"), filters=128, groups=32),  # and its first
    _convolution(choices.GROUP_CHANNELS, 28, 128, ("float32",), filters=128, groups=16),
    Case(choices.POINTWISE_WEIGHTS_GRADIENT, _pointwise(FastConv2D), _pointwise(keras.layers.Conv2D), 28, 256),
    _activation(choices.RELU_GRADIENT, "relu"),
    _activation(choices.GELU_GRADIENT, "gelu"),
    *(
        Case(choices.LAYER_NORM, FastLayerNormalization, keras.layers.LayerNormalization, size, channels)
        for size, channels in ((56, 96), (14, 384))
    ),
    *(
        Case(choices.BATCH_NORM, FusedBatchNormalization, keras.layers.BatchNormalization, size, channels)
        for size, channels in ((56, 64), (14, 256), (8, 16))
    ),
    Case(choices.LOCAL_RESPONSE_NORM, _fast_lrn, _stock_lrn, 27, 96),
)


def run() -> None:
    show("The choices of the fast lowering", [row for case in CASES for row in rows(case)], "best of the others")
    if checking():
        return
    cases = [(p, *case) for p in ("float32", "bfloat16") for case in ((56, 64, 2), (28, 128, 1))]
    show("Convolution with padding side by side", [padded(*case) for case in cases], "padding inside")
    show("A convolution in float32 against half width", [halved(dtype) for dtype in choices.HALF_TYPES], "half")


# -- choices -----------------------------------------------------------------------------------------------------------


def rows(case: Case) -> Iterator[Row]:
    for dtype in case.types:
        chosen = case.choice.option(dtype, BATCH * case.size**2 * case.channels)
        names = [chosen, *(option for option in case.choice.options if option != chosen)]
        steps: dict[str, Step] = {_shown(name): _with_option(case, dtype, name) for name in names}
        steps["stock Keras"] = step(case.stock(dtype=policy(dtype), **case.options), _pictures(case), dtype)
        keras.backend.clear_session()
        yield _row(f"{case}, {dtype}", steps)


def _shown(option: Any) -> str:
    return "never" if option == choices.NEVER else str(option)


def _with_option(case: Case, dtype: str, option: Any) -> Step:
    """The step with an option taken, which is traced here. An option that the device cannot run raises at its call."""
    taken = step(case.fast(dtype=policy(dtype), **case.options), _pictures(case), dtype)

    def run() -> object:
        with choices.forced(case.choice, option):
            return taken()

    return run


def _row(what: str, steps: dict[str, Step]) -> Row:
    chosen, *others = steps
    rounds = _rounds(steps, ROUNDS)
    ratios = _ratios(chosen, rounds)
    if min(ratios.values()) < TARGET:
        rounds += _rounds(steps, MORE_ROUNDS)
        ratios = _ratios(chosen, rounds)
    best = min(ratios, key=lambda name: ratios[name])
    took = {name: statistics.median(taken[name] for taken in rounds if name in taken) for name in (chosen, best)}
    left_out = [name for name in others if name not in ratios]
    target, note = decided(ratios[best], TARGET)
    notes = [f"{', '.join(left_out)}: not possible here" if left_out else "", note]
    ours, other = (f"{name} {took[name] * 1e3:.2f} ms" for name in (chosen, best))
    return Row(what, ours, other, ratios[best], target, "; ".join(filter(None, notes)))


def _rounds(steps: dict[str, Step], rounds: int) -> list[dict[str, float]]:
    """The seconds of each step in each round. Steps that fail, or that are far slower, are in none or in the first."""
    for name in list(steps):
        try:
            steps[name]()
        except tf.errors.OpError:  # there is no such operation on this device
            del steps[name]
    first = {name: seconds(compute) for name, compute in steps.items()}
    chosen, fastest = next(iter(steps)), min(first.values())
    near = {name: run for name, run in steps.items() if name == chosen or first[name] < HOPELESS * fastest}
    return [first, *({name: seconds(compute) for name, compute in near.items()} for _ in range(rounds))]


def _ratios(chosen: str, rounds: Sequence[Mapping[str, float]]) -> dict[str, Ratio]:
    """For each other option, how many times as long it takes as the chosen one."""
    names = [name for name in rounds[0] if name != chosen]
    return {
        name: Ratio([taken[name] / taken[chosen] for taken in rounds if name in taken and chosen in taken])
        for name in names
    }


def _pictures(case: Case) -> tf.Tensor:
    return pictures(case.size, case.channels)


# -- for information ---------------------------------------------------------------------------------------------------


class PaddingConv2D(keras.layers.Conv2D):
    """A convolution that pads by itself, with `SIDES`."""

    def convolution_op(self, inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        return tf.nn.conv2d(inputs, tf.convert_to_tensor(kernel), self.strides, [[0, 0], *map(list, SIDES), [0, 0]])

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        zeros = keras.layers.ZeroPadding2D(SIDES)
        return super().compute_output_shape(zeros.compute_output_shape(input_shape))


def padded(dtype: str, size: int, channels: int, stride: int) -> Row:
    """Compares padding the input first, as is done here, with a convolution that pads by itself."""
    options: dict[str, Any] = {"filters": 128, "kernel_size": 3, "strides": stride, "dtype": policy(dtype)}
    x = pictures(size, channels)
    zeros = keras.layers.ZeroPadding2D(SIDES, dtype=policy(dtype))
    first = keras.Sequential([keras.Input(x.shape[1:], dtype=dtype), zeros, FastConv2D(**options)])
    ours, other = step(first, x, dtype), step(PaddingConv2D(**options), x, dtype)
    return compared(f"3x3/{stride}, {size}x{size}x{channels}, {dtype}", ours, other)


def halved(dtype: str) -> Row:
    options: dict[str, Any] = {"filters": 128, "kernel_size": 3, "padding": "same"}
    x = pictures(28, 128)
    whole, half = keras.layers.Conv2D(**options), keras.layers.Conv2D(**options, dtype=policy(dtype))
    native = "native here" if dtype in choices.device().half_types else "emulated here"
    return compared(dtype, step(whole, x, "float32"), step(half, x, dtype), native)


def compared(what: str, ours: Step, other: Step, note: str = "") -> Row:
    a, b, ratio = in_turn(ours, other, rounds=3)
    return Row(what, f"{a * 1000:.1f} ms", f"{b * 1000:.1f} ms", ratio, note=note)


def policy(dtype: str) -> str:
    """The precision in which layers compute in this type, with variables in float32."""
    return f"mixed_{dtype}" if dtype in choices.HALF_TYPES else dtype


def pictures(size: int, channels: int) -> tf.Tensor:
    return tf.constant(np.random.default_rng(0).normal(size=(BATCH, size, size, channels)), tf.float32)


def step(layer: keras.Layer, x: tf.Tensor, dtype: str) -> Step:
    """A forward and backward pass of one layer, compiled at its first call, without XLA (which Keras itself uses for
    groups)."""
    x = tf.cast(x, dtype)
    if not layer.built:
        layer.build(x.shape)

    dy = tf.cast(tf.random.stateless_normal(layer.compute_output_shape(x.shape), (0, 0)), dtype)

    @tf.function
    def compute() -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x, training=True)
        gradients = tape.gradient(y, [x, *(weight.value for weight in layer.trainable_weights)], dy)
        return [tf.reduce_sum(tf.cast(gradient[..., :1], tf.float32)) for gradient in gradients]

    return lambda: [number.numpy() for number in compute()]

"""The primitives as stock Keras layers: one function for each, from an operation and its inputs to its output.

This is the `portable` lowering: what is saved, and what the others are tested against. The last layer of each function
carries the node's name; helpers before it carry the name and a suffix that begins with '_', as no name in a spec does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import keras

from archspec import ops
from archspec.ops.initializers import Initializer
from archspec.ops.windows import Sides, padding_sides

Tensor: TypeAlias = keras.KerasTensor


@dataclass(frozen=True)
class Place:
    """Where an operation stands: its name in the model, and the dtype policy of its layers."""

    name: str
    dtype: str

    def options(self, helper: str = "") -> dict[str, Any]:
        return {"name": helper_name(self.name, helper) if helper else self.name, "dtype": self.dtype}


def helper_name(name: str, helper: str) -> str:
    """The name of a layer that a node needs besides its own."""
    return f"{name}._{helper}"


def named(tensor: Tensor, name: str) -> Tensor:
    """The output of one of Keras's operations, named: by itself it is called "square", which a spec's layer may be."""
    tensor._keras_history.operation.name = name
    return tensor


Lower = Callable[[Any, Sequence[Tensor], Place], Tensor]


def initializer(value: Initializer) -> keras.initializers.Initializer:
    """A Keras initialiser of its own for each use, so that no two layers start alike."""
    return keras.initializers.get({"class_name": value.name, "config": dict(value.arguments)})


def sides_of(op: Any, x: Tensor, padding: Any = None) -> Sides:
    """The ((top, bottom), (left, right)) that a window's padding, or another `padding`, adds to an input."""
    spans = op.extents()
    vertical, horizontal = (
        padding_sides(padding or op.padding, axis, x.shape[axis + 1], spans[axis], op.stride[axis]) for axis in (0, 1)
    )
    return vertical, horizontal


def explicit_sides(op: Any, x: Tensor) -> str | Sides:
    """The padding of a window as `same` or `valid` where either gives these very sides, else the sides."""
    if None in x.shape[1:3]:  # a picture of any size: no word is sure to give the same as another padding
        return op.padding if op.padding in ("same", "valid") else sides_of(op, x)
    sides = sides_of(op, x)
    return next((word for word in ("valid", "same") if sides == sides_of(op, x, word)), sides)


def zero_padded(op: Any, x: Tensor, place: Place) -> tuple[Tensor, str]:
    """The input and the padding word for a stock layer, with zeros put around the input where no word fits."""
    padding = explicit_sides(op, x)
    if isinstance(padding, str):
        return x, padding
    return keras.layers.ZeroPadding2D(padding, **place.options("pad"))(x), "valid"


def conv_options(op: ops.Conv, padding: str) -> dict[str, Any]:
    """The arguments of a Conv2D, stock or fast."""
    return {
        "filters": op.filters,
        "kernel_size": op.kernel,
        "strides": op.stride,
        "dilation_rate": op.dilation,
        "groups": op.groups,
        "padding": padding,
        "use_bias": op.bias,
        "kernel_initializer": initializer(op.initializer),
        "bias_initializer": initializer(op.bias_initializer),
    }


def batch_norm_options(op: ops.BatchNorm) -> dict[str, Any]:
    """The arguments of a BatchNormalization, stock or fast."""
    return {
        "momentum": op.momentum,
        "epsilon": op.epsilon,
        "scale": op.scale,
        "center": op.center,
        "gamma_initializer": initializer(op.scale_initializer),
    }


def _conv(op: ops.Conv, inputs: Sequence[Tensor], place: Place) -> Tensor:
    x, padding = zero_padded(op, inputs[0], place)
    return keras.layers.Conv2D(**conv_options(op, padding), **place.options())(x)


def _depthwise_conv(op: ops.DepthwiseConv, inputs: Sequence[Tensor], place: Place) -> Tensor:
    x, padding = zero_padded(op, inputs[0], place)
    layer = keras.layers.DepthwiseConv2D(
        kernel_size=op.kernel,
        strides=op.stride,
        dilation_rate=op.dilation,
        depth_multiplier=op.multiplier,
        padding=padding,
        use_bias=op.bias,
        depthwise_initializer=initializer(op.initializer),
        bias_initializer=initializer(op.bias_initializer),
        **place.options(),
    )
    return layer(x)


def _dense(op: ops.Dense, inputs: Sequence[Tensor], place: Place) -> Tensor:
    layer = keras.layers.Dense(
        op.units,
        use_bias=op.bias,
        kernel_initializer=initializer(op.initializer),
        bias_initializer=initializer(op.bias_initializer),
        **place.options(),
    )
    return layer(inputs[0])


def _batch_norm(op: ops.BatchNorm, inputs: Sequence[Tensor], place: Place) -> Tensor:
    return keras.layers.BatchNormalization(**batch_norm_options(op), **place.options())(inputs[0])


def _layer_norm(op: ops.LayerNorm, inputs: Sequence[Tensor], place: Place) -> Tensor:
    layer = keras.layers.LayerNormalization(epsilon=op.epsilon, scale=op.scale, center=op.center, **place.options())
    return layer(inputs[0])


def _local_response_norm(op: ops.LocalResponseNorm, inputs: Sequence[Tensor], place: Place) -> Tensor:
    return portable_lrn(inputs[0], op.radius, op.bias, op.alpha, op.beta, **place.options())


def portable_lrn(
    x: Tensor, radius: int, bias: float, alpha: float, beta: float, name: str, dtype: Any = None
) -> Tensor:
    """Local response normalisation of (batch, height, width, channels) out of parts that load with Keras alone.

    Keras has no such layer: the sum over neighbouring channels is one of shifted slices, each the sum of 1, 2, 4, ...
    channels so that there are few, in float32 as squares overflow float16.
    """
    channels = x.shape[-1]
    radius = min(radius, channels - 1)  # further away there is nothing to add

    def part(tensor: Tensor, helper: str) -> Tensor:
        return named(tensor, helper_name(name, helper))

    squares = part(keras.ops.square(part(keras.ops.cast(x, "float32"), "float32")), "squares")
    sums = part(keras.ops.pad(squares, ((0, 0), (0, 0), (0, 0), (radius, radius))), "pad")  # of `width` channels each
    total, start, width = part(sums[..., :channels], "slice1"), 1, 1
    while 2 * width <= 2 * radius + 1:
        last = sums.shape[-1] - width
        first_half, second_half = part(sums[..., :last], f"first{width}"), part(sums[..., width:], f"second{width}")
        sums, width = part(first_half + second_half, f"sums{2 * width}"), 2 * width
        if (2 * radius + 1) & width:
            total = part(total + part(sums[..., start : start + channels], f"slice{width}"), f"total{width}")
            start += width
    scaled = part(alpha * total, "scaled")
    factor = part(keras.ops.power(part(bias + scaled, "shifted"), -beta), "factor")
    return keras.layers.Multiply(name=name, dtype=dtype)([x, factor])


def _channels(kind: type[keras.Layer], before: int, after: int, options: dict[str, Any]) -> keras.Layer:
    """A padding or cropping layer that acts on the channels: with `channels_first` they are its width."""
    return kind(((0, 0), (before, after)), data_format="channels_first", **options)


def _activation(op: ops.Activation, inputs: Sequence[Tensor], place: Place) -> Tensor:
    if op.function == "glu":  # the Activation layer says that every function keeps the shape, and this one halves it
        first, second = keras.ops.split(inputs[0], 2, axis=-1)
        named(first, helper_name(place.name, "halves"))
        gate = keras.layers.Activation("sigmoid", **place.options("gate"))(second)
        return keras.layers.Multiply(**place.options())([first, gate])
    return keras.layers.Activation(op.function, **place.options())(inputs[0])


def _softmax(op: ops.Softmax, inputs: Sequence[Tensor], place: Place) -> Tensor:
    return keras.layers.Softmax(**place.options())(inputs[0])


def _max_pool(op: ops.MaxPool, inputs: Sequence[Tensor], place: Place) -> Tensor:
    x = inputs[0]
    padding = explicit_sides(op, x)
    if not isinstance(padding, str):
        padded = keras.ops.pad(x, ((0, 0), *padding, (0, 0)), constant_values=float("-inf"))
        x = named(padded, helper_name(place.name, "pad"))
        padding = "valid"
    return keras.layers.MaxPooling2D(op.size, op.stride, padding, **place.options())(x)


def _avg_pool(op: ops.AvgPool, inputs: Sequence[Tensor], place: Place) -> Tensor:
    x, padding = inputs[0], op.padding
    if padding != "same":  # explicit zeros count in the mean, those of `same` do not
        sides = sides_of(op, x)
        if any(map(any, sides)):
            x = keras.layers.ZeroPadding2D(sides, **place.options("pad"))(x)
        padding = "valid"
    return keras.layers.AveragePooling2D(op.size, op.stride, padding, **place.options())(x)


def _global_avg_pool(op: ops.GlobalAvgPool, inputs: Sequence[Tensor], place: Place) -> Tensor:
    return keras.layers.GlobalAveragePooling2D(keepdims=op.keep_dims, **place.options())(inputs[0])


def _global_max_pool(op: ops.GlobalMaxPool, inputs: Sequence[Tensor], place: Place) -> Tensor:
    return keras.layers.GlobalMaxPooling2D(keepdims=op.keep_dims, **place.options())(inputs[0])


def _flatten(op: ops.Flatten, inputs: Sequence[Tensor], place: Place) -> Tensor:
    return keras.layers.Flatten(**place.options())(inputs[0])


def _dropout(op: ops.Dropout, inputs: Sequence[Tensor], place: Place) -> Tensor:
    return keras.layers.Dropout(op.rate, **place.options())(inputs[0])


def _zero_pad(op: ops.ZeroPad, inputs: Sequence[Tensor], place: Place) -> Tensor:
    return keras.layers.ZeroPadding2D(op.padding, **place.options())(inputs[0])


def _up_sample(op: ops.UpSample, inputs: Sequence[Tensor], place: Place) -> Tensor:
    return keras.layers.UpSampling2D(op.factor, interpolation=op.interpolation, **place.options())(inputs[0])


def _reshape(op: ops.Reshape, inputs: Sequence[Tensor], place: Place) -> Tensor:
    return keras.layers.Reshape(op.target, **place.options())(inputs[0])


def _permute(op: ops.Permute, inputs: Sequence[Tensor], place: Place) -> Tensor:
    return keras.layers.Permute(op.order, **place.options())(inputs[0])


def _slice_channels(op: ops.SliceChannels, inputs: Sequence[Tensor], place: Place) -> Tensor:
    after = inputs[0].shape[-1] - op.stop
    return _channels(keras.layers.Cropping2D, op.start, after, place.options())(inputs[0])


def _pad_channels(op: ops.PadChannels, inputs: Sequence[Tensor], place: Place) -> Tensor:
    return _channels(keras.layers.ZeroPadding2D, op.before, op.after, place.options())(inputs[0])


def _add(op: ops.Add, inputs: Sequence[Tensor], place: Place) -> Tensor:
    return keras.layers.Add(**place.options())(list(inputs))


def _multiply(op: ops.Multiply, inputs: Sequence[Tensor], place: Place) -> Tensor:
    return keras.layers.Multiply(**place.options())(list(inputs))


def _concat(op: ops.Concat, inputs: Sequence[Tensor], place: Place) -> Tensor:
    return keras.layers.Concatenate(**place.options())(list(inputs))


PORTABLE: dict[type[ops.Op], Lower] = {
    ops.Conv: _conv,
    ops.DepthwiseConv: _depthwise_conv,
    ops.Dense: _dense,
    ops.BatchNorm: _batch_norm,
    ops.LayerNorm: _layer_norm,
    ops.LocalResponseNorm: _local_response_norm,
    ops.Activation: _activation,
    ops.Softmax: _softmax,
    ops.MaxPool: _max_pool,
    ops.AvgPool: _avg_pool,
    ops.GlobalAvgPool: _global_avg_pool,
    ops.GlobalMaxPool: _global_max_pool,
    ops.Flatten: _flatten,
    ops.Dropout: _dropout,
    ops.ZeroPad: _zero_pad,
    ops.UpSample: _up_sample,
    ops.Reshape: _reshape,
    ops.Permute: _permute,
    ops.SliceChannels: _slice_channels,
    ops.PadChannels: _pad_channels,
    ops.Add: _add,
    ops.Multiply: _multiply,
    ops.Concat: _concat,
}

"""The primitives as stock Keras layers: one function for each, from an operation and its inputs to its output.

This is the `portable` lowering, the one that is saved and that the others are tested against. The last layer of each
function has the node's name; the layers before it have that name and a suffix (`naming.helper_name`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras

from archspec import ops
from archspec.ops.initializers import Initializer
from archspec.ops.windows import Sides, padding_sides
from builder.network.naming import LayerName, Tensor, helper_name, renamed

Lower = Callable[[Any, Sequence[Tensor], LayerName], Tensor]


def initializer(value: Initializer) -> keras.initializers.Initializer:
    """A new Keras initialiser for each use, so that no two layers start alike."""
    return keras.initializers.get({"class_name": value.name, "config": dict(value.arguments)})


def sides_of(op: Any, x: Tensor, padding: Any = None) -> Sides:
    """The ((top, bottom), (left, right)) that a window's own padding, or the one given, adds to an input."""
    spans = op.extents()
    vertical, horizontal = (
        padding_sides(padding or op.padding, axis, x.shape[axis + 1], spans[axis], op.stride[axis]) for axis in (0, 1)
    )
    return vertical, horizontal


def explicit_sides(op: Any, x: Tensor) -> str | Sides:
    """A window's padding as `same` or `valid` where one of them gives exactly these sides, else the sides."""
    if None in x.shape[1:3]:  # a picture of any size, for some of which the sides would differ
        return op.padding if op.padding in ("same", "valid") else sides_of(op, x)
    sides = sides_of(op, x)
    return next((word for word in ("valid", "same") if sides == sides_of(op, x, word)), sides)


def zero_padded(op: Any, x: Tensor, layer_name: LayerName) -> tuple[Tensor, str]:
    """The input and the padding word for a stock layer; where no word fits, the input already has zeros around it."""
    padding = explicit_sides(op, x)
    if isinstance(padding, str):
        return x, padding
    return keras.layers.ZeroPadding2D(padding, **layer_name.options("pad"))(x), "valid"


def conv_options(op: ops.Conv, padding: str) -> dict[str, Any]:
    """The arguments of the Conv2D layer, stock or fast."""
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
    """The arguments of the BatchNormalization layer, stock or fast."""
    return {
        "momentum": op.momentum,
        "epsilon": op.epsilon,
        "scale": op.scale,
        "center": op.center,
        "gamma_initializer": initializer(op.scale_initializer),
    }


def layer_norm_options(op: ops.LayerNorm) -> dict[str, Any]:
    """The arguments of the LayerNormalization layer, stock or fast."""
    return {"epsilon": op.epsilon, "scale": op.scale, "center": op.center}


def _conv(op: ops.Conv, inputs: Sequence[Tensor], layer_name: LayerName) -> Tensor:
    x, padding = zero_padded(op, inputs[0], layer_name)
    return keras.layers.Conv2D(**conv_options(op, padding), **layer_name.options())(x)


def _depthwise_conv(op: ops.DepthwiseConv, inputs: Sequence[Tensor], layer_name: LayerName) -> Tensor:
    x, padding = zero_padded(op, inputs[0], layer_name)
    layer = keras.layers.DepthwiseConv2D(
        kernel_size=op.kernel,
        strides=op.stride,
        dilation_rate=op.dilation,
        depth_multiplier=op.multiplier,
        padding=padding,
        use_bias=op.bias,
        depthwise_initializer=initializer(op.initializer),
        bias_initializer=initializer(op.bias_initializer),
        **layer_name.options(),
    )
    return layer(x)


def _dense(op: ops.Dense, inputs: Sequence[Tensor], layer_name: LayerName) -> Tensor:
    layer = keras.layers.Dense(
        op.units,
        use_bias=op.bias,
        kernel_initializer=initializer(op.initializer),
        bias_initializer=initializer(op.bias_initializer),
        **layer_name.options(),
    )
    return layer(inputs[0])


def _batch_norm(op: ops.BatchNorm, inputs: Sequence[Tensor], layer_name: LayerName) -> Tensor:
    return keras.layers.BatchNormalization(**batch_norm_options(op), **layer_name.options())(inputs[0])


def _layer_norm(op: ops.LayerNorm, inputs: Sequence[Tensor], layer_name: LayerName) -> Tensor:
    return keras.layers.LayerNormalization(**layer_norm_options(op), **layer_name.options())(inputs[0])


def _local_response_norm(op: ops.LocalResponseNorm, inputs: Sequence[Tensor], layer_name: LayerName) -> Tensor:
    return portable_lrn(inputs[0], op.radius, op.bias, op.alpha, op.beta, **layer_name.options())


def portable_lrn(
    x: Tensor, radius: int, bias: float, alpha: float, beta: float, name: str, dtype: Any = None
) -> Tensor:
    """Local response normalisation of (batch, height, width, channels), made of operations that load with Keras alone.

    Keras has no such layer. The sum over neighbouring channels is a sum of shifted slices, each of which is itself the
    sum of 1, 2, 4, ... channels, so that few are needed. It is in float32, since squares overflow float16.
    """
    channels = x.shape[-1]
    radius = min(radius, channels - 1)  # further away there is nothing to add

    def part(tensor: Tensor, helper: str) -> Tensor:
        return renamed(tensor, helper_name(name, helper))

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
    """A padding or cropping layer for channels: with `channels_first`, it takes them for the width."""
    return kind(((0, 0), (before, after)), data_format="channels_first", **options)


def _activation(op: ops.Activation, inputs: Sequence[Tensor], layer_name: LayerName) -> Tensor:
    if op.function == "glu":  # the Activation layer says that every function keeps the shape, and this one halves it
        first, second = keras.ops.split(inputs[0], 2, axis=-1)
        renamed(first, helper_name(layer_name.name, "halves"))
        gate = keras.layers.Activation("sigmoid", **layer_name.options("gate"))(second)
        return keras.layers.Multiply(**layer_name.options())([first, gate])
    if not op.arguments:
        return keras.layers.Activation(op.function, **layer_name.options())(inputs[0])
    arguments = {KERAS_ARGUMENTS.get(name, name): value for name, value in op.arguments}
    if op.function in PARAMETRIC:
        return PARAMETRIC[op.function](**arguments, **layer_name.options())(inputs[0])
    computed = getattr(keras.ops, op.function)(inputs[0], **arguments)  # the Activation layer takes no arguments
    computed = renamed(computed, helper_name(layer_name.name, op.function))
    return keras.layers.Activation("linear", **layer_name.options())(computed)


PARAMETRIC: dict[str, type[keras.layers.Layer]] = {
    "elu": keras.layers.ELU,
    "leaky_relu": keras.layers.LeakyReLU,
    "relu": keras.layers.ReLU,
}
"""The activation functions that have a layer with their arguments."""
KERAS_ARGUMENTS = {"slope": "negative_slope"}
"""Keras's names for arguments of activation functions that have another name in a spec."""


def _softmax(op: ops.Softmax, inputs: Sequence[Tensor], layer_name: LayerName) -> Tensor:
    return keras.layers.Softmax(**layer_name.options())(inputs[0])


def _max_pool(op: ops.MaxPool, inputs: Sequence[Tensor], layer_name: LayerName) -> Tensor:
    x = inputs[0]
    padding = explicit_sides(op, x)
    if not isinstance(padding, str):
        padded = keras.ops.pad(x, ((0, 0), *padding, (0, 0)), constant_values=float("-inf"))
        x = renamed(padded, helper_name(layer_name.name, "pad"))
        padding = "valid"
    return keras.layers.MaxPooling2D(op.size, op.stride, padding, **layer_name.options())(x)


def _avg_pool(op: ops.AvgPool, inputs: Sequence[Tensor], layer_name: LayerName) -> Tensor:
    x, padding = inputs[0], op.padding
    if padding != "same":  # explicit zeros count in the mean, those of `same` do not
        sides = sides_of(op, x)
        if any(map(any, sides)):
            x = keras.layers.ZeroPadding2D(sides, **layer_name.options("pad"))(x)
        padding = "valid"
    return keras.layers.AveragePooling2D(op.size, op.stride, padding, **layer_name.options())(x)


def _global_avg_pool(op: ops.GlobalAvgPool, inputs: Sequence[Tensor], layer_name: LayerName) -> Tensor:
    return keras.layers.GlobalAveragePooling2D(keepdims=op.keep_dims, **layer_name.options())(inputs[0])


def _global_max_pool(op: ops.GlobalMaxPool, inputs: Sequence[Tensor], layer_name: LayerName) -> Tensor:
    return keras.layers.GlobalMaxPooling2D(keepdims=op.keep_dims, **layer_name.options())(inputs[0])


def _flatten(op: ops.Flatten, inputs: Sequence[Tensor], layer_name: LayerName) -> Tensor:
    return keras.layers.Flatten(**layer_name.options())(inputs[0])


def _dropout(op: ops.Dropout, inputs: Sequence[Tensor], layer_name: LayerName) -> Tensor:
    return keras.layers.Dropout(op.rate, **layer_name.options())(inputs[0])


def _zero_pad(op: ops.ZeroPad, inputs: Sequence[Tensor], layer_name: LayerName) -> Tensor:
    return keras.layers.ZeroPadding2D(op.padding, **layer_name.options())(inputs[0])


def _up_sample(op: ops.UpSample, inputs: Sequence[Tensor], layer_name: LayerName) -> Tensor:
    return keras.layers.UpSampling2D(op.factor, interpolation=op.interpolation, **layer_name.options())(inputs[0])


def _reshape(op: ops.Reshape, inputs: Sequence[Tensor], layer_name: LayerName) -> Tensor:
    return keras.layers.Reshape(op.target, **layer_name.options())(inputs[0])


def _permute(op: ops.Permute, inputs: Sequence[Tensor], layer_name: LayerName) -> Tensor:
    return keras.layers.Permute(op.order, **layer_name.options())(inputs[0])


def _slice_channels(op: ops.SliceChannels, inputs: Sequence[Tensor], layer_name: LayerName) -> Tensor:
    after = inputs[0].shape[-1] - op.stop
    return _channels(keras.layers.Cropping2D, op.start, after, layer_name.options())(inputs[0])


def _pad_channels(op: ops.PadChannels, inputs: Sequence[Tensor], layer_name: LayerName) -> Tensor:
    return _channels(keras.layers.ZeroPadding2D, op.before, op.after, layer_name.options())(inputs[0])


def _add(op: ops.Add, inputs: Sequence[Tensor], layer_name: LayerName) -> Tensor:
    return keras.layers.Add(**layer_name.options())(list(inputs))


def _multiply(op: ops.Multiply, inputs: Sequence[Tensor], layer_name: LayerName) -> Tensor:
    return keras.layers.Multiply(**layer_name.options())(list(inputs))


def _concat(op: ops.Concat, inputs: Sequence[Tensor], layer_name: LayerName) -> Tensor:
    return keras.layers.Concatenate(**layer_name.options())(list(inputs))


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

LAYERS: dict[type[ops.Op], type[keras.layers.Layer]] = {
    ops.Conv: keras.layers.Conv2D,
    ops.DepthwiseConv: keras.layers.DepthwiseConv2D,
    ops.Dense: keras.layers.Dense,
    ops.BatchNorm: keras.layers.BatchNormalization,
    ops.LayerNorm: keras.layers.LayerNormalization,
}
"""For each primitive with weights, the class of Keras that has them as its variables, in the order of `Op.weights`."""

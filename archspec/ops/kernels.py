"""Primitives with a kernel: convolutions and dense layers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from archspec.fields.base import FieldError
from archspec.fields.records import Count, Pair
from archspec.ops.base import ActsOn, Op, Shape, ShapeError, Weight, WindowedOp, arriving, picture, square
from archspec.ops.initializers import GLOROT_UNIFORM, ZEROS, InitializerField
from archspec.ops.windows import Padding, extent

__all__ = ["Conv", "Dense", "DepthwiseConv"]


@dataclass(frozen=True, kw_only=True)
class _Convolution(WindowedOp):
    """The fields and arithmetic that all convolutions share.

    Attributes:
        kernel: height and width of the window, in pixels.
        stride: pixels from one position of the window to the next.
        dilation: pixels from one element of the kernel to the next; above 1, the window is wider than its kernel.
        padding: zeros around the picture: `same` (the output has ceil(input / stride) pixels), `valid` (none),
            `symmetric` ((kernel - 1) // 2 on each side, as in PyTorch's networks), or numbers of pixels.
        bias: whether a number is added to each channel of the output. Without this field there is one unless `norm` is
            given, as a normalisation has an offset of its own.
        initializer: how the kernel begins.
        bias_initializer: how the bias begins.
    """

    kernel: Pair
    stride: Pair = (1, 1)
    dilation: Pair = (1, 1)
    padding: Padding = "same"
    bias: bool = True
    initializer: InitializerField = GLOROT_UNIFORM
    bias_initializer: InitializerField = ZEROS
    has_kernel: ClassVar[bool] = True
    word: ClassVar[str]
    """The operation's name in a table."""

    def __post_init__(self) -> None:
        if self.stride != (1, 1) and self.dilation != (1, 1):
            raise FieldError("dilation", "a convolution takes a stride or a dilation above 1, not both (Keras)")

    def extents(self) -> tuple[int, int]:
        return extent(self.kernel[0], self.dilation[0]), extent(self.kernel[1], self.dilation[1])

    def label(self) -> str:
        dilation = f" d{square(self.dilation)}" if self.dilation != (1, 1) else ""
        return self.window_label(self.word, self.kernel) + dilation


@dataclass(frozen=True, kw_only=True)
class Conv(_Convolution):
    """Two-dimensional convolution (cross-correlation), optionally dilated and in groups.

    Example:
        conv: {filters: 64, kernel: 3, stride: 2, norm: batch, activation: relu}

    Attributes:
        filters: channels of the output.
        groups: parts of the channels, each convolved by itself; it divides the channels of the input and of the output.
    """

    filters: Count
    groups: Count = 1
    word: ClassVar[str] = "conv"

    def __post_init__(self) -> None:
        if self.filters % self.groups:
            raise FieldError("groups", f"groups={self.groups} does not divide filters={self.filters}")
        super().__post_init__()

    def shape(self, inputs: Sequence[Shape]) -> Shape:
        channels = picture(inputs[0], "conv")[2]
        if channels % self.groups:
            raise ShapeError(f"groups={self.groups} does not divide the {channels} channels that arrive here", "groups")
        return *self.spatial(inputs[0], "conv", "kernel"), self.filters

    def weights(self, inputs: Sequence[Shape]) -> Mapping[str, Weight]:
        shape = (*self.kernel, inputs[0][2] // self.groups, self.filters)
        return {"kernel": Weight(shape, output_axes=1), **_bias(self.bias, self.filters)}

    def macs(self, inputs: Sequence[Shape], output: Shape) -> int:
        return math.prod(output) * math.prod(self.kernel) * inputs[0][2] // self.groups

    def label(self) -> str:
        return super().label() + (f" g{self.groups}" if self.groups > 1 else "")


@dataclass(frozen=True, kw_only=True)
class DepthwiseConv(_Convolution):
    """A convolution of each channel by itself, with `multiplier` outputs a channel (Chollet 2016, arXiv:1610.02357).

    Example:
        depthwise_conv: {kernel: 3, norm: batch, activation: relu6}

    Attributes:
        multiplier: channels of the output for each channel of the input.
    """

    multiplier: Count = 1
    word: ClassVar[str] = "dwconv"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.stride[0] != self.stride[1]:
            raise FieldError("stride", "a depthwise convolution takes the same stride both ways (TensorFlow)")

    def shape(self, inputs: Sequence[Shape]) -> Shape:
        spatial = self.spatial(inputs[0], "depthwise_conv", "kernel")
        return *spatial, inputs[0][2] * self.multiplier

    def weights(self, inputs: Sequence[Shape]) -> Mapping[str, Weight]:
        channels = inputs[0][2]
        kernel = Weight((*self.kernel, channels, self.multiplier), output_axes=2)
        return {"kernel": kernel, **_bias(self.bias, channels * self.multiplier)}

    def macs(self, inputs: Sequence[Shape], output: Shape) -> int:
        return math.prod(output) * math.prod(self.kernel)


@dataclass(frozen=True, kw_only=True)
class Dense(Op):
    """A fully connected layer on a vector.

    Example:
        dense: {units: 10}

    Attributes:
        units: features of the output. In the last layer, the number of classes.
        bias: whether a number is added to each feature of the output.
        initializer: how the kernel begins.
        bias_initializer: how the bias begins.
    """

    units: Count
    bias: bool = True
    initializer: InitializerField = GLOROT_UNIFORM
    bias_initializer: InitializerField = ZEROS
    has_kernel: ClassVar[bool] = True
    acts_on: ClassVar[ActsOn] = "axes"

    def shape(self, inputs: Sequence[Shape]) -> Shape:
        if len(inputs[0]) != 1:
            mend = "put flatten or global_avg_pool before it"
            raise ShapeError(f"dense needs a vector, and {arriving(inputs[0])} arrives here; {mend}")
        return (self.units,)

    def weights(self, inputs: Sequence[Shape]) -> Mapping[str, Weight]:
        return {"kernel": Weight((inputs[0][0], self.units), output_axes=1), **_bias(self.bias, self.units)}

    def macs(self, inputs: Sequence[Shape], output: Shape) -> int:
        return inputs[0][0] * self.units


def _bias(present: bool, outputs: int) -> dict[str, Weight]:
    return {"bias": Weight((outputs,), output_axes=1)} if present else {}

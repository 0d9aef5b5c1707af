"""Primitives that move, add or drop elements, and the input."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, ClassVar, Literal

from archspec.fields.base import FieldError
from archspec.fields.containers import ListOf
from archspec.fields.records import Count, Pair
from archspec.fields.scalars import Integer
from archspec.ops.base import ActsOn, Op, Shape, ShapeError, picture, show
from archspec.ops.windows import ExplicitPadding, Window

__all__ = ["Flatten", "Input", "PadChannels", "Permute", "Reshape", "SliceChannels", "UpSample", "ZeroPad"]


@dataclass(frozen=True, kw_only=True)
class Input(Op):
    """The picture. It is made from `model.input` and is not a layer that a spec can name."""

    size: Shape
    acts_on: ClassVar[ActsOn] = "axes"

    def shape(self, inputs: Sequence[Shape]) -> Shape:
        return self.size


@dataclass(frozen=True, kw_only=True)
class Flatten(Op):
    """A picture as a vector, row by row, channels last.

    Example:
        flatten
    """

    def shape(self, inputs: Sequence[Shape]) -> Shape:
        return (math.prod(inputs[0]),)

    def order_of_axes(self, inputs: Sequence[Shape]) -> tuple[int, ...] | None:
        return tuple(range(len(inputs[0])))


@dataclass(frozen=True, kw_only=True)
class ZeroPad(Op):
    """Rows and columns of zeros around a picture.

    Example:
        zero_pad: [[1, 2], [1, 2]]

    Attributes:
        padding: rows and columns, in pixels: `1`, `[vertical, horizontal]` or `[[top, bottom], [left, right]]`.
    """

    padding: ExplicitPadding
    acts_on: ClassVar[ActsOn] = "axes"

    def shape(self, inputs: Sequence[Shape]) -> Shape:
        height, width, channels = picture(inputs[0], "zero_pad")
        return height + sum(self.padding[0]), width + sum(self.padding[1]), channels

    def windows(self, inputs: Sequence[Shape]) -> tuple[Window, Window] | None:
        return Window(1, 1, self.padding[0][0]), Window(1, 1, self.padding[1][0])


@dataclass(frozen=True, kw_only=True)
class UpSample(Op):
    """Enlarges a picture by whole factors.

    Example:
        up_sample: {factor: 2, interpolation: bilinear}

    Attributes:
        factor: how many times as high and wide the output is.
        interpolation: `nearest` repeats pixels, `bilinear` interpolates.
    """

    factor: Pair = (2, 2)
    interpolation: Literal["nearest", "bilinear"] = "nearest"
    acts_on: ClassVar[ActsOn] = "axes"

    def shape(self, inputs: Sequence[Shape]) -> Shape:
        height, width, channels = picture(inputs[0], "up_sample")
        return height * self.factor[0], width * self.factor[1], channels

    def windows(self, inputs: Sequence[Shape]) -> tuple[Window, Window] | None:
        between = int(self.interpolation == "bilinear")  # two neighbours
        vertical, horizontal = (
            Window(1 + between, Fraction(1, factor), between) if factor > 1 else Window(1, 1, 0)
            for factor in self.factor
        )
        return vertical, horizontal


@dataclass(frozen=True, kw_only=True)
class Reshape(Op):
    """The elements, row by row, in another shape; one size may be -1, which stands for whatever is left.

    Example:
        reshape: [4, 4, -1]

    Attributes:
        target: the sizes of the output; -1 stands for whatever is left.
    """

    target: Annotated[tuple[int, ...], ListOf(Integer(min=-1, max=1_000_000_000), "list of sizes", 1)]

    def __post_init__(self) -> None:
        if 0 in self.target:
            raise FieldError("target", "a size is 0; sizes are at least 1, or -1 for whatever is left")
        if self.target.count(-1) > 1:
            raise FieldError("target", "only one size may be -1")
        if len(self.target) > 3:
            raise FieldError("target", f"a shape has one to three sizes, got {len(self.target)}")

    def shape(self, inputs: Sequence[Shape]) -> Shape:
        elements = math.prod(inputs[0])
        known = math.prod(size for size in self.target if size != -1)
        if (-1 in self.target and elements % known) or (-1 not in self.target and elements != known):
            raise ShapeError(
                f"{show(inputs[0])} ({elements} elements) cannot be reshaped to {list(self.target)}", "target"
            )
        return tuple(elements // known if size == -1 else size for size in self.target)

    def order_of_axes(self, inputs: Sequence[Shape]) -> tuple[int, ...] | None:
        return tuple(range(len(inputs[0])))


@dataclass(frozen=True, kw_only=True)
class Permute(Op):
    """Axes in another order, counted from 1: `[2, 1, 3]` swaps height and width.

    Example:
        permute: [2, 1, 3]

    Attributes:
        order: the axes of the input, counted from 1, in the order of the output.
    """

    order: Annotated[tuple[int, ...], ListOf(Integer(min=1, max=3), "list of axes", 1)]

    @property
    def acts_on(self) -> ActsOn:  # type: ignore[override]  # it depends on the order
        return "elements" if self.order == tuple(range(1, len(self.order) + 1)) else "whole"

    def shape(self, inputs: Sequence[Shape]) -> Shape:
        if sorted(self.order) != list(range(1, len(inputs[0]) + 1)):
            raise ShapeError(f"order {list(self.order)} does not name each axis of {show(inputs[0])} once", "order")
        return tuple(inputs[0][axis - 1] for axis in self.order)

    def order_of_axes(self, inputs: Sequence[Shape]) -> tuple[int, ...] | None:
        return tuple(axis - 1 for axis in self.order)


@dataclass(frozen=True, kw_only=True)
class SliceChannels(Op):
    """The channels from `start` up to, not including, `stop`.

    Example:
        slice_channels: {start: 0, stop: 32}

    Attributes:
        start: the first channel, counted from 0.
        stop: the channel after the last one.
    """

    start: Annotated[int, Integer(min=0, max=1_000_000)]
    stop: Count
    acts_on: ClassVar[ActsOn] = "axes"

    def __post_init__(self) -> None:
        if self.start >= self.stop:
            raise FieldError("stop", f"stop={self.stop} must be above start={self.start}")

    def shape(self, inputs: Sequence[Shape]) -> Shape:
        height, width, channels = picture(inputs[0], "slice_channels")
        if self.stop > channels:
            raise ShapeError(f"stop={self.stop} is beyond the {channels} channels that arrive here", "stop")
        return height, width, self.stop - self.start


@dataclass(frozen=True, kw_only=True)
class PadChannels(Op):
    """Channels of zeros before and after (option A of He et al. 2015, section 3.3).

    Example:
        pad_channels: {after: 16}

    Attributes:
        before: channels of zeros before those that arrive.
        after: channels of zeros after them.
    """

    before: Annotated[int, Integer(min=0, max=1_000_000)] = 0
    after: Annotated[int, Integer(min=0, max=1_000_000)] = 0
    acts_on: ClassVar[ActsOn] = "axes"

    def shape(self, inputs: Sequence[Shape]) -> Shape:
        height, width, channels = picture(inputs[0], "pad_channels")
        return height, width, channels + self.before + self.after

"""Receptive fields: the part of the picture that an element of each operation's output depends on.

An output is described by two things. For the rows and the columns of the picture, a window that moves with the
element's position (Araujo et al. 2019, "Computing receptive fields of convolutional neural networks"); and a layout,
which says along which axes of the output that position is counted. A convolution widens the windows, and a reshape or a
permutation changes nothing but the layout, so that the channel shuffle of a ShuffleNet leaves the windows as they are.

What sees every position, such as a global pool, sees the picture once, however often it happens: its part is an
interval of the picture, the same for all elements, and no longer a window.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from archspec.graph.graph import Graph
from archspec.ops import Op, Shape
from archspec.ops.windows import Window

Distance = int | Fraction
LARGEST = 10**9
"""Windows that are larger or further apart in input pixels, many times any picture, are taken to see all of it; so are
those whose distances are fractions with a denominator beyond this."""


@dataclass(frozen=True, slots=True)
class Axis:
    """What elements see of the picture's rows (or columns).

    Attributes:
        stride: input positions between the windows of neighbouring elements; None where all see the same part.
        first, last: the window of the element at position 0, both included; they may lie outside the picture.
        count: how many positions there are.
        seen: the part of the picture that every element sees besides, or None. It holds all windows.
    """

    stride: Distance | None
    first: Distance
    last: Distance
    count: int
    seen: tuple[int, int] | None = None

    @property
    def size(self) -> int:
        """How many rows (columns) an element sees. A window may be larger than the picture."""
        first, last = self.seen or (self.first, self.last)
        return math.ceil(last - first) + 1

    def everything(self, limit: int) -> Axis:
        """What an element sees that depends on all positions, in a picture of `limit` rows (columns)."""
        if self.seen is not None:
            first, last = self.seen
        else:
            end = self.last + (self.count - 1) * (self.stride or 0)
            first, last = (min(max(0, bound), limit - 1) for bound in (math.floor(self.first), math.ceil(end)))
        return Axis(None, first, last, 1, (first, last))

    @property
    def is_measurable(self) -> bool:
        """Whether the numbers are of a size at which they mean anything."""
        numbers = (self.stride or 1, self.first, self.last)
        return self.last - self.first < LARGEST and all(
            max(abs(number.numerator), number.denominator) < LARGEST for number in numbers
        )

    def through(self, window: Window, count: int) -> Axis:
        """The windows after a sliding window has been moved to `count` positions."""
        stride = self.stride or 0
        first = self.first - window.before * stride
        last = self.last + (window.extent - 1 - window.before) * stride
        return Axis(stride * window.stride, first, last, count, self.seen)


Digit = tuple[tuple[int, ...], int, int]
"""A part of an output's axis, as a digit is part of a number: which axes of the picture it counts (0 rows, 1 columns,
none for channels), how many values it has, and how many positions one step of it is."""
Layout = tuple[tuple[Digit, ...], ...]
"""The digits of each axis of an output, the most significant first; none for an axis of size 1."""


@dataclass(frozen=True, slots=True)
class Field:
    """What the elements of one output see: rows, columns, and along which axes their positions are counted."""

    axes: tuple[Axis, Axis]
    layout: Layout

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the part of the picture that one element sees."""
        return self.axes[0].size, self.axes[1].size

    @property
    def stride(self) -> tuple[Distance, Distance] | None:
        """Input positions between neighbours along the first two axes of a feature map; None where it is none, where
        all elements see the same part, and where neighbours in the output are none in the picture."""
        if len(self.layout) != 3:
            return None
        vertical, horizontal = (self._stride(axis) for axis in (0, 1))
        return None if vertical is None or horizontal is None else (vertical, horizontal)

    def _stride(self, axis: int) -> Distance | None:
        if not self.layout[axis] and self.axes[axis].count == 1:
            return self.axes[axis].stride
        counted = self.counted_by(axis)
        return None if counted is None else self.axes[counted].stride

    def counted_by(self, axis: int) -> int | None:
        """The axis of the picture whose positions an axis of the output counts, all of them in order; else None."""
        digits = self.layout[axis]
        if len(digits) != 1 or len(digits[0][0]) != 1:
            return None
        ((counted,), size, step) = digits[0]
        return counted if step == 1 and size == self.axes[counted].count else None


def receptive_fields(graph: Graph) -> list[Field]:
    """What the elements of each node's output see, in the order of the nodes."""
    picture = graph.input.shape
    fields = [_of_input(picture)]
    limits = (picture[0], picture[1]) if len(picture) == 3 else (1, 1)
    for node in graph.nodes[1:]:
        inputs = [fields[index] for index in node.inputs]
        field = inputs[0] if len(inputs) == 1 else _merged(inputs, limits)
        shapes = graph.input_shapes(node)
        fields.append(_after(node.op, field, shapes, node.shape, limits))
    return fields


def _of_input(shape: Shape) -> Field:
    if len(shape) != 3:
        return Field((Axis(1, 0, 0, 1), Axis(1, 0, 0, 1)), tuple(_channels(size) for size in shape))
    rows, columns = (_canonical([((axis,), shape[axis], 1)]) for axis in (0, 1))
    return Field((Axis(1, 0, 0, shape[0]), Axis(1, 0, 0, shape[1])), (rows, columns, _channels(shape[2])))


def _channels(size: int) -> tuple[Digit, ...]:
    """The digits of an axis along which no position changes."""
    return (((), size, 1),) if size > 1 else ()


# -- one operation -----------------------------------------------------------------------------------------------------


def _after(op: Op, field: Field, inputs: Sequence[Shape], output: Shape, limits: tuple[int, int]) -> Field:
    """What the elements of an operation's output see, from what those of its input see."""
    order = op.order_of_axes(inputs)
    if order is not None:
        return Field(field.axes, _rearranged([field.layout[axis] for axis in order], output))
    if op.acts_on == "elements":
        return field
    if op.acts_on == "whole":
        return _blended(Field(field.axes, tuple(map(_channels, output))), (0, 1), limits)
    blended = set(_axes_of(field.layout[-1]))  # all channels are, or may be, summed
    axes, layout = [*field.axes], [*field.layout[:-1], _channels(output[-1])]
    for axis, window in enumerate(op.windows(inputs) or ()):
        if window.everywhere:
            blended |= _axes_of(layout[axis])
            layout[axis] = ()
            continue
        size = output[axis]
        if (window.extent, window.stride, window.before, size) == (1, 1, 0, inputs[0][axis]):
            continue
        counted = field.counted_by(axis)
        if counted is not None:
            axes[counted] = axes[counted].through(window, size)
            layout[axis] = _canonical([((counted,), size, 1)])
            if not axes[counted].is_measurable:
                blended.add(counted)
        else:
            blended |= _axes_of(layout[axis])
            layout[axis] = _channels(size)
    after = Field((axes[0], axes[1]), tuple(layout[-len(output) :]))
    return _blended(after, blended, limits) if blended else after


def _axes_of(digits: Iterable[Digit]) -> set[int]:
    """The axes of the picture that digits count."""
    return {axis for axes, _, _ in digits for axis in axes}


def _blended(field: Field, blended: Iterable[int], limits: tuple[int, int]) -> Field:
    """The field of elements that depend on all positions along some axes of the picture."""
    axes = [*field.axes]
    for axis in blended:
        axes[axis] = axes[axis].everything(limits[axis])
    gone = {*blended}
    layout = tuple(
        _canonical([(tuple(axis for axis in digit[0] if axis not in gone), *digit[1:]) for digit in digits])
        for digits in field.layout
    )
    return Field((axes[0], axes[1]), layout)


# -- several inputs ----------------------------------------------------------------------------------------------------


def _merged(fields: Sequence[Field], limits: tuple[int, int]) -> Field:
    """What elements see that depend on the elements of several tensors at their place, where an axis of size 1 is
    repeated."""
    fields = list(dict.fromkeys(fields))
    if len(fields) == 1:
        return fields[0]
    layout: list[tuple[Digit, ...]] = []
    blended: set[int] = set()
    for columns in zip(*(field.layout for field in fields), strict=True):
        different = {digits for digits in columns if _axes_of(digits)}
        longest = max(columns, key=lambda digits: math.prod(size for _, size, _ in digits))
        if len(different) > 1:
            blended |= set().union(*map(_axes_of, different))
        layout.append(different.pop() if different else longest)
    blended |= {axis for digits in layout for axes, _, _ in digits if len(axes) > 1 for axis in axes}
    for axis in (0, 1):
        counts = [field.axes[axis].count for field in fields]
        positions = math.prod(size for digits in layout for axes, size, _ in digits if axes == (axis,))
        if positions != max(counts):  # counted along different axes in different tensors
            blended.add(axis)
    axes = [_merged_axis([field.axes[axis] for field in fields], limits[axis]) for axis in (0, 1)]
    merged = Field((axes[0], axes[1]), tuple(layout))
    return _blended(merged, blended, limits) if blended else merged


def _merged_axis(axes: Sequence[Axis], limit: int) -> Axis:
    axes = list(dict.fromkeys(axes))
    if len(axes) == 1:
        return axes[0]
    count = max(axis.count for axis in axes)
    moving = [axis for axis in axes if axis.count == count and axis.stride is not None]
    seen = None
    if len(moving) < len(axes) or any(axis.seen for axis in axes):
        parts = [axis.everything(limit) for axis in axes]
        seen = (min(int(part.first) for part in parts), max(int(part.last) for part in parts))
        if not moving:
            return Axis(None, *seen, count, seen)
    stride: Distance = max(axis.stride for axis in moving if axis.stride is not None)
    first = min(bound for axis in moving for bound in _at_both_ends(axis.first, axis, stride))
    last = max(bound for axis in moving for bound in _at_both_ends(axis.last, axis, stride))
    return Axis(stride, first, last, count, seen)


def _at_both_ends(bound: Distance, axis: Axis, stride: Distance) -> Iterator[Distance]:
    """Where a window's bound stands relative to windows of another stride, at the first position and at the last. In
    between it cannot stand further out."""
    yield bound
    if axis.stride is not None and axis.stride != stride:
        yield bound + (axis.count - 1) * (axis.stride - stride)


# -- layouts -----------------------------------------------------------------------------------------------------------


def _canonical(digits: Iterable[Digit]) -> tuple[Digit, ...]:
    """The digits with those joined that are one number, and those of a single value left out."""
    joined: list[Digit] = []
    for axes, size, step in digits:
        if size == 1:
            continue
        if joined and joined[-1][0] == axes and (not axes or joined[-1][2] == size * step):
            joined[-1] = (axes, joined[-1][1] * size, step if axes else 1)
        else:
            joined.append((axes, size, step if axes else 1))
    return tuple(joined)


def _rearranged(axes: Sequence[tuple[Digit, ...]], shape: Shape) -> Layout:
    """The layout of a tensor whose axes are taken in this order and filled into a shape, row by row."""
    rest = [*reversed(_canonical(digit for digits in axes for digit in digits))]
    layout: list[tuple[Digit, ...]] = []
    for wanted in shape:
        taken: list[Digit] = []
        while wanted > 1:
            counted, size, step = rest.pop()
            if wanted % size == 0:
                taken.append((counted, size, step))
                wanted //= size
            elif size % wanted == 0:
                taken.append((counted, wanted, step * (size // wanted)))
                rest.append((counted, size // wanted, step))
                wanted = 1
            else:
                return _scrambled(axes, shape)
        layout.append(_canonical(taken))
    return tuple(layout)


def _scrambled(axes: Sequence[tuple[Digit, ...]], shape: Shape) -> Layout:
    """The layout of a tensor with axes that begin and end in the middle of others: each may count anything."""
    counted = tuple(sorted(set().union(*map(_axes_of, axes))))
    return tuple(_canonical([(counted, size, 0)]) for size in shape)

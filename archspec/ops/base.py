"""What every primitive answers: its shape, weights, MACs and window."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from archspec.fields.records import Pair
from archspec.ops.windows import Padding, Window, output_size, padding_sides

Shape = tuple[int, ...]


class ShapeError(Exception):
    """An operation that cannot take the shapes that arrive. `field` is the one to point at, where there is one."""

    def __init__(self, message: str, field: str | None = None):
        super().__init__(message)
        self.field = field


def show(shape: Shape) -> str:
    """`224x224x3`"""
    return "x".join(map(str, shape))


def arriving(shape: Shape) -> str:
    """What a shape is, in words: `a picture of 8x8x3`, `a vector of 64`."""
    noun = {1: "a vector", 3: "a picture"}.get(len(shape), "a matrix")
    return f"{noun} of {show(shape)}"


@dataclass(frozen=True, kw_only=True)
class Op:
    """An operation on one tensor that keeps its shape and has no weights; subclasses say what differs."""

    kind: ClassVar[str]
    """The word for the operation in a spec: the class's name in snake case."""
    many_inputs: ClassVar[bool] = False
    has_kernel: ClassVar[bool] = False
    """Whether `norm` and `activation` may be written on it, as further layers behind it."""

    def __init_subclass__(cls) -> None:
        cls.kind = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", cls.__name__).lower()

    def shape(self, inputs: Sequence[Shape]) -> Shape:
        """The output's shape.

        Raises:
            ShapeError: the inputs do not fit.
        """
        return inputs[0]

    def parameters(self, inputs: Sequence[Shape]) -> tuple[int, int]:
        """Trainable and non-trainable weights."""
        return 0, 0

    def macs(self, inputs: Sequence[Shape], output: Shape) -> int:
        return 0

    def windows(self, inputs: Sequence[Shape]) -> tuple[Window, Window] | None:
        """What an output element sees, by axis; None for the same position only."""
        return None

    def spatial_axes(self) -> tuple[int, int]:
        """The input's axes that become the output's height and width."""
        return 0, 1

    def label(self) -> str:
        """The operation in a table, `conv 3x3/2`."""
        return self.kind


def picture(shape: Shape, kind: str) -> tuple[int, int, int]:
    if len(shape) != 3:
        raise ShapeError(f"{kind} needs a picture (height x width x channels), and {arriving(shape)} arrives here")
    return shape[0], shape[1], shape[2]


def whole(shape: Shape) -> tuple[Window, Window] | None:
    """The windows of what sees all of a picture."""
    return (Window(shape[0], shape[0], 0), Window(shape[1], shape[1], 0)) if len(shape) == 3 else None


class WindowedOp(Op):
    """What slides a window over a picture."""

    stride: Pair
    padding: Padding

    def extents(self) -> tuple[int, int]:
        raise NotImplementedError

    def spatial(self, shape: Shape, kind: str, field: str) -> tuple[int, int]:
        height, width, _ = picture(shape, kind)
        size = (height, width)
        spans = self.extents()
        sizes = [output_size(self.padding, a, size[a], spans[a], self.stride[a]) for a in (0, 1)]
        if min(sizes) < 1:
            pads = [sum(padding_sides(self.padding, a, size[a], spans[a], self.stride[a])) for a in (0, 1)]
            padded = f" (padded to {height + pads[0]}x{width + pads[1]})" if any(pads) else ""
            raise ShapeError(
                f"a {show(spans)} window does not fit into the {height}x{width} picture that arrives here{padded}",
                field,
            )
        return sizes[0], sizes[1]

    def windows(self, inputs: Sequence[Shape]) -> tuple[Window, Window] | None:
        spans = self.extents()
        before = [padding_sides(self.padding, a, inputs[0][a], spans[a], self.stride[a])[0] for a in (0, 1)]
        axes = [Window(spans[a], self.stride[a], before[a]) for a in (0, 1)]
        return axes[0], axes[1]

    def window_label(self, kind: str, size: tuple[int, int]) -> str:
        stride = "" if self.stride == (1, 1) else f"/{square(self.stride)}"
        return f"{kind} {show(size)}{stride}"


def square(pair: tuple[int, int]) -> str:
    return str(pair[0]) if pair[0] == pair[1] else show(pair)

"""The base class of the primitives: what each states about itself, and helpers for shapes."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from archspec.fields.records import Pair
from archspec.ops.windows import Padding, Window, output_size, padding_sides

__all__ = ["ActsOn", "Op", "Shape", "ShapeError", "Weight", "show"]

Shape = tuple[int, ...]

ActsOn = Literal["elements", "channels", "axes", "whole"]
"""What one output element of an operation depends on, from the least to the most.

elements: the input elements at its own position and channel.
channels: all channels at its own position, whichever order they have; weights, if any, belong to one channel each.
axes: anything, by its place along height, width and channels. How a picture is stored makes no difference.
whole: anything, and possibly the order in which the elements are stored, as in `flatten`.
"""


class ShapeError(Exception):
    """Inputs whose shapes do not suit an operation. `field` names the field at fault, where there is one."""

    def __init__(self, message: str, field: str | None = None):
        super().__init__(message)
        self.field = field


def show(shape: Shape) -> str:
    """`224x224x3`"""
    return "x".join(map(str, shape))


def arriving(shape: Shape) -> str:
    """A shape in words: `a picture of 8x8x3`, `a vector of 64`."""
    noun = {1: "a vector", 3: "a picture"}.get(len(shape), "a matrix")
    return f"{noun} of {show(shape)}"


@dataclass(frozen=True)
class Weight:
    """One array of an operation's weights.

    Attributes:
        shape: as Keras stores it.
        trainable: whether an optimizer changes it; moving statistics are not trainable.
        output_axes: how many of its last axes run over the output's channels, in their order, so that scaling a
            channel of the output is scaling a slice of the array. 0, the careful default, makes no such promise.
    """

    shape: Shape
    trainable: bool = True
    output_axes: int = 0


@dataclass(frozen=True, kw_only=True)
class Op:
    """An operation on one tensor that keeps its shape and has no weights; subclasses override what differs."""

    kind: ClassVar[str]
    """The word for the operation in a spec: the class's name in snake case."""
    many_inputs: ClassVar[bool] = False
    has_kernel: ClassVar[bool] = False
    """Whether `norm` and `activation` may be written on it; each becomes a layer after it."""
    is_norm: ClassVar[bool] = False
    """Whether it can be that `norm`: the word for `batch_norm` is `batch`."""
    acts_on: ClassVar[ActsOn] = "whole"
    """What an output element depends on (see `ActsOn`). The default claims nothing, so that whatever asks has to be
    careful: it refuses what it cannot know."""

    written: ClassVar[Callable[..., Op] | None] = None
    """Makes it of the fields that a spec has, where they are not the class's own."""

    def __init_subclass__(cls) -> None:
        cls.kind = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", cls.__name__).lower()

    def shape(self, inputs: Sequence[Shape]) -> Shape:
        """The output's shape.

        Raises:
            ShapeError: the inputs' shapes do not suit the operation.
        """
        return inputs[0]

    def weights(self, inputs: Sequence[Shape]) -> Mapping[str, Weight]:
        """The weights by role, in the order in which Keras's layer creates them.

        The roles `kernel`, `bias`, `gamma`, `beta`, `mean` and `variance` mean what they mean in a convolution, a dense
        layer and a normalisation: a `kernel` is `(..., inputs, outputs)` and is multiplied with the input, a `bias` is
        added to the output, and each of the others has one number a channel.
        """
        return {}

    def parameters(self, inputs: Sequence[Shape]) -> tuple[int, int]:
        """The numbers of trainable and of non-trainable parameters: the sizes of `weights`, added up."""
        counts = [0, 0]
        for weight in self.weights(inputs).values():
            counts[not weight.trainable] += math.prod(weight.shape)
        return counts[0], counts[1]

    def macs(self, inputs: Sequence[Shape], output: Shape) -> int:
        """Multiply-accumulates for one picture."""
        return 0

    def windows(self, inputs: Sequence[Shape]) -> tuple[Window, Window] | None:
        """The input positions that an output element depends on, vertically and horizontally; None for its own only."""
        return None

    def order_of_axes(self, inputs: Sequence[Shape]) -> tuple[int, ...] | None:
        """For an operation that only moves elements: the order in which it takes the input's axes, to fill the output's
        shape row by row. None for all others."""
        return None

    def label(self) -> str:
        """The operation in a table, `conv 3x3/2`."""
        return self.kind


def picture(shape: Shape, kind: str) -> tuple[int, int, int]:
    """Height, width and channels of a shape.

    Raises:
        ShapeError: it is not a picture's.
    """
    if len(shape) != 3:
        raise ShapeError(f"{kind} needs a picture (height x width x channels), and {arriving(shape)} arrives here")
    return shape[0], shape[1], shape[2]


def whole(shape: Shape) -> tuple[Window, Window] | None:
    """The windows of an operation whose output elements depend on every position of a picture."""
    if len(shape) != 3:
        return None
    return Window(shape[0], shape[0], 0, everywhere=True), Window(shape[1], shape[1], 0, everywhere=True)


class WindowedOp(Op):
    """An operation that slides a window over a picture."""

    acts_on: ClassVar[ActsOn] = "axes"
    stride: Pair
    padding: Padding

    def extents(self) -> tuple[int, int]:
        """Height and width of the window, in input elements."""
        raise NotImplementedError

    def spatial(self, shape: Shape, kind: str, field: str) -> tuple[int, int]:
        """Height and width of the output.

        Raises:
            ShapeError: the window does not fit into the picture; `field` is then at fault.
        """
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
    """`3` for (3, 3), `1x3` for (1, 3)."""
    return str(pair[0]) if pair[0] == pair[1] else show(pair)

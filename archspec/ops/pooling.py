"""Primitives that pool a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from archspec.fields.base import FieldError
from archspec.fields.records import Pair
from archspec.ops.base import ActsOn, Op, Shape, WindowedOp, picture, whole
from archspec.ops.windows import Padding, Window

__all__ = ["AvgPool", "GlobalAvgPool", "GlobalMaxPool", "MaxPool"]


@dataclass(frozen=True, kw_only=True)
class _Pool(WindowedOp):
    """`stride` defaults to `size`.

    Attributes:
        size: height and width of the window, in pixels.
        stride: pixels from one position of the window to the next; null stands for `size`.
        padding: as in a convolution: `same`, `valid`, `symmetric` or numbers of pixels. PyTorch's `ceil_mode` is
            padding at the bottom and on the right, `[[0, 1], [0, 1]]`.
    """

    size: Pair
    stride: Pair | None = None  # type: ignore[assignment]
    padding: Padding = "valid"

    def __post_init__(self) -> None:
        if self.stride is None:
            object.__setattr__(self, "stride", self.size)
        if not isinstance(self.padding, str):
            for axis in (0, 1):
                if max(self.padding[axis]) >= self.size[axis]:
                    raise FieldError(
                        "padding",
                        f"padding {max(self.padding[axis])} must be below the window's size {self.size[axis]}",
                    )

    def extents(self) -> tuple[int, int]:
        return self.size

    def shape(self, inputs: Sequence[Shape]) -> Shape:
        return *self.spatial(inputs[0], self.kind, "size"), inputs[0][2]

    def label(self) -> str:
        return self.window_label(self.kind, self.size)


@dataclass(frozen=True, kw_only=True)
class MaxPool(_Pool):
    """Maximum over a window. Padding never wins, whatever the sign of what arrives.

    Example:
        max_pool: {size: 3, stride: 2, padding: same}
    """


@dataclass(frozen=True, kw_only=True)
class AvgPool(_Pool):
    """Mean over a window. `same` leaves padding out of the mean (TensorFlow); explicit padding counts as zeros
    (PyTorch's and Caffe's default).

    Example:
        avg_pool: {size: 2}
    """


@dataclass(frozen=True, kw_only=True)
class _GlobalPool(Op):
    """`keep_dims` gives 1x1xC instead of C.

    Attributes:
        keep_dims: whether the output is 1x1xC, a picture, instead of C features.
    """

    keep_dims: bool = False
    acts_on: ClassVar[ActsOn] = "axes"

    def shape(self, inputs: Sequence[Shape]) -> Shape:
        channels = picture(inputs[0], self.kind)[2]
        return (1, 1, channels) if self.keep_dims else (channels,)

    def windows(self, inputs: Sequence[Shape]) -> tuple[Window, Window] | None:
        return whole(inputs[0])


@dataclass(frozen=True, kw_only=True)
class GlobalAvgPool(_GlobalPool):
    """Mean of each channel over the picture.

    Example:
        global_avg_pool
    """


@dataclass(frozen=True, kw_only=True)
class GlobalMaxPool(_GlobalPool):
    """Maximum of each channel over the picture.

    Example:
        global_max_pool: {keep_dims: true}
    """

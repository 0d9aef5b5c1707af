"""Primitives that join several tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from archspec.ops.base import ActsOn, Op, Shape, ShapeError, arriving, show

__all__ = ["Add", "Concat", "Multiply"]


@dataclass(frozen=True, kw_only=True)
class _Elementwise(Op):
    """An operation on the elements of several tensors at the same position and channel."""

    many_inputs: ClassVar[bool] = True
    acts_on: ClassVar[ActsOn] = "elements"

    def shape(self, inputs: Sequence[Shape]) -> Shape:
        if len({len(shape) for shape in inputs}) > 1:
            raise ShapeError(f"{self.kind} cannot merge {_in_words(inputs)}")
        sizes = []
        for axis in zip(*inputs, strict=True):
            if len(set(axis) - {1}) > 1:
                raise ShapeError(f"{self.kind} cannot merge {listed(inputs)}: their sizes differ")
            sizes.append(max(axis))
        return tuple(sizes)


def _in_words(shapes: Sequence[Shape]) -> str:
    """The first input of each rank, in words, where ranks differ."""
    ranks = {len(shape): shape for shape in reversed(shapes)}
    return " and ".join(arriving(shape) for shape in ranks.values())


def listed(shapes: Sequence[Shape]) -> str:
    """Shapes in a row, `8x8x3, 8x8x4 and 4x4x3`; at most six are named."""
    words = [show(shape) for shape in shapes]
    if len(words) > 6:
        words[5:] = [f"{len(words) - 5} more"]
    return ", ".join(words[:-1]) + f" and {words[-1]}"


@dataclass(frozen=True, kw_only=True)
class Add(_Elementwise):
    """Sum of the inputs; a size of 1 is repeated.

    Example:
        add: {from: [left, right]}
    """


@dataclass(frozen=True, kw_only=True)
class Multiply(_Elementwise):
    """Product of the inputs; a size of 1 is repeated.

    Example:
        multiply: {from: [left, right]}
    """


@dataclass(frozen=True, kw_only=True)
class Concat(Op):
    """The inputs side by side along the channels.

    Example:
        concat: {from: [left, right]}
    """

    many_inputs: ClassVar[bool] = True
    acts_on: ClassVar[ActsOn] = "axes"

    def shape(self, inputs: Sequence[Shape]) -> Shape:
        if len({len(shape) for shape in inputs}) > 1:
            raise ShapeError(f"concat cannot merge {_in_words(inputs)}")
        if len({shape[:-1] for shape in inputs}) > 1:
            raise ShapeError(f"concat cannot merge {listed(inputs)}: all but the channels must be equal")
        return *inputs[0][:-1], sum(shape[-1] for shape in inputs)

"""Arithmetic of sliding windows: padding, output sizes and receptive fields, one axis at a time."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Any, Literal

from archspec.errors import INVALID
from archspec.fields.base import Form, Reader, schema_of
from archspec.fields.scalars import Choice, Integer, list_hint
from archspec.source.tree import Tree

Sides = tuple[tuple[int, int], tuple[int, int]]
"""(top, bottom), (left, right)"""

PaddingValue = Literal["same", "valid", "symmetric"] | Sides

_AMOUNT = Integer(min=0, max=100_000)


class PaddingForm(Form):
    """`same`, `valid`, `symmetric`, `1`, `[vertical, horizontal]` or `[[top, bottom], [left, right]]`.

    It is read as a word or as all four sides. `same` is TensorFlow's: the output is ceil(input / stride), and an odd
    amount of padding puts the extra row or column at the end. `symmetric` is what PyTorch's networks use: (kernel - 1)
    // 2 on every side.
    """

    def __init__(self, words: tuple[str, ...] = ("same", "valid", "symmetric")):
        self.words = words

    @property
    def expected(self) -> str:  # type: ignore[override]
        words = "".join(f"'{word}', " for word in self.words)
        return f"{words}a whole number of at least 0, [vertical, horizontal] or [[top, bottom], [left, right]]"

    def convert(self, tree: Tree, path: str, reader: Reader) -> Any:
        value = tree.value
        hint = list_hint(value)
        if isinstance(value, str) and self.words and not hint:
            return Choice(self.words).convert(tree, path, reader)
        if isinstance(value, int | float) and not isinstance(value, bool):
            amount = _AMOUNT.convert(tree, path, reader)
            return INVALID if amount is INVALID else self.simplified(((amount, amount), (amount, amount)))
        if isinstance(value, list) and len(value) == 2:
            axes = tuple(self.axis(part, f"{path}[{i}]", reader) for i, part in enumerate(value))
            return INVALID if INVALID in axes else self.simplified(axes)
        return reader.expect(tree, path, self.expected, hint)

    def axis(self, tree: Tree, path: str, reader: Reader) -> Any:
        tree = reader.evaluated(tree, path)
        if isinstance(tree.value, list) and len(tree.value) == 2:
            sides = tuple(_AMOUNT.read(part, f"{path}[{i}]", reader) for i, part in enumerate(tree.value))
            return INVALID if INVALID in sides else sides
        amount = _AMOUNT.read(tree, path, reader)
        return INVALID if amount is INVALID else (amount, amount)

    def simplified(self, sides: Any) -> Any:
        return "valid" if "valid" in self.words and sides == ((0, 0), (0, 0)) else sides

    def json_schema(self) -> dict[str, Any]:
        amount = schema_of(_AMOUNT)
        pair = {"type": "array", "items": amount, "minItems": 2, "maxItems": 2}
        axes = {"type": "array", "items": {"anyOf": [amount, pair]}, "minItems": 2, "maxItems": 2}
        return {"anyOf": [*([{"enum": list(self.words)}] if self.words else []), amount, axes]}


Padding = Annotated[PaddingValue, PaddingForm()]
ExplicitPadding = Annotated[Sides, PaddingForm(words=())]


@dataclass(frozen=True, slots=True)
class Window:
    """The inputs that one output element depends on along one axis: `extent` inputs, starting `before` inputs ahead of
    its own position; the next element's window starts `stride` inputs later (a fraction where the output is larger).
    One that is `everywhere` does not slide: it is the whole axis, whatever its size."""

    extent: int
    stride: int | Fraction
    before: int
    everywhere: bool = False


def extent(kernel: int, dilation: int) -> int:
    """The number of inputs that a dilated kernel spans."""
    return (kernel - 1) * dilation + 1


def padding_sides(padding: PaddingValue, axis: int, size: int, span: int, stride: int) -> tuple[int, int]:
    """The elements added before and after an axis (0 vertical, 1 horizontal) of `size`, for a window of `span`."""
    if padding == "valid":
        return 0, 0
    if padding == "same":
        total = max((-(-size // stride) - 1) * stride + span - size, 0)
        return total // 2, total - total // 2
    if padding == "symmetric":
        return (span - 1) // 2, (span - 1) // 2
    return padding[axis]


def output_size(padding: PaddingValue, axis: int, size: int, span: int, stride: int) -> int:
    """The number of the window's positions along an axis; below 1 when the window does not fit."""
    before, after = padding_sides(padding, axis, size, span, stride)
    return (size + before + after - span) // stride + 1

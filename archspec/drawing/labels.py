"""What is written on the boxes of a drawing, and which shape each kind of operation has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from archspec import tables
from archspec.drawing.outline import Part
from archspec.drawing.views import View
from archspec.ops import (
    Activation,
    AvgPool,
    Conv,
    Dense,
    DepthwiseConv,
    Dropout,
    GlobalAvgPool,
    GlobalMaxPool,
    LocalResponseNorm,
    MaxPool,
    Op,
    PadChannels,
    Shape,
    SliceChannels,
    UpSample,
)
from archspec.ops.base import WindowedOp
from archspec.receptive_fields import Distance
from archspec.wording import counted

Kind = Literal["conv", "dense", "pool", "up", "merge", "point", "shape", "group"]
"""A convolution, a dense layer, a pool, an up-sampling, what joins tensors, what works position by position, what moves
elements, and a group that is folded to a box."""
FUNCTIONS = {"relu": "ReLU", "relu6": "ReLU6", "gelu": "GELU", "silu": "SiLU", "selu": "SELU"}
"""Activation functions as the papers write them."""


@dataclass(frozen=True, slots=True)
class Caption:
    """The words on a box.

    Attributes:
        kind: which decides the shape of the box.
        title: what it is, such as `3×3 conv, 64, /2`.
        numbers: its parameters and MACs, such as `36.9K · 116M`; empty where it has neither.
    """

    kind: Kind
    title: str
    numbers: str = ""


def caption(view: View) -> Caption:
    """The words on the box of a view, or on its frame where it is open. Numbers are those of all copies; the frame of a
    repeat leaves them out, as it shows one copy."""
    numbers = " · ".join(tables.compact(count) for count in (view.parameters, view.macs) if count)
    if not view.part.is_layer:
        return Caption("group", frame_title(view), "" if view.is_open and view.times > 1 else numbers)
    op = view.part.ops[0]
    title = title_of(op) + (f" × {view.times}" if view.times > 1 else "")
    return Caption(kind_of(op), title, numbers)


def frame_title(view: View) -> str:
    """The name of a group in the group around it: `block2`, or `block2–36` for a repeat."""
    if view.times == 1:
        return view.part.label
    first, last = view.part.label, view.copies[-1].rpartition(".")[2]
    digits = len(first) - len(first.rstrip("0123456789"))
    stem = first[: len(first) - digits]
    number = last.removeprefix(stem)
    return f"{first}–{number}" if digits and last.startswith(stem) and number.isdigit() else f"{first} – {last}"


def kind_of(op: Op) -> Kind:
    """The kind of an operation, by what it says of itself, so that a new one has a shape at once."""
    if op.many_inputs:
        return "merge"
    if op.has_kernel:
        return "conv" if isinstance(op, WindowedOp) else "dense"
    if isinstance(op, WindowedOp | GlobalAvgPool | GlobalMaxPool):
        return "pool"
    if isinstance(op, UpSample):
        return "up"
    return "point" if op.is_norm or op.acts_on in ("elements", "channels") else "shape"


def title_of(op: Op) -> str:
    """An operation in the words of the papers: `3×3 conv, 64, /2`."""
    match op:
        case Conv():
            return ", ".join([f"{times(op.kernel)} conv", f"{op.filters}", *_details(op, op.groups)])
        case DepthwiseConv():
            return ", ".join([f"{times(op.kernel)} depthwise", *_details(op)])
        case Dense():
            return f"dense, {op.units}"
        case MaxPool() | AvgPool():
            return ", ".join([f"{times(op.size)} {op.kind.replace('_', ' ')}", *_details(op)])
        case UpSample():
            return f"up-sample ×{amount(op.factor)}"
        case Activation():
            return op.label().replace(op.function, FUNCTIONS.get(op.function, op.function), 1)
        case LocalResponseNorm():
            return "local response norm"
        case Dropout():
            return f"dropout {op.rate:g}"
        case SliceChannels():
            return f"channels {op.start + 1}–{op.stop}"
        case PadChannels():
            return f"pad channels, {op.before + op.after}"
    return op.label().replace("_", " ")


def _details(op: WindowedOp, groups: int = 1) -> list[str]:
    """The stride, dilation and groups of a sliding window, where they are not 1."""
    dilation = getattr(op, "dilation", (1, 1))
    return [
        *([f"/{amount(op.stride)}"] if op.stride != (1, 1) else []),
        *([f"dilated {amount(dilation)}"] if dilation != (1, 1) else []),
        *([counted(groups, "group")] if groups > 1 else []),
    ]


def times(sizes: Shape) -> str:
    """`56 × 56 × 64` for a shape, `3×3` for a pair."""
    return ("×" if len(sizes) == 2 else " × ").join(map(str, sizes))


def amount(pair: tuple[Distance, Distance]) -> str:
    """`4`, or `4×2` for a height and a width that differ."""
    return str(pair[0]) if pair[0] == pair[1] else f"{pair[0]}×{pair[1]}"


def declared(part: Part) -> str:
    """The operations declared on a layer, in words: `batch norm, ReLU`; empty where there are none."""
    return ", ".join(title_of(op) for op in part.ops[1:])

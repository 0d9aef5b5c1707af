"""Bands across networks that stand side by side: in each, all parts have one output stride."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from archspec.drawing.arranging import Row, Stack
from archspec.drawing.blocks import SMALL, Block
from archspec.drawing.geometry import Text
from archspec.drawing.labels import amount, times
from archspec.drawing.stacking import Stacking
from archspec.ops import Shape
from archspec.receptive_fields import Distance

SIZE = 10.0
"""The type of the first line at the left of a band."""
BAND_GAP = 8.0
"""How much more space there is between two bands than between two boxes."""

Key = tuple[str, int]
"""A band: an output stride, and how many bands of this stride stand above it."""


@dataclass(frozen=True)
class Band:
    """A horizontal band, in which all parts have one output stride.

    Attributes:
        top: where it begins, in pixels from the top of the drawing.
        bottom: where it ends.
        texts: the size of the outputs in it.
    """

    top: float
    bottom: float
    texts: tuple[Text, ...]


def bands_of(stacking: Stacking) -> list[Key]:
    """The band of each item of a network's outermost stack."""
    seen: dict[str, int] = {}
    keys: list[Key] = []
    for item in stacking.items:
        stride = _stride(stacking.view.children[_last(item)].part.stride)
        if not keys or keys[-1][0] != stride:
            seen[stride] = seen.get(stride, 0) + 1
        keys.append((stride, seen[stride]))
    return keys


def _last(item: int | Row) -> int:
    """The child that says which band an item belongs to: of a row, the last one of its first branch."""
    while isinstance(item, Row):
        branch: Stack = item.branches[0]
        item = branch.items[-1]
    return item


def _stride(stride: tuple[Distance, Distance] | None) -> str:
    return "" if stride is None else amount(stride)


def merged(columns: Sequence[Sequence[Key]]) -> list[Key] | None:
    """The bands of all networks in one order that is the order of each; None where there is no such order."""
    order: list[Key] = []
    chains = [[key for key, _ in itertools.groupby(keys)] for keys in columns]
    if any(len(set(chain)) < len(chain) for chain in chains):
        return None
    while any(chains):
        heads = [chain[0] for chain in chains if chain]
        ready = (head for head in heads if not any(head in chain[1:] for chain in chains))
        head = next(ready, None)
        if head is None:
            return None
        order.append(head)
        chains = [chain[1:] if chain[:1] == [head] else chain for chain in chains]
    return order


def aligned(
    stackings: Sequence[Stacking], columns: Sequence[Sequence[Key]], order: Sequence[Key]
) -> tuple[list[Block], dict[Key, float]]:
    """The stacks with the first boxes of each band at one height, and the heights of the bands."""
    leads: dict[Key, float] = dict.fromkeys(order, 0.0)
    starts: list[dict[Key, tuple[float, float]]] = []  # for each network where a band would begin, and its first box
    for stacking, keys in zip(stackings, columns, strict=True):
        stacking.block()
        own: dict[Key, tuple[float, float]] = {}
        for number, key in enumerate(keys):
            gap = stacking.gaps[number]
            own.setdefault(key, (gap.top, gap.bottom + stacking.blocks[number].lead))
        starts.append(own)
        for key, (top, first) in own.items():
            leads[key] = max(leads[key], first - top)
    heights: dict[Key, float] = dict.fromkeys(order, 0.0)
    for stacking, own in zip(stackings, starts, strict=True):
        ends = [*(top for top, _ in own.values()), stacking.gaps[-1].bottom][1:]
        for (key, (_, first)), end in zip(own.items(), ends, strict=True):
            heights[key] = max(heights[key], leads[key] + end - first + BAND_GAP)
    blocks = []
    for stacking, keys, own in zip(stackings, columns, starts, strict=True):
        extra: dict[int, float] = {}
        moved = top = 0.0
        for key in order:
            if key in own:
                place = top + leads[key] + BAND_GAP / 2
                extra[keys.index(key)] = place - own[key][1] - moved
                moved = place - own[key][1]
            top += heights[key]
        extra[len(keys)] = top - stacking.gaps[-1].bottom - moved
        blocks.append(stacking.block(extra))
    return blocks, heights


def labels_of(
    stackings: Sequence[Stacking], columns: Sequence[Sequence[Key]], order: Sequence[Key]
) -> dict[Key, tuple[Text, ...]]:
    """The words at the left of each band: the size of the outputs in it, where all networks agree, and their stride."""
    labels: dict[Key, tuple[Text, ...]] = {}
    for key in order:
        shapes: list[Shape] = [
            stacking.view.children[_last(item)].part.shape
            for stacking, keys in zip(stackings, columns, strict=True)
            for item, own in zip(stacking.items, keys, strict=True)
            if own == key
        ]
        sizes = {times(shape[:2]) if len(shape) == 3 else "vector" for shape in shapes}
        lines = [*(sizes if len(sizes) == 1 else ()), *([f"stride {key[0]}"] if key[0] else [])]
        labels[key] = tuple(
            Text(0, 16 + 11 * i, line, SIZE if i == 0 else SMALL, "band" if i == 0 else "note")
            for i, line in enumerate(lines)
        )
    return labels

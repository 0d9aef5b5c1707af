"""The layout of a whole drawing: one network, or several side by side with equal strides at equal heights."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from archspec import tables
from archspec.drawing.arranging import Row, Stack
from archspec.drawing.blocks import SMALL, Block, box_width
from archspec.drawing.geometry import Canvas, Line, Rectangle, Text
from archspec.drawing.labels import Caption, times
from archspec.drawing.outline import Outline, Part
from archspec.drawing.stacking import Look, Stacking
from archspec.drawing.views import View, mark_of
from archspec.ops import Shape
from archspec.receptive_fields import Distance

MARGIN = 16.0
"""Around everything, in pixels."""
COLUMN_GAP = 34.0
"""Between two networks."""
NAME, NOTE = 14.0, 10.0
"""Sizes of type: the name of a network, and its numbers."""
TOP = 52.0
"""From the name of a network to the tensor that enters its first part."""
LINE = 12.5
"""From one line of numbers to the next."""
BAND_GAP = 8.0
"""How much more space there is between two bands than between two boxes."""

Key = tuple[str, int]
"""A band: an output stride, and how many bands of this stride stand above it."""


@dataclass(frozen=True)
class Network:
    """A network to draw.

    Attributes:
        outlined: its outline.
        view: which of its parts are open.
        caption: the words on its boxes.
        marks: what is said of its paths: `added`, `removed`, `changed` or `unchanged`.
    """

    outlined: Outline
    view: View
    caption: Callable[[View], Caption]
    marks: Mapping[str, str]

    def mark(self, part: Part) -> str | None:
        """What is said of a part."""
        return mark_of(part.path, self.marks)


@dataclass(frozen=True)
class Placed:
    """A network in a drawing: what is drawn of it, and where it stands."""

    network: Network
    canvas: Canvas
    sides: Rectangle


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


@dataclass(frozen=True)
class Layout:
    """A drawing as geometry, in pixels.

    Attributes:
        width: of the drawing.
        height: of the drawing.
        networks: from left to right.
        bands: from top to bottom; none where one network is drawn.
        texts: those that belong to no network.
    """

    width: float
    height: float
    networks: tuple[Placed, ...]
    bands: tuple[Band, ...] = ()
    texts: tuple[Text, ...] = ()


def lay_out(networks: Sequence[Network], notes: Sequence[str] = ()) -> Layout:
    """The layout of one network or several.

    Args:
        networks: what to draw, from left to right.
        notes: lines below the drawing.
    """
    is_single = len(networks) == 1
    stackings = [_stacking(one, is_single) for one in networks]
    keys = [_bands(one, stacking) for one, stacking in zip(networks, stackings, strict=True)]
    order = None if is_single else _merged(keys)
    heights: dict[Key, float] = {}
    if order is None:
        blocks = [stacking.block() for stacking in stackings]
    else:
        blocks, heights = _aligned(stackings, keys, order)
    labels = _labels(networks, stackings, keys, order or ())
    x = (
        MARGIN
        + max((text.bounds.width for texts in labels.values() for text in texts), default=-COLUMN_GAP)
        + COLUMN_GAP
    )
    tallest = max(block.height for block in blocks)
    placed = []
    for network, block in zip(networks, blocks, strict=True):
        one = _placed(network, block, x, tallest)
        placed.append(one)
        x = one.sides.right + COLUMN_GAP
    wide = x - COLUMN_GAP + MARGIN
    bottom = max(one.sides.bottom for one in placed)
    bands, top = [], MARGIN + TOP
    for key in order or ():
        texts = tuple(text.moved(MARGIN, top) for text in labels[key])
        bands.append(Band(top, top + heights[key], texts))
        top += heights[key]
    texts = tuple(Text(MARGIN, bottom + 16 + LINE * i, line, SMALL, "note") for i, line in enumerate(notes))
    wide = max([wide, *(text.bounds.right + MARGIN for text in texts)])
    return Layout(wide, bottom + MARGIN + LINE * len(notes), tuple(placed), tuple(bands), texts)


def _stacking(network: Network, is_single: bool) -> Stacking:
    def is_framed(view: View) -> bool:
        """A branch that nobody has named needs no frame, and columns side by side have none but around repeats."""
        if view.times > 1:
            return True
        return is_single and view.part.label.rstrip("0123456789") != "branch"

    def shows_shape(view: View) -> bool:
        part = view.part
        is_told_by_band = not is_single and len(part.shape) == 3 and not part.is_merge
        is_output = view.exit == network.view.exit
        return part.shape != part.shape_in and not is_told_by_band and not is_output

    look = Look(
        box_width([network.view], network.caption), network.caption, network.outlined.name, shows_shape, is_framed
    )
    return Stacking(network.view, look)


def _placed(network: Network, block: Block, x: float, tallest: float) -> Placed:
    """A network with its name above and its numbers below, its left side at x."""
    root, analysis = network.view.part, network.outlined.analysis
    numbers = [
        f"{tables.compact(analysis.parameters)} parameters",
        f"{tables.compact(analysis.macs)} MACs",
        *([f"receptive field {times(analysis.receptive_field)}"] if len(analysis.input) == 3 else []),
        f"{network.outlined.depth} layers with weights",
    ]
    middle = [
        Text(0, NAME, analysis.name, NAME, "network", "middle", bold=True),
        Text(0, TOP - 12, f"input {times(analysis.input)}", SMALL, "shape", "middle"),
        Text(0, TOP + tallest + 18, f"output {times(root.shape)}", SMALL, "shape", "middle"),
    ]
    middle += [Text(0, TOP + tallest + 36 + LINE * i, one, NOTE, "note", "middle") for i, one in enumerate(numbers)]
    half = max(text.bounds.width for text in middle) / 2
    left, right = max(block.left, half), max(block.right, half)
    canvas = Canvas(texts=middle)
    canvas.add(block.canvas, 0, TOP)
    end = TOP + tallest + 9
    canvas.lines.append(Line(((0, TOP - 9), (0, TOP)), root.entry))
    canvas.lines.append(Line(((0, TOP + block.height), (0, end)), root.exit, is_arrow=True))
    whole = Canvas()
    whole.add(canvas, x + left, MARGIN)
    bottom = MARGIN + TOP + tallest + 36 + LINE * (len(numbers) - 1) + 2
    return Placed(network, whole, Rectangle(x, MARGIN, x + left + right, bottom))


# -- bands -----------------------------------------------------------------------------------------------------------


def _bands(network: Network, stacking: Stacking) -> list[Key]:
    """The band of each item of a network's outermost stack."""
    seen: dict[str, int] = {}
    keys: list[Key] = []
    for item in stacking.items:
        stride = _stride(network.view.children[_last(item)].part.stride)
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
    if stride is None:
        return ""
    return f"{stride[0]}" if stride[0] == stride[1] else f"{stride[0]}×{stride[1]}"


def _merged(columns: Sequence[Sequence[Key]]) -> list[Key] | None:
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


def _aligned(
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


def _labels(
    networks: Sequence[Network], stackings: Sequence[Stacking], columns: Sequence[Sequence[Key]], order: Sequence[Key]
) -> dict[Key, tuple[Text, ...]]:
    """The words at the left of each band: the size of the outputs in it, where all networks agree, and their stride."""
    labels: dict[Key, tuple[Text, ...]] = {}
    for key in order:
        shapes: list[Shape] = [
            network.view.children[_last(item)].part.shape
            for network, stacking, keys in zip(networks, stackings, columns, strict=True)
            for item, own in zip(stacking.items, keys, strict=True)
            if own == key
        ]
        sizes = {times(shape[:2]) if len(shape) == 3 else "vector" for shape in shapes}
        lines = [*(sizes if len(sizes) == 1 else ()), *([f"stride {key[0]}"] if key[0] else [])]
        labels[key] = tuple(
            Text(0, 16 + 11 * i, line, NOTE if i == 0 else SMALL, "band" if i == 0 else "note")
            for i, line in enumerate(lines)
        )
    return labels

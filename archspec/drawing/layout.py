"""The layout of a whole drawing: one network, or several side by side with equal strides at equal heights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from archspec import tables
from archspec.drawing.bands import Band, Key, aligned, bands_of, labels_of, merged
from archspec.drawing.blocks import SMALL, Block, box_width
from archspec.drawing.geometry import Canvas, Line, Rectangle, Text
from archspec.drawing.labels import Caption, times
from archspec.drawing.marks import Marks, mark_of
from archspec.drawing.outline import Outline, Part
from archspec.drawing.stacking import Look, Stacking
from archspec.drawing.text import width
from archspec.drawing.views import View
from archspec.wording import counted

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
NARROWEST = 250.0
"""The width that the lines below a drawing have in any case."""


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
    marks: Marks

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
    keys = [bands_of(stacking) for stacking in stackings]
    order = None if is_single else merged(keys)
    heights: dict[Key, float] = {}
    if order is None:
        blocks = [stacking.block() for stacking in stackings]
    else:
        blocks, heights = aligned(stackings, keys, order)
    labels = labels_of(stackings, keys, order or ())
    x = (
        MARGIN
        + max((text.bounds.width for texts in labels.values() for text in texts), default=-COLUMN_GAP)
        + COLUMN_GAP
    )
    placed = _row(networks, blocks, x)
    end = placed[-1].sides.right + MARGIN
    if is_single and end < NARROWEST + 2 * MARGIN:  # in the middle of the lines below it
        placed = _row(networks, blocks, x + (NARROWEST + 2 * MARGIN - end) / 2)
    wide = max(end, placed[-1].sides.right + MARGIN)
    bottom = max(one.sides.bottom for one in placed)
    bands, top = [], MARGIN + TOP
    for key in order or ():
        texts = tuple(text.moved(MARGIN, top) for text in labels[key])
        bands.append(Band(top, top + heights[key], texts))
        top += heights[key]
    lines = [line for note in notes for line in _filled(note, max(wide - 2 * MARGIN, NARROWEST))]
    texts = tuple(Text(MARGIN, bottom + 16 + LINE * i, line, SMALL, "note") for i, line in enumerate(lines))
    wide = max([wide, *(text.bounds.right + MARGIN for text in texts)])
    return Layout(wide, bottom + MARGIN + LINE * len(lines), tuple(placed), tuple(bands), texts)


def _row(networks: Sequence[Network], blocks: Sequence[Block], x: float) -> list[Placed]:
    """The networks side by side, the left side of the first one at x."""
    tallest = max(block.height for block in blocks)
    placed: list[Placed] = []
    for network, block in zip(networks, blocks, strict=True):
        placed.append(_placed(network, block, x, tallest))
        x = placed[-1].sides.right + COLUMN_GAP
    return placed


def _filled(note: str, most: float) -> list[str]:
    """The lines of a note."""
    lines: list[str] = []
    for word in note.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and width(longer, SMALL) <= most:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


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
        f"{counted(network.outlined.depth, 'layer')} with weights",
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

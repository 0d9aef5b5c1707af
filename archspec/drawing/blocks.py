"""Boxes and frames by themselves: how large they are, and where lines may touch them.

A block is drawn around an axis, x = 0, on which a tensor enters at the top and leaves at the bottom.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import ceil

from archspec.drawing.geometry import Box, Canvas, Frame, Line, Point, Rectangle, Text
from archspec.drawing.labels import Caption, declared
from archspec.drawing.text import shortened, width
from archspec.drawing.views import View, walk

BOX = 17.0
"""The height of the box of a layer, in pixels."""
CARD = 34.0
"""The height of the box of a folded group."""
SIGN = 13.0
"""The diameter of the sign of a merge."""
HEADER = 16.0
"""The height of a frame above what is in it."""
INSET = 8.0
"""Between a frame and what is in it."""
BEHIND = 5.0
"""How far the cards behind the first of a repeat stick out."""
SLANT = 9.0
"""How much narrower a pool is at its bottom than at its top, on each side."""
SIDE_GAP = 5.0
"""Between a text and a line or side."""
WIDEST = 240.0
"""The width of a box of words that are shortened to fit."""
TITLE, NUMBERS, SMALL = 12.0, 9.5, 9.5
"""Sizes of type: what a box is, its numbers, and what stands beside lines."""


@dataclass(frozen=True, slots=True)
class Gate:
    """A way into a part from far away, or out of it, which does not lead through its top or bottom.

    Attributes:
        tensor: the position of the node whose output passes.
        consumer: the position of the node that takes it inside of the part; None on the way out.
    """

    tensor: int
    consumer: int | None = None

    @property
    def node(self) -> int:
        """The position of the node inside of the part."""
        return self.tensor if self.consumer is None else self.consumer


@dataclass
class Block:
    """Something drawn around an axis, from y = 0 downwards.

    Attributes:
        canvas: what is drawn.
        left: how far it reaches to the left of the axis.
        right: how far it reaches to the right.
        height: from its top to its bottom.
        gates: where lines from afar touch it, on right sides that can be reached from its right.
        kind: for a box, the kind of its operation; empty for a frame.
        boxes: how many boxes it has.
        has_frame: whether it is an open part in its frame.
        lead: from its top to the top of the first box in it.
    """

    canvas: Canvas
    left: float
    right: float
    height: float
    gates: dict[Gate, Point] = field(default_factory=dict)
    kind: str = ""
    boxes: int = 1
    has_frame: bool = False
    lead: float = 0.0

    @property
    def is_bare(self) -> bool:
        """Whether it is an open part without a frame, or a row."""
        return not self.kind and not self.has_frame

    def side(self, y: float) -> Point:
        """The point of a box's right side at a height."""
        half = self.canvas.boxes[0].sides.right
        if self.kind == "merge":
            return (half**2 - (y - half) ** 2) ** 0.5, y
        if self.kind in ("pool", "up"):
            share = y / self.height
            return half - SLANT * (share if self.kind == "pool" else 1 - share), y
        return half, y


def box_width(views: Sequence[View], caption: Callable[[View], Caption]) -> float:
    """The width that all boxes of a drawing have, so that each holds its words."""
    drawn = [one for root in views for one in walk(root) if not one.is_open and not one.part.is_merge]
    return min(ceil(max((_needed(caption(one), one.times) for one in drawn), default=0.0)) + 1.0, WIDEST)


def _needed(words: Caption, times: int) -> float:
    copies = width(f"× {times}", TITLE, bold=True) + SIDE_GAP if times > 1 else 0.0
    title, numbers = width(words.title, TITLE), width(words.numbers, NUMBERS)
    if words.kind == "group":
        return max(width(words.title, TITLE, bold=True) + copies, numbers) + 22
    slants = 2 * SLANT if words.kind in ("pool", "up") else 0.0
    return title + (numbers + 12 if numbers else 0.0) + 16 + slants


def box(view: View, words: Caption, wide: float) -> Block:
    """The box of a layer or of a folded group."""
    if words.kind == "merge":
        return _sign(view)
    half, behind = wide / 2, BEHIND if view.times > 1 else 0.0
    if words.kind == "group":
        height = CARD
        copies = f"× {view.times}" if view.times > 1 else ""
        room = wide - 22 - (width(copies, TITLE, bold=True) + SIDE_GAP if copies else 0.0)
        texts = [Text(-half + 14, 14, shortened(words.title, room, TITLE, bold=True), TITLE, "title", bold=True)]
        texts += [Text(half - 8, 14, copies, TITLE, "times", "end", bold=True)] if copies else []
        texts += [Text(-half + 14, 27, words.numbers, NUMBERS, "numbers")] if words.numbers else []
    else:
        height = BOX
        numbers = width(words.numbers, NUMBERS) + 12 if words.numbers else 0.0
        slants = 2 * SLANT if words.kind in ("pool", "up") else 0.0
        title = shortened(words.title, wide - 16 - numbers - slants, TITLE)
        if numbers:
            texts = [Text(-half + 8, 13, title, TITLE, "title")]
            texts += [Text(half - 8, 12.5, words.numbers, NUMBERS, "numbers", "end")]
        else:
            texts = [Text(0, 13, title, TITLE, "title", "middle")]
    drawn = Box(view, words.kind, Rectangle(-half, 0, half, height), tuple(texts))
    return Block(Canvas(boxes=[drawn]), half, half + behind, height + behind, kind=words.kind)


def _sign(view: View) -> Block:
    """The circle of a merge, with the activation that follows it at its lower left."""
    radius = SIGN / 2
    canvas = Canvas(boxes=[Box(view, "merge", Rectangle(-radius, 0, radius, SIGN), ())])
    left = radius
    if after := declared(view.part):
        canvas.texts.append(Text(-radius - 1, SIGN + 1, after, SMALL - 1.5, "shape", "end"))
        left += 1 + width(after, SMALL - 1.5)
    return Block(canvas, left, radius, SIGN, kind="merge", boxes=0)


def framed(
    view: View, words: Caption, inner: Block, gates: Sequence[Gate], name: Callable[[int], str], has_entry: bool
) -> Block:
    """The frame around an open part: its name at the upper left, its numbers or how often it repeats at the right.

    What comes from afar and cannot be led to its box inside ends at the frame's side, with the name of that box.
    """
    title = Text(0, 11.5, shortened(words.title, WIDEST, SMALL), SMALL, "name")
    left = max(inner.left + INSET, width(title.text, SMALL) + 2 * SIDE_GAP)
    copies = Text(0, 12, f"× {view.times}" if view.times > 1 else "", TITLE, "times", "end", bold=True)
    numbers = Text(0, 11.5, words.numbers, SMALL, "numbers", "end")
    taken = [one.bounds.width + SIDE_GAP for one in (copies, numbers) if one.text]
    right = max(inner.right + INSET, sum(taken) + (len(taken) + 1) * SIDE_GAP)
    texts, x = [title.moved(-left + SIDE_GAP, 0)], right - SIDE_GAP
    for one in (copies, numbers):
        if one.text:
            texts.append(one.moved(x, 0))
            x -= one.bounds.width + 2 * SIDE_GAP
    height = HEADER + inner.height
    canvas = Canvas(frames=[Frame(view, Rectangle(-left, 0, right, height), tuple(texts))])
    canvas.add(inner.canvas, 0, HEADER)
    if has_entry:
        canvas.lines.append(Line(((0, 0), (0, HEADER)), view.part.entry))
    found = {gate: (x, y + HEADER) for gate, (x, y) in inner.gates.items()}
    reach = right
    for number, gate in enumerate(gate for gate in gates if gate not in found):
        y = HEADER / 2 + 11 * number
        label = Text(right + 3, y - 2, name(gate.node).removeprefix(f"{view.part.path}."), SMALL - 1.5, "shape")
        canvas.texts.append(label)
        found[gate] = right, y
        reach = max(reach, label.bounds.right + 2)
    if view.times > 1:
        canvas.lines.append(Line(((0, height), (0, height + BEHIND)), view.part.exit))
        height, reach = height + BEHIND, max(reach, right + BEHIND)
    return Block(canvas, left, reach, height, found, boxes=inner.boxes, has_frame=True, lead=HEADER + inner.lead)

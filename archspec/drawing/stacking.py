"""Where the parts of a network stand, and the way of each tensor between them.

Geometry follows from structure. Parts of a stack stand on one axis, with gaps between them in which nothing but lines
is drawn. A tensor for the next part goes down the axis; one that passes parts leaves it in a gap, goes down a lane to
the right of all that it passes, and ends at the right side of its part, or in the gap above it. So no line meets a box
but those that it connects.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from archspec.drawing.arranging import Row, Stack
from archspec.drawing.blocks import INSET, SMALL, Block, Gate, box, framed
from archspec.drawing.geometry import Canvas, Line, Point, Text
from archspec.drawing.labels import Caption, times
from archspec.drawing.lanes import Gap, Lanes, tidy
from archspec.drawing.routes import Routes
from archspec.drawing.views import ENTRY, Edge, View

GAP = 9.0
"""Between two boxes, in pixels."""
LABEL, JUNCTION, MERGING, HEAD = 12.0, 4.0, 7.0, 7.0
"""What a gap has for the shape of a tensor, a junction, a way in from a lane, and an arrow head."""
SIGN_GAP = 3.0
"""Below the sign of a merge that ends a part without a frame, for the activation beside it."""
CORNER = 5.0
"""Below a fork, for its lines to turn."""
BETWEEN = 14.0
"""Between two branches."""
NEARLY = 8.0
"""A branch that is no further from the axis of its row is moved onto it."""


@dataclass(frozen=True)
class Look:
    """How the parts of one network are drawn.

    Attributes:
        width: of all boxes, in pixels.
        caption: the words on a box.
        name: the name of a node, by its position.
        shows_shape: whether the shape of a view's output is written below it.
        is_framed: whether an open part has a frame.
    """

    width: float
    caption: Callable[[View], Caption]
    name: Callable[[int], str]
    shows_shape: Callable[[View], bool]
    is_framed: Callable[[View], bool]


def block(view: View, look: Look, gates: Sequence[Gate] = ()) -> Block:
    """A part, drawn around its axis.

    Args:
        view: the part.
        look: how it is drawn.
        gates: the tensors from afar that enter or leave parts inside of it.
    """
    if not view.is_open:
        return box(view, look.caption(view), look.width)
    has_entry = any(edge.source == ENTRY and edge.tensor == view.part.entry for edge in view.edges)
    inner = Stacking(view, look, gates).block()
    if not look.is_framed(view) and all(gate in inner.gates for gate in gates):
        return inner
    return framed(view, look.caption(view), inner, gates, look.name, has_entry)


class Stacking:
    """Draws the stack of an open view's children, or one of the branches in it."""

    def __init__(self, view: View, look: Look, gates: Sequence[Gate] = (), stack: Stack | None = None):
        self.view, self.look = view, look
        self.routes = Routes(view, gates, stack)
        self.items = self.routes.items

    # -- blocks ------------------------------------------------------------------------------------------------------

    def block(self, extra: Mapping[int, float] | None = None) -> Block:
        """The stack around its axis.

        Args:
            extra: pixels by which the gap above an item is higher than it has to be, by the item's number.
        """
        self.canvas = Canvas()
        self.branches: dict[int, list[tuple[float, float, Block]]] = {}
        self.blocks = [self._item(number) for number in range(len(self.items))]
        self.gaps = self._gaps(extra or {})
        self.found: dict[Gate, Point] = {}
        self.sides: dict[tuple[int, Edge], Point] = {}
        self.lanes = Lanes(self.routes, self.blocks, self.gaps, self.found, self.sides, self.canvas)
        self._draw_items()
        self._draw_axis()
        self._draw_rows()
        right = self.lanes.draw()
        return Block(
            self.canvas,
            max((one.left for one in self.blocks), default=0.0),
            max([right, *(one.right for one in self.blocks)]),
            self.gaps[-1].bottom,
            self.found,
            boxes=sum(one.boxes for one in self.blocks),
            lead=self.gaps[0].bottom + self.blocks[0].lead,
        )

    def _item(self, number: int) -> Block:
        item = self.items[number]
        if not isinstance(item, Row):
            return block(self.view.children[item], self.look, self.routes.gates[number])
        parts = [Stacking(self.view, self.look, self.routes.gates[number], one).block() for one in item.branches]
        axes, left = _side_by_side(parts)
        canvas, height = Canvas(), max(one.height for one in parts)
        placed = [(x, (height - one.height) / 2, one) for x, one in zip(axes, parts, strict=True)]
        for x, down, one in placed:
            canvas.add(one.canvas, x, down)
        self.branches[number] = placed
        axis, down, last = placed[-1]
        gates = {gate: (a + axis, b + down) for gate, (a, b) in last.gates.items()}
        boxes, lead = sum(one.boxes for one in parts), min(down + one.lead for _, down, one in placed)
        return Block(canvas, left, axis + last.right, height, gates, boxes=boxes, lead=lead)

    def _gaps(self, extra: Mapping[int, float]) -> list[Gap]:
        """The gaps, from that above the first item to that below the last."""
        gaps, y = [], 0.0
        for number in range(len(self.items) + 1):
            gap = Gap(top=y)
            y = self._fill(gap, number, y)
            held, least = self._least(number)
            y = max(y + held, gap.top + least) + extra.get(number, 0.0)
            gap.bottom = y
            gaps.append(gap)
            y += self.blocks[number].height if number < len(self.items) else 0.0
        return gaps

    def _least(self, number: int) -> tuple[float, float]:
        """The space below what a gap holds, and the least height of the gap. Parts without a frame bring the space at
        their ends with them."""
        above = self.blocks[number - 1] if number else None
        below = self.blocks[number] if number < len(self.items) else None
        if below is not None and below.kind:
            return HEAD, GAP
        if below is not None and number in self.routes.forks:
            return CORNER, CORNER
        if (below is not None and below.is_bare) or (below is None and above is not None and above.is_bare):
            return 0.0, 0.0
        if below is None and not self.look.is_framed(self.view):
            held = SIGN_GAP if above is not None and above.kind == "merge" else 0.0
            return held, held
        if below is None:
            return 3.0, INSET - 1
        return 4.0, GAP

    def _fill(self, gap: Gap, number: int, y: float) -> float:
        """What a gap holds, from the top down; returns the height of the last of it."""
        above = self.items[number - 1] if number else None
        leaves = number - 1 in self.routes.bottom_gates or any(
            way.source == number - 1 and not self.routes.starts_at_side(way) for way in self.routes.ways
        )
        if isinstance(above, int) and (number in self.routes.straight or number in self.routes.forks or leaves):
            view = self.view.children[above]
            if not view.is_open and self.look.shows_shape(view):
                y += LABEL
                gap.label = y - 2.0
        if number - 1 in self.routes.joins and not self._is_sign(number):
            y += JUNCTION
            gap.joining = y
        if leaves or number in self.routes.forks:
            y += JUNCTION
            gap.junction = y
        if number in self.routes.entering or number in self.routes.top_gates:
            y += MERGING
            gap.merging = y
        return y

    def _is_sign(self, number: int) -> bool:
        """Whether an item is the sign of a merge, which lines enter from all sides."""
        return number < len(self.items) and self.blocks[number].kind == "merge"

    # -- drawing -----------------------------------------------------------------------------------------------------

    def _draw_items(self) -> None:
        for number, one in enumerate(self.blocks):
            top = self.gaps[number].bottom
            self.canvas.add(one.canvas, 0, top)
            for gate, (x, y) in one.gates.items():
                self.found[gate] = x, y + top
            if one.kind:
                self._place_sides(number, one, top)
        for number, gates in self.routes.top_gates.items():
            gap = self.gaps[number]
            assert gap.merging is not None
            self.found |= dict.fromkeys(gates, (0.0, gap.merging))
            self.canvas.lines.append(Line(((0, gap.merging), (0, gap.bottom)), gates[0].tensor))
        for number, gates in self.routes.bottom_gates.items():
            gap = self.gaps[number + 1]
            assert gap.junction is not None
            self.found |= dict.fromkeys(gates, (0.0, gap.junction))
            self.lanes.branch_off(number + 1, gates[0].tensor)

    def _place_sides(self, number: int, one: Block, top: float) -> None:
        """Finds the points of a box's right side at which lanes end, and those from afar."""
        ends = [
            edge
            for way in self.routes.ways
            for target, edge in way.ends
            if target == number and self.routes.entering.get(target) is not edge and self.routes.enters_at_top(edge)
        ]
        users: list[Edge | Gate] = [*ends, *self.routes.gates[number]]
        height = one.canvas.boxes[0].sides.height
        for place, user in enumerate(users, 1):
            is_input = isinstance(user, Edge) or user.consumer is not None
            share = 0.5 if one.kind == "merge" and is_input else place / (len(users) + 1)
            x, y = one.side(height * share)
            if isinstance(user, Edge):
                self.sides[number, user] = x, y + top
            else:
                self.found[user] = x, y + top

    def _draw_axis(self) -> None:
        for number, edge in self.routes.straight.items():
            gap = self.gaps[number]
            is_box = number < len(self.items) and bool(self.blocks[number].kind)
            self.canvas.lines.append(Line(((0, gap.top), (0, gap.bottom)), edge.tensor, is_arrow=is_box))
        for number, gap in enumerate(self.gaps):
            above = self.items[number - 1] if number else None
            if gap.label is not None and isinstance(above, int):
                shape = times(self.view.children[above].part.shape)
                self.canvas.texts.append(Text(4, gap.label, shape, SMALL, "shape"))

    def _draw_rows(self) -> None:
        for number, branches in self.branches.items():
            row, gap, after = self.items[number], self.gaps[number], self.gaps[number + 1]
            assert isinstance(row, Row)
            if number in self.routes.forks and gap.junction is not None:
                self.canvas.lines.append(Line(((0, gap.top), (0, gap.junction)), self.routes.forks[number][0].tensor))
                self.canvas.dots.append((0, gap.junction))
            if after.joining is not None:
                is_box = number + 1 < len(self.items) and bool(self.blocks[number + 1].kind)
                points = (0, after.joining), (0, after.bottom)
                self.canvas.lines.append(Line(points, self.routes.joins[number][0].tensor, is_arrow=is_box))
            for stack, (x, down, one) in zip(row.branches, branches, strict=True):
                children = set(stack.children())
                top = gap.bottom + down
                for edge in [edge for edge in self.routes.forks.get(number, ()) if edge.target in children][:1]:
                    assert gap.junction is not None
                    self.canvas.lines.append(Line(tidy(((0, gap.junction), (x, gap.junction), (x, top))), edge.tensor))
                for edge in [edge for edge in self.routes.joins.get(number, ()) if edge.source in children][:1]:
                    self._join(number + 1, x, top + one.height, after, edge)

    def _join(self, number: int, x: float, bottom: float, gap: Gap, edge: Edge) -> None:
        """The way from a branch into what stands below the row."""
        if gap.joining is not None:
            points: tuple[Point, ...] = (x, bottom), (x, gap.joining), (0, gap.joining)
        elif x:
            radius = self.blocks[number].right
            y = gap.bottom + radius
            points = (x, bottom), (x, y), (radius if x > 0 else -radius, y)
        else:
            points = (x, bottom), (0, gap.bottom)
        self.canvas.lines.append(Line(tidy(points), edge.tensor, is_arrow=gap.joining is None))


def _side_by_side(parts: Sequence[Block]) -> tuple[list[float], float]:
    """The axes of branches relative to that of their row, and how far they reach to its left. A branch with most of the
    boxes goes straight on; otherwise the row stands in the middle."""
    total = sum(one.boxes for one in parts)
    axes, x = [], 0.0
    for one in parts:
        axes.append(x + one.left)
        x += one.left + one.right + BETWEEN
    main = next((axis for one, axis in zip(parts, axes, strict=True) if 2 * one.boxes > total), None)
    middle = (x - BETWEEN) / 2 if main is None else main
    near = min(axes, key=lambda axis: abs(axis - middle))
    middle = near if abs(near - middle) < NEARLY else middle
    return [axis - middle for axis in axes], middle

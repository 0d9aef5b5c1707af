"""Where the parts of a network stand, and the way of each tensor between them.

Geometry follows from structure. Parts of a stack stand on one axis, with gaps between them in which nothing but lines
is drawn. A tensor for the next part goes down the axis; one that passes parts leaves it in a gap, goes down a lane to
the right of all that it passes, and ends at the right side of its part, or in the gap above it. So no line meets a box
but those that it connects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from archspec.drawing.arranging import Row, Stack, arranged
from archspec.drawing.blocks import INSET, SMALL, Block, Gate, box, framed
from archspec.drawing.geometry import Canvas, Line, Point, Text
from archspec.drawing.labels import Caption, times
from archspec.drawing.text import width
from archspec.drawing.views import ENTRY, Edge, View

GAP = 9.0
"""Between two boxes, in pixels."""
LABEL, JUNCTION, MERGING, HEAD = 12.0, 4.0, 7.0, 7.0
"""What a gap has for the shape of a tensor, a junction, a way in from a lane, and an arrow head."""
CORNER = 5.0
"""Below a fork, for its lines to turn."""
LANE = 9.0
"""Between two lanes."""
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


@dataclass
class _Way:
    """The way of one tensor that passes parts: down a lane, from one item of a stack to others."""

    source: int
    tensor: int
    start: Point | None = None  # at the side of an item; None where it leaves the axis
    ends: list[tuple[int, Edge]] = field(default_factory=list)


@dataclass
class _Gap:
    """The space between two items. Heights count from the stack's top; None is what the gap does not have."""

    top: float = 0.0
    bottom: float = 0.0
    label: float | None = None
    junction: float | None = None
    joining: float | None = None
    merging: float | None = None


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
        self.edges = [edge for edge in view.edges if edge.source != ENTRY or edge.tensor == view.part.entry]
        self.stack = stack or self._arranged()
        self.items = self.stack.items
        self.place = {self.stack.entry: -1, self.stack.exit: len(self.items)}
        for number, item in enumerate(self.items):
            for child in item.children() if isinstance(item, Row) else (item,):
                self.place[child] = number
        self.straight: dict[int, Edge] = {}
        self.forks: dict[int, list[Edge]] = {}
        self.joins: dict[int, list[Edge]] = {}
        self.ways: dict[tuple[int, int], _Way] = {}
        self.gates: list[list[Gate]] = [[] for _ in self.items]
        self.top_gates: dict[int, list[Gate]] = {}
        self.bottom_gates: dict[int, list[Gate]] = {}
        for gate in gates:
            child = next(i for i, one in enumerate(view.children) if one.part.start <= gate.node < one.stop)
            if child in self.place:
                self._add_gate(self.place[child], gate)
        self._sort_edges()

    def _arranged(self) -> Stack:
        irregular = {(edge.source, edge.target) for edge in self.edges if not self._is_plain(edge)}
        links = [(edge.source, edge.target) for edge in self.edges]
        return arranged(len(self.view.children), links, lambda a, b: (a, b) not in irregular)

    def _leaves_at_bottom(self, edge: Edge) -> bool:
        return edge.source == ENTRY or edge.tensor == self.view.children[edge.source].exit

    def _enters_at_top(self, edge: Edge) -> bool:
        if edge.target == len(self.view.children):
            return True
        target = self.view.children[edge.target]
        return not target.is_open or edge.tensor == target.part.entry

    def _is_plain(self, edge: Edge) -> bool:
        return self._leaves_at_bottom(edge) and self._enters_at_top(edge)

    def _add_gate(self, number: int, gate: Gate) -> None:
        """Says where a tensor from afar enters or leaves an item: in the gap above it or below it, or at the side of
        something inside."""
        item, chosen = self.items[number], self.gates[number]
        if not isinstance(item, Row):
            child = self.view.children[item]
            if gate.consumer is None and gate.tensor == child.exit:
                chosen = self.bottom_gates.setdefault(number, [])
            elif gate.consumer is not None and child.is_open and gate.tensor == child.part.entry:
                chosen = self.top_gates.setdefault(number, [])
        if gate not in chosen:
            chosen.append(gate)

    def _sort_edges(self) -> None:
        """Says of each edge between the items how it is drawn."""
        for edge in self.edges:
            if edge.source not in self.place or edge.target not in self.place:
                continue
            source, target = self.place[edge.source], self.place[edge.target]
            if source == target or (source, target) == (-1, len(self.items)):
                continue
            if source >= 0 and isinstance(self.items[source], Row):
                self.joins.setdefault(source, []).append(edge)
            elif target < len(self.items) and isinstance(self.items[target], Row):
                self.forks.setdefault(target, []).append(edge)
            elif target == source + 1 and self._is_plain(edge) and target not in self.straight:
                self.straight[target] = edge
            else:
                way = self.ways.setdefault((source, edge.tensor), _Way(source, edge.tensor))
                way.ends.append((target, edge))
                if not self._leaves_at_bottom(edge):
                    self._add_gate(source, Gate(edge.tensor))
                if not self._enters_at_top(edge):
                    self._add_gate(target, Gate(edge.tensor, edge.consumer))

    # -- blocks ------------------------------------------------------------------------------------------------------

    def block(self, extra: Mapping[int, float] | None = None) -> Block:
        """The stack around its axis.

        Args:
            extra: pixels by which the gap above an item is higher than it has to be, by the item's number.
        """
        self.canvas = Canvas()
        self.branches: dict[int, list[tuple[float, float, Block]]] = {}
        self.blocks = [self._item(number) for number in range(len(self.items))]
        self.entering = self._entering_at_top()
        self.gaps = self._gaps(extra or {})
        self.found: dict[Gate, Point] = {}
        self.sides: dict[tuple[int, Edge], Point] = {}
        self._draw_items()
        self._draw_axis()
        self._draw_rows()
        right = self._draw_ways()
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
            return block(self.view.children[item], self.look, self.gates[number])
        parts = [Stacking(self.view, self.look, self.gates[number], one).block() for one in item.branches]
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

    def _entering_at_top(self) -> dict[int, Edge]:
        """For each item that nothing enters straight, the tensor that comes from a lane into the gap above it."""
        entering: dict[int, Edge] = {}
        for way in self.ways.values():
            for target, edge in way.ends:
                is_taken = target in self.straight or target in entering or target - 1 in self.joins
                if target == len(self.items) or (not is_taken and self._enters_at_top(edge)):
                    entering.setdefault(target, edge)
        return entering

    def _gaps(self, extra: Mapping[int, float]) -> list[_Gap]:
        """The gaps, from that above the first item to that below the last."""
        gaps, y = [], 0.0
        for number in range(len(self.items) + 1):
            gap = _Gap(top=y)
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
        if below is not None and number in self.forks:
            return CORNER, CORNER
        if (above is not None and above.is_bare) or (below is not None and below.is_bare):
            return 0.0, 0.0
        if below is None:
            return 3.0, INSET - 1 if self.look.is_framed(self.view) else 3.0
        return 4.0, GAP

    def _fill(self, gap: _Gap, number: int, y: float) -> float:
        """What a gap holds, from the top down; returns the height of the last of it."""
        above = self.items[number - 1] if number else None
        leaves = number - 1 in self.bottom_gates or any(
            way.source == number - 1 and Gate(way.tensor) not in self._gates_of(way) for way in self.ways.values()
        )
        if isinstance(above, int) and (number in self.straight or number in self.forks or leaves):
            view = self.view.children[above]
            if not view.is_open and self.look.shows_shape(view):
                y += LABEL
                gap.label = y - 2.0
        if number - 1 in self.joins and not self._is_sign(number):
            y += JUNCTION
            gap.joining = y
        if leaves or number in self.forks:
            y += JUNCTION
            gap.junction = y
        if number in self.entering or number in self.top_gates:
            y += MERGING
            gap.merging = y
        return y

    def _gates_of(self, way: _Way) -> Sequence[Gate]:
        return self.gates[way.source] if way.source >= 0 else ()

    def _is_sign(self, number: int) -> bool:
        """Whether an item is the sign of a merge, which lines enter from all sides."""
        return number < len(self.items) and self.blocks[number].kind == "merge"

    def _bounds(self, number: int) -> tuple[float, float]:
        return self.gaps[number].bottom, self.gaps[number].bottom + self.blocks[number].height

    # -- drawing -----------------------------------------------------------------------------------------------------

    def _draw_items(self) -> None:
        for number, one in enumerate(self.blocks):
            top = self.gaps[number].bottom
            self.canvas.add(one.canvas, 0, top)
            for gate, (x, y) in one.gates.items():
                self.found[gate] = x, y + top
            if one.kind:
                self._place_sides(number, one, top)
        for number, gates in self.top_gates.items():
            gap = self.gaps[number]
            assert gap.merging is not None
            self.found |= dict.fromkeys(gates, (0.0, gap.merging))
            self.canvas.lines.append(Line(((0, gap.merging), (0, gap.bottom)), gates[0].tensor))
        for number, gates in self.bottom_gates.items():
            gap = self.gaps[number + 1]
            assert gap.junction is not None
            self.found |= dict.fromkeys(gates, (0.0, gap.junction))
            self._branch_off(number + 1, gates[0].tensor)

    def _place_sides(self, number: int, one: Block, top: float) -> None:
        """Finds the points of a box's right side at which lanes end, and those from afar."""
        ends = [
            edge
            for way in self.ways.values()
            for target, edge in way.ends
            if target == number and self.entering.get(target) is not edge and self._enters_at_top(edge)
        ]
        users: list[Edge | Gate] = [*ends, *self.gates[number]]
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
        for number, edge in self.straight.items():
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
            if number in self.forks and gap.junction is not None:
                self.canvas.lines.append(Line(((0, gap.top), (0, gap.junction)), self.forks[number][0].tensor))
                self.canvas.dots.append((0, gap.junction))
            if after.joining is not None:
                is_box = number + 1 < len(self.items) and bool(self.blocks[number + 1].kind)
                points = (0, after.joining), (0, after.bottom)
                self.canvas.lines.append(Line(points, self.joins[number][0].tensor, is_arrow=is_box))
            for stack, (x, down, one) in zip(row.branches, branches, strict=True):
                children = set(stack.children())
                top = gap.bottom + down
                for edge in [edge for edge in self.forks.get(number, ()) if edge.target in children][:1]:
                    assert gap.junction is not None
                    self.canvas.lines.append(Line(_tidy(((0, gap.junction), (x, gap.junction), (x, top))), edge.tensor))
                for edge in [edge for edge in self.joins.get(number, ()) if edge.source in children][:1]:
                    self._join(number + 1, x, top + one.height, after, edge)

    def _join(self, number: int, x: float, bottom: float, gap: _Gap, edge: Edge) -> None:
        """The way from a branch into what stands below the row."""
        if gap.joining is not None:
            points: tuple[Point, ...] = (x, bottom), (x, gap.joining), (0, gap.joining)
        elif x:
            radius = self.blocks[number].right
            y = gap.bottom + radius
            points = (x, bottom), (x, y), (radius if x > 0 else -radius, y)
        else:
            points = (x, bottom), (0, gap.bottom)
        self.canvas.lines.append(Line(_tidy(points), edge.tensor, is_arrow=gap.joining is None))

    # -- lanes -------------------------------------------------------------------------------------------------------

    def _draw_ways(self) -> float:
        """Draws what passes items, the shortest ways in the lanes closest to them; returns how far right they reach."""
        used: list[tuple[float, float, float]] = []
        for way in sorted(self.ways.values(), key=self._length):
            start, ends = self._start(way), [(self._end(target, edge), target, edge) for target, edge in way.ends]
            low = min(start[1], *(end[1] for end, _, _ in ends))
            high = max(start[1], *(end[1] for end, _, _ in ends))
            x = self._free_lane(low, high, start, used)
            used.append((x, low, high))
            self._draw_way(way, start, ends, x)
        return max((x for x, _, _ in used), default=0.0) + (LANE / 2 if used else 0.0)

    def _length(self, way: _Way) -> tuple[int, int, int]:
        return max(target for target, _ in way.ends) - way.source, way.source, way.tensor

    def _start(self, way: _Way) -> Point:
        if Gate(way.tensor) in self._gates_of(way):
            return self.found[Gate(way.tensor)]
        junction = self.gaps[way.source + 1].junction
        assert junction is not None
        return 0.0, junction

    def _ends_above(self, target: int, edge: Edge) -> bool:
        """Whether a way ends in the gap above an item, or at the end of the stack."""
        return target == len(self.items) or self.entering.get(target) is edge

    def _end(self, target: int, edge: Edge) -> Point:
        if self._ends_above(target, edge):
            merging = self.gaps[target].merging
            assert merging is not None
            return 0.0, merging
        if (target, edge) in self.sides:
            return self.sides[target, edge]
        return self.found[Gate(edge.tensor, edge.consumer)]

    def _free_lane(self, low: float, high: float, start: Point, used: Iterable[tuple[float, float, float]]) -> float:
        """The first lane that is to the right of all items between two heights, and that no other way uses there."""
        beside = [start[0]]
        for number, one in enumerate(self.blocks):
            top, bottom = self._bounds(number)
            if bottom > low - 2 and top < high + 2:
                beside.append(one.right)
            gap = self.gaps[number + 1]
            above = self.items[number]
            if gap.label is not None and low < gap.label < high and isinstance(above, int):
                beside.append(4 + width(times(self.view.children[above].part.shape), SMALL))
        x = max(beside) + LANE
        taken = sorted(lane for lane, top, bottom in used if top < high + 3 and bottom > low - 3)
        for lane in taken:
            if abs(lane - x) < LANE:
                x = lane + LANE
        return x

    def _draw_way(self, way: _Way, start: Point, ends: Sequence[tuple[Point, int, Edge]], x: float) -> None:
        before: tuple[Point, ...] = (start,)
        ordered = sorted({end[0]: end for end in ends}.values(), key=lambda end: end[0][1])
        if Gate(way.tensor) not in self._gates_of(way):
            self._branch_off(way.source + 1, way.tensor)
        for number, (end, target, edge) in enumerate(ordered):
            points: tuple[Point, ...] = (*before, (x, start[1]), (x, end[1]), end)
            is_box = target < len(self.items)
            if self._ends_above(target, edge):
                points += ((0.0, self.gaps[target].bottom),)
                is_box = is_box and bool(self.blocks[target].kind)
            self.canvas.lines.append(Line(_tidy(points), way.tensor, is_arrow=is_box, is_skip=True))
            if number < len(ordered) - 1:
                self.canvas.dots.append((x, end[1]))
                before, start = (), (x, end[1])

    def _branch_off(self, number: int, tensor: int) -> None:
        """Draws the way from the item above a gap to the junction in it."""
        gap = self.gaps[number]
        assert gap.junction is not None
        if number in self.straight or number in self.forks:
            self.canvas.dots.append((0.0, gap.junction))
        else:
            self.canvas.lines.append(Line(((0, gap.top), (0, gap.junction)), tensor, is_skip=True))


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


def _tidy(points: Sequence[Point]) -> tuple[Point, ...]:
    """The corners of a line without those at which it does not turn."""
    kept: list[Point] = []
    for point in points:
        if kept and kept[-1] == point:
            continue
        if len(kept) > 1 and (kept[-2][0] == kept[-1][0] == point[0] or kept[-2][1] == kept[-1][1] == point[1]):
            kept.pop()
        kept.append(point)
    return tuple(kept)

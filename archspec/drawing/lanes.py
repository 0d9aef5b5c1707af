"""The lanes at the right of a stack, in which tensors go past its items."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from archspec.drawing.blocks import SMALL, Block, Gate
from archspec.drawing.geometry import Canvas, Line, Point
from archspec.drawing.labels import times
from archspec.drawing.routes import Routes, Way
from archspec.drawing.text import width
from archspec.drawing.views import Edge

LANE = 9.0
"""Between two lanes, in pixels."""


@dataclass
class Gap:
    """The space between two items. Heights count from the stack's top, in pixels; None is what the gap does not have.

    Attributes:
        top: where the item above ends.
        bottom: where the one below begins.
        label: the baseline of the shape of what the item above gives.
        joining: where the branches of a row above become one line.
        junction: where lines leave the axis, for lanes or the branches of a row below.
        merging: where a lane comes back to the axis.
    """

    top: float = 0.0
    bottom: float = 0.0
    label: float | None = None
    joining: float | None = None
    junction: float | None = None
    merging: float | None = None


@dataclass
class Lanes:
    """Draws the lanes of a stack whose items have their places.

    Attributes:
        routes: which tensors go down lanes.
        blocks: the items.
        gaps: those above each item and below the last.
        found: where tensors from afar enter and leave, and those that pass items at the side of one.
        sides: where lanes end at the right sides of boxes, by item and edge.
        canvas: takes the lines.
    """

    routes: Routes
    blocks: Sequence[Block]
    gaps: Sequence[Gap]
    found: dict[Gate, Point]
    sides: dict[tuple[int, Edge], Point]
    canvas: Canvas

    def draw(self) -> float:
        """Draws what passes items, the shortest ways in the lanes closest to them; returns how far right they reach."""
        used: list[tuple[float, float, float]] = []
        for way in sorted(self.routes.ways, key=self._length):
            start, ends = self._start(way), [(self._end(target, edge), target, edge) for target, edge in way.ends]
            low = min(start[1], *(end[1] for end, _, _ in ends))
            high = max(start[1], *(end[1] for end, _, _ in ends))
            x = self._free_lane(low, high, start, used)
            used.append((x, low, high))
            self._draw_way(way, start, ends, x)
        return max((x for x, _, _ in used), default=0.0) + (LANE / 2 if used else 0.0)

    def _length(self, way: Way) -> tuple[int, int, int]:
        return max(target for target, _ in way.ends) - way.source, way.source, way.tensor

    def _start(self, way: Way) -> Point:
        if self.routes.starts_at_side(way):
            return self.found[Gate(way.tensor)]
        junction = self.gaps[way.source + 1].junction
        assert junction is not None
        return 0.0, junction

    def _end(self, target: int, edge: Edge) -> Point:
        if self.routes.ends_above(target, edge):
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
            top = self.gaps[number].bottom
            bottom = top + one.height
            if bottom > low - 2 and top < high + 2:
                beside.append(one.right)
            gap = self.gaps[number + 1]
            above = self.routes.items[number]
            if gap.label is not None and low < gap.label < high and isinstance(above, int):
                beside.append(4 + width(times(self.routes.view.children[above].part.shape), SMALL))
        x = max(beside) + LANE
        taken = sorted(lane for lane, top, bottom in used if top < high + 3 and bottom > low - 3)
        for lane in taken:
            if abs(lane - x) < LANE:
                x = lane + LANE
        return x

    def _draw_way(self, way: Way, start: Point, ends: Sequence[tuple[Point, int, Edge]], x: float) -> None:
        before: tuple[Point, ...] = (start,)
        ordered = sorted({end[0]: end for end in ends}.values(), key=lambda end: end[0][1])
        if not self.routes.starts_at_side(way):
            self.branch_off(way.source + 1, way.tensor)
        for number, (end, target, edge) in enumerate(ordered):
            points: tuple[Point, ...] = (*before, (x, start[1]), (x, end[1]), end)
            is_box = target < len(self.blocks)
            if self.routes.ends_above(target, edge):
                points += ((0.0, self.gaps[target].bottom),)
                is_box = is_box and bool(self.blocks[target].kind)
            self.canvas.lines.append(Line(tidy(points), way.tensor, is_arrow=is_box, is_skip=True))
            if number < len(ordered) - 1:
                self.canvas.dots.append((x, end[1]))
                before, start = (), (x, end[1])

    def branch_off(self, number: int, tensor: int) -> None:
        """Draws the way from the item above a gap to the junction in it."""
        gap = self.gaps[number]
        assert gap.junction is not None
        if number in self.routes.straight or number in self.routes.forks:
            self.canvas.dots.append((0.0, gap.junction))
        else:
            self.canvas.lines.append(Line(((0, gap.top), (0, gap.junction)), tensor, is_skip=True))


def tidy(points: Sequence[Point]) -> tuple[Point, ...]:
    """The corners of a line without those at which it does not turn."""
    kept: list[Point] = []
    for point in points:
        if kept and kept[-1] == point:
            continue
        if len(kept) > 1 and (kept[-2][0] == kept[-1][0] == point[0] or kept[-2][1] == kept[-1][1] == point[1]):
            kept.pop()
        kept.append(point)
    return tuple(kept)

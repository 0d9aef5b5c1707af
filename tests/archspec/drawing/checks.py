"""What has to hold of the geometry of every drawing."""

from __future__ import annotations

from itertools import combinations, pairwise

from archspec.drawing.blocks import SLANT
from archspec.drawing.geometry import Box, Canvas, Frame, Line, Point, Rectangle
from archspec.drawing.layout import Layout, Placed
from archspec.graph.graph import Graph

Sides = tuple[float, float, float, float]
"""Left, upper, right and lower side."""
NEAR = 0.6
"""Pixels by which lines may touch what they end at."""


def overlap(a: Rectangle, b: Rectangle, margin: float = 0.0) -> bool:
    return (
        a.left < b.right - margin
        and b.left < a.right - margin
        and a.top < b.bottom - margin
        and b.top < a.bottom - margin
    )


def holds(outer: Rectangle, inner: Rectangle) -> bool:
    return (
        outer.left <= inner.left + 0.05
        and outer.top <= inner.top + 0.05
        and outer.right >= inner.right - 0.05
        and outer.bottom >= inner.bottom - 0.05
    )


def pieces(line: Line) -> list[Sides]:
    """The straight pieces of a line, each as the sides of a rectangle without a width or a height."""
    return [(min(a, c), min(b, d), max(a, c), max(b, d)) for (a, b), (c, d) in pairwise(line.points)]


def meets(a: Sides, b: Sides) -> bool:
    """Whether two rectangles share a point of their insides."""
    return a[0] < b[2] and a[2] > b[0] and a[1] < b[3] and a[3] > b[1]


def shrunk(sides: Rectangle, across: float = NEAR, down: float = NEAR) -> Sides:
    return sides.left + across, sides.top + down, sides.right - across, sides.bottom - down


def check(layout: Layout) -> None:
    """Fails where boxes overlap, lines go through what they have nothing to do with, or words stick out."""
    for one in layout.networks:
        check_boxes(one)
        check_lines(one)
        check_texts(one, layout)
    for left, right in pairwise(layout.networks):
        assert left.sides.right < right.sides.left


def check_boxes(placed: Placed) -> None:
    boxes = sorted(placed.canvas.boxes, key=lambda box: box.sides.top)
    for number, box in enumerate(boxes):
        for other in boxes[number + 1 :]:
            if other.sides.top >= box.sides.bottom:
                break
            assert not overlap(box.sides, other.sides), (box.view.part.path, other.view.part.path)
    for first, second in combinations(placed.canvas.frames, 2):
        nested = holds(first.sides, second.sides)
        assert nested or not overlap(first.sides, second.sides), (first.view.part.path, second.view.part.path)
        assert nested == is_inside(second, first), (first.view.part.path, second.view.part.path)
    for frame in placed.canvas.frames:
        for box in boxes:
            inside = is_inside(box, frame)
            assert holds(frame.sides, box.sides) if inside else not overlap(frame.sides, box.sides)


def is_inside(inner: Box | Frame, outer: Frame) -> bool:
    a, b = inner.view.part, outer.view.part
    return b.start <= a.start and a.stop <= b.stop


def check_lines(placed: Placed) -> None:
    graph, canvas = placed.network.outlined.graph, placed.canvas
    boxes = [inside(box) for box in canvas.boxes]
    for line in canvas.lines:
        assert all(a[0] == b[0] or a[1] == b[1] for a, b in pairwise(line.points)), (line, "is slanted")
        ends = {line.tensor, *graph.consumers[line.tensor]}
        foreign = [shrunk(one.sides) for one in canvas.frames if not any(node in nodes(one) for node in ends)]
        for piece in pieces(line):
            left, top, right, bottom = piece
            met = [one for one in boxes if left < one[2] and right > one[0] and top < one[3] and bottom > one[1]]
            assert not met, (graph.name, line, met)
            assert not any(meets(piece, sides) for sides in foreign), (graph.name, line)
    check_connected(canvas, graph)


def inside(box: Box) -> Sides:
    """What is inside of a box whatever its shape: lines end at the round side of a sign, and the slanted one of a
    pool."""
    return shrunk(box.sides, {"merge": 2.0, "pool": SLANT, "up": SLANT}.get(box.kind, NEAR))


def nodes(frame: Frame) -> range:
    return range(frame.view.part.start, frame.view.stop)


def check_connected(canvas: Canvas, graph: Graph) -> None:
    """Every box is reached by each tensor that it takes, on lines from where that is made; or the tensor ends at the
    side of a frame around the box, which names it."""
    all_pieces = [pieces(line) for line in canvas.lines]
    joined: dict[Point, set[Point]] = {}
    for end in {line.points[-1] for line in canvas.lines}:
        x, y = end
        near = x - NEAR, y - NEAR, x + NEAR, y + NEAR
        joined[end] = {
            line.points[-1]
            for line, parts in zip(canvas.lines, all_pieces, strict=True)
            if any(meets(near, piece) for piece in parts)
        }
    starts = {
        tensor: [line.points[-1] for line in canvas.lines if line.tensor == tensor]
        for tensor in range(len(graph.nodes))
    }
    for box in canvas.boxes:
        part = box.view.part
        around = [frame.sides for frame in canvas.frames if is_inside(box, frame)]
        for tensor in {i for node in graph.nodes[part.start : part.stop] for i in node.inputs if i < part.start}:
            ends = starts[tensor]
            for end in ends:  # it grows by the ends of the lines that it joins
                ends += joined[end].difference(ends)
            at_frame = any(abs(x - one.right) < NEAR and one.top <= y <= one.bottom for x, y in ends for one in around)
            assert at_frame or any(touches(end, box.sides) for end in ends), (graph.name, part.path, tensor)


def touches(point: tuple[float, float], sides: Rectangle) -> bool:
    x, y = point
    return sides.left - NEAR <= x <= sides.right + NEAR and sides.top - NEAR <= y <= sides.bottom + NEAR


def check_texts(placed: Placed, layout: Layout) -> None:
    canvas = placed.canvas
    for one in (*canvas.boxes, *canvas.frames):
        for text in one.texts:
            assert holds(one.sides, text.bounds), (one.view.part.path, text)
        for a, b in combinations(one.texts, 2):
            assert not overlap(a.bounds, b.bounds), (a, b)
    page = Rectangle(0, 0, layout.width, layout.height)
    for text in canvas.texts:
        assert holds(page, text.bounds), text
        for box in canvas.boxes:
            assert not overlap(text.bounds, box.sides, 0.5), (text, box.view.part.path)
    ordered = sorted(canvas.texts, key=lambda text: text.bounds.top)
    for number, text in enumerate(ordered):
        for other in ordered[number + 1 :]:
            if other.bounds.top >= text.bounds.bottom:
                break
            assert not overlap(text.bounds, other.bounds, 0.5), (text, other)
    for text in canvas.texts:
        bounds = shrunk(text.bounds)
        for line in canvas.lines:
            assert not any(meets(bounds, piece) for piece in pieces(line)), (text, line)

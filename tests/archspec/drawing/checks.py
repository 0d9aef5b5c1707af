"""What has to hold of the geometry of every drawing."""

from __future__ import annotations

from itertools import combinations, pairwise

from archspec.drawing.geometry import Box, Canvas, Frame, Rectangle
from archspec.drawing.layout import Layout, Placed
from archspec.graph.graph import Graph

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


def crosses(a: tuple[float, float], b: tuple[float, float], sides: Rectangle, margin: float = NEAR) -> bool:
    """Whether a piece of a line, which is horizontal or vertical, goes through the inside of a rectangle."""
    piece = Rectangle(min(a[0], b[0]), min(a[1], b[1]), max(a[0], b[0]), max(a[1], b[1]))
    return (
        piece.left < sides.right - margin
        and piece.right > sides.left + margin
        and piece.top < sides.bottom - margin
        and piece.bottom > sides.top + margin
    )


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
    for line in canvas.lines:
        ends = {line.tensor, *graph.consumers[line.tensor]}
        foreign = [frame.sides for frame in canvas.frames if not any(node in nodes(frame) for node in ends)]
        for a, b in pairwise(line.points):
            assert a[0] == b[0] or a[1] == b[1], (line, "is slanted")
            for box in canvas.boxes:
                margin = 2.0 if box.kind in ("merge", "pool", "up") else NEAR  # lines end at round and slanted sides
                assert not crosses(a, b, box.sides, margin), (graph.name, line, box.view.part.path)
            for sides in foreign:
                assert not crosses(a, b, sides), (graph.name, line, sides)
    check_connected(canvas, graph)


def nodes(frame: Frame) -> range:
    return range(frame.view.part.start, frame.view.stop)


def check_connected(canvas: Canvas, graph: Graph) -> None:
    """Every box has a line for each tensor that it takes, which comes from where that is made."""
    for box in canvas.boxes:
        part = box.view.part
        taken = {i for node in graph.nodes[part.start : part.stop] for i in node.inputs if i < part.start}
        for tensor in taken:
            arriving = [line for line in canvas.lines if line.tensor == tensor]
            touching = [line for line in arriving if touches(line.points[-1], box.sides)]
            assert touching or any(text.text for text in canvas.texts), (graph.name, part.path, tensor)


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

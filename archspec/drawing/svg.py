"""A layout as SVG: one typeface, light and dark.

Kinds of operations differ by their shapes, and the marks of a comparison by signs and borders, as well as by colour.
Each box and frame is an element `g` with its path in `data-path` and all of its numbers as a tooltip.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from html import escape

from archspec import palette
from archspec.drawing.blocks import BEHIND, SIGN, SLANT, TITLE
from archspec.drawing.geometry import Box, Frame, Line, Point, Rectangle, Text
from archspec.drawing.layout import Layout, Placed
from archspec.drawing.marks import SIGNS, UNCHANGED
from archspec.drawing.measures import MEASURES, description
from archspec.drawing.styles import style_sheet

ROUND = 5.0
"""The radius of the corners of lines, in pixels."""
HEAD = 5.0
"""The length of an arrow head."""
SHADES = (0.03, 0.45)
"""The opacity of the least and the greatest shade; text stays legible on both."""
LIFT = 1.4
"""How much higher the words of a layer stand where a bar is below them."""
CORNERS = 4.0
"""The radius of the corners of cards and frames."""
QUIET = ("numbers", "shape", "note", "name")
"""The roles of texts of less weight."""


def to_svg(layout: Layout, by: str | None = None) -> str:
    """The text of an SVG file.

    Args:
        layout: what is drawn.
        by: the number by which boxes are shaded, a name in `MEASURES`; None to colour them by their kinds.
    """
    wide, high = _n(math.ceil(layout.width)), _n(math.ceil(layout.height))
    names = ", ".join(one.network.outlined.analysis.name for one in layout.networks)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="network" viewBox="0 0 {wide} {high}" width="{wide}" '
        f'height="{high}" role="img" aria-label="{_quoted(names)}" font-family="{palette.FONT}" '
        f'font-size="{_n(TITLE)}">',
        f"<style>{style_sheet()}</style>",
        f'<rect class="paper" width="{wide}" height="{high}"/>',
    ]
    for band in layout.bands:
        y = _n(band.top)
        parts.append(f'<path class="band" d="M16 {y}H{_n(layout.width - 16)}"/>')
        parts += map(_text, band.texts)
    for one in layout.networks:
        parts += _network(one, by)
    parts += [*map(_text, layout.texts), "</svg>", ""]
    return "\n".join(parts)


def _network(placed: Placed, by: str | None) -> Iterator[str]:
    canvas, network = placed.canvas, placed.network
    shares = [
        MEASURES[by].share(box.view, network.outlined) if by and box.kind != "merge" else None for box in canvas.boxes
    ]
    most = max(filter(None, shares), default=1.0)
    yield f'<g data-network="{_quoted(network.outlined.analysis.name)}">'
    for frame in canvas.frames:
        yield _frame(frame, network.mark(frame.view.part))
    for line in canvas.lines:
        yield _line(line)
    for x, y in dict.fromkeys(canvas.dots):
        yield f'<circle class="dot" cx="{_n(x)}" cy="{_n(y)}" r="1.9"/>'
    for box, share in zip(canvas.boxes, shares, strict=True):
        yield _box(box, network.mark(box.view.part), None if share is None else share / most)
    yield from map(_text, canvas.texts)
    yield "</g>"


# -- boxes -----------------------------------------------------------------------------------------------------------


def _frame(frame: Frame, mark: str | None) -> str:
    body = "".join(
        f'<rect class="{names}" x="{_n(side.left)}" y="{_n(side.top)}" width="{_n(side.width)}" '
        f'height="{_n(side.height)}" rx="{_n(CORNERS)}"/>'
        for side, names in _cards(frame.sides, frame.view.times, "frame", mark)
    )
    body += "".join(map(_text, frame.texts))
    return f'<g data-path="{_quoted(frame.view.part.path)}">{_title(frame)}{body}{_mark(mark, frame.sides)}</g>'


def _box(box: Box, mark: str | None, share: float | None) -> str:
    names = f"side {box.kind}" + ("" if share is None else " plain")
    body = "".join(_side(box, side, own) for side, own in _cards(box.sides, box.view.times, names, mark))
    sides = box.sides
    if box.kind == "group" and share is None:
        body += _stripe(sides)
    if share is not None:
        opacity = SHADES[0] + share * (SHADES[1] - SHADES[0])
        body += _side(box, sides, "shade", f' fill-opacity="{opacity:.2f}"')
        inset = SLANT if box.kind == "pool" else 1.5
        wide, y = share * (sides.width - 2 * inset), sides.bottom - 2.8
        body += f'<rect class="bar" x="{_n(sides.left + inset)}" y="{_n(y)}" width="{_n(wide)}" height="2"/>'
    if box.kind == "merge":
        body += f'<path class="glyph" d="{_glyph(box)}"/>'
    raised = 0.0 if share is None or box.kind == "group" else -LIFT
    texts = (text.moved(0, raised) for text in box.texts)
    body += "".join(_text(text, is_quiet=share is None and text.role in QUIET) for text in texts)
    faded = f' class="{mark}"' if mark == UNCHANGED else ""
    return f'<g data-path="{_quoted(box.view.part.path)}"{faded}>{_title(box)}{body}{_mark(mark, sides)}</g>'


def _stripe(sides: Rectangle) -> str:
    """The band at the left side of a folded group."""
    left, top, bottom, radius = sides.left, sides.top, sides.bottom, CORNERS
    path = f"M{_p((left + 6, top))}H{_n(left + radius)}A{_n(radius)} {_n(radius)} 0 0 0 {_p((left, top + radius))}"
    path += f"V{_n(bottom - radius)}A{_n(radius)} {_n(radius)} 0 0 0 {_p((left + radius, bottom))}H{_n(left + 6)}z"
    return f'<path class="stripe" d="{path}"/>'


def _cards(sides: Rectangle, copies: int, names: str, mark: str | None) -> Iterator[tuple[Rectangle, str]]:
    """The sides of a box with its classes, and before it those of the cards behind, if it stands for several copies.
    The border that a mark gives is that of the first card alone, as three of them close together look hatched."""
    for shift in (BEHIND, BEHIND / 2) if copies > 1 else ():
        yield sides.moved(shift, shift), names
    yield sides, f"{names} {mark}" if mark in SIGNS else names


def _side(box: Box, side: Rectangle, names: str, more: str = "") -> str:
    """The shape of a box."""
    left, top, right, bottom = side.left, side.top, side.right, side.bottom
    if box.kind == "merge":
        middle = (left + right) / 2, (top + bottom) / 2
        return f'<circle class="{names}"{more} cx="{_n(middle[0])}" cy="{_n(middle[1])}" r="{_n(side.width / 2)}"/>'
    if box.kind in ("pool", "up"):
        above, below = (0.0, SLANT) if box.kind == "pool" else (SLANT, 0.0)
        corners = (left + above, top), (right - above, top), (right - below, bottom), (left + below, bottom)
        return f'<path class="{names}"{more} d="M{"L".join(_p(one) for one in corners)}z"/>'
    radius = {"point": side.height / 2, "group": CORNERS}.get(box.kind, 1.5)
    place = f'x="{_n(left)}" y="{_n(top)}" width="{_n(side.width)}" height="{_n(side.height)}"'
    return f'<rect class="{names}"{more} {place} rx="{_n(radius)}"/>'


def _glyph(box: Box) -> str:
    """The sign of a merge as lines, which need no font: a plus, a cross, or two bars for a concatenation."""
    x, y = (box.sides.left + box.sides.right) / 2, (box.sides.top + box.sides.bottom) / 2
    match box.view.part.ops[0].kind:
        case "add":
            return f"M{_n(x - 4)} {_n(y)}h8M{_n(x)} {_n(y - 4)}v8"
        case "multiply":
            return f"M{_n(x - 3)} {_n(y - 3)}l6 6m0 -6l-6 6"
    return f"M{_n(x - 2)} {_n(y - 4)}v8m4 0v-8"


def _mark(mark: str | None, sides: Rectangle) -> str:
    """The sign of what a comparison says of a part, at its upper left corner."""
    if mark not in SIGNS:
        return ""
    x, y = (sides.left - 1, sides.top - 1) if sides.width > SIGN else (sides.left - 5, sides.top - 1)
    circle = f'<circle class="{mark}-sign" cx="{_n(x)}" cy="{_n(y)}" r="6"/>'
    place = f'x="{_n(x)}" y="{_n(y + 3.6)}" text-anchor="middle" font-weight="bold"'
    return f'{circle}<text class="on-mark" {place}>{SIGNS[mark]}</text>'


def _title(drawn: Box | Frame) -> str:
    return f"<title>{escape(description(drawn.view), quote=False)}</title>"


# -- lines -----------------------------------------------------------------------------------------------------------


def _line(line: Line) -> str:
    points = list(line.points)
    head = ""
    if line.is_arrow:
        (x, y), (a, b) = points[-1], points[-2]
        dx, dy = _sign(x - a), _sign(y - b)
        points[-1] = x - 0.8 * HEAD * dx, y - 0.8 * HEAD * dy
        back, wide = (x - HEAD * dx, y - HEAD * dy), HEAD / 2
        corners = (x, y), (back[0] - wide * dy, back[1] - wide * dx), (back[0] + wide * dy, back[1] + wide * dx)
        name = "skiphead" if line.is_skip else "head"
        head = f'<path class="{name}" d="M{"L".join(_p(one) for one in corners)}z"/>'
    name = "line skip" if line.is_skip else "line"
    return f'<path class="{name}" d="{_rounded(points)}"/>{head}'


def _rounded(points: Sequence[Point]) -> str:
    """A path along the points, with round corners."""
    path = f"M{_p(points[0])}"
    last = len(points) - 2
    for number in range(1, len(points) - 1):
        before, corner, after = points[number - 1 : number + 2]
        room = (
            _distance(before, corner) / (1 if number == 1 else 2),
            _distance(corner, after) / (1 if number == last else 2),
        )
        radius = min(ROUND, *room)
        start, end = _towards(corner, before, radius), _towards(corner, after, radius)
        path += f"L{_p(start)}Q{_p(corner)} {_p(end)}"
    return f"{path}L{_p(points[-1])}"


def _distance(a: Point, b: Point) -> float:
    return abs(a[0] - b[0]) + abs(a[1] - b[1])


def _towards(start: Point, end: Point, length: float) -> Point:
    return start[0] + length * _sign(end[0] - start[0]), start[1] + length * _sign(end[1] - start[1])


def _sign(number: float) -> int:
    return (number > 0) - (number < 0)


# -- text ------------------------------------------------------------------------------------------------------------


def _text(text: Text, is_quiet: bool | None = None) -> str:
    attributes = f'x="{_n(text.x)}" y="{_n(text.y)}"'
    if text.size != TITLE:
        attributes += f' font-size="{_n(text.size)}"'
    if text.anchor != "start":
        attributes += f' text-anchor="{text.anchor}"'
    if text.bold:
        attributes += ' font-weight="bold"'
    name = ' class="muted"' if (text.role in QUIET if is_quiet is None else is_quiet) else ""
    return f"<text{name} {attributes}>{escape(text.text, quote=False)}</text>"


def _p(point: Point) -> str:
    return f"{_n(point[0])} {_n(point[1])}"


def _n(number: float) -> str:
    """A number with at most one decimal."""
    return f"{round(number, 1) + 0.0:.1f}".removesuffix(".0")


def _quoted(text: str) -> str:
    return escape(text, quote=True)

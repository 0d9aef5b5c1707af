"""Receptive fields nested inside each other on the grid of pixels, with the layers in between."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from archspec import palette
from archspec.drawing.fields.elements import BOLD, END, LIGHT, Scale, box, lines, stroke, tail, text
from archspec.drawing.fields.layer_fields import LayerField, Span, span, within
from archspec.drawing.labels import amount, times
from archspec.wording import counted

GUTTER, GRID, ROW = 172, 300, 34
"""Widths of the labels and of the grid in a column, and the distance of the layers in the side view, in units."""
LABELS = GUTTER - 28
"""Where labels end."""
LARGEST_PIXEL, SMALLEST_PIXEL = 26.0, 5.0
"""A pixel's side. Smaller ones get no grid, and no side view."""


def side_of_pixel(fields: Sequence[LayerField]) -> float:
    """The side of a pixel, one for all of several fields, so that their fields can be compared."""
    return min(LARGEST_PIXEL, GRID / max(max(_shown(one)[0][1] - _shown(one)[0][0] for one in fields), 1))


def _shown(one: LayerField) -> tuple[Span, Span]:
    """The columns and rows of pixels that are drawn, as many of each: the field with what is around it."""
    rows, columns = one.field.window
    larger = max(rows[1] - rows[0], columns[1] - columns[0])
    half = larger / 2 + max(1, larger // 12)
    middles = [(part[0] + part[1]) / 2 for part in (columns, rows)]
    across, down = ((middle - half, middle + half) for middle in middles)
    return across, down


def nested(one: LayerField, side: float, fields: Sequence[LayerField], side_views: int) -> tuple[str, float]:
    """A column: the fields of the levels inside each other, with the layers in between above them if they are few.

    Args:
        one: what is drawn.
        side: of a pixel.
        fields: those of all columns; its numbers are compared with those of the first.
        side_views: how many layers the largest side view of all columns has; 0 where there are none.

    Returns:
        The elements, and the height. The width is `GUTTER + GRID`.
    """
    across, down = _shown(one)
    left = GUTTER + (GRID - (across[1] - across[0]) * side) / 2
    parts = [text(GUTTER, 16, tail(one.network, 34), size=16, more=BOLD)]
    what = "every" if one.sees_all else "an"
    parts.append(text(GUTTER, 36, f"{what} element of {tail(one.layer, 20)} sees {times(one.field.size)}", "muted"))
    top = 52.0
    scale = Scale(left - across[0] * side, 0, side)
    if side_views:
        parts += _side_view(one, scale, top + (side_views - len(one.levels)) * ROW)
        top += (side_views + 1) * ROW + 22
    scale = scale._replace(y=top - down[0] * side)
    parts += _pixels(one, scale, across, down)
    parts += _outlines(one, scale, left)
    bottom = top + max(shown[1] - shown[0] for _, shown in map(_shown, fields)) * side
    height = bottom + 30 + 4 * 21 + (6 if one.left_out else -15)
    return "".join([*parts, *_numbers(one, fields[0], bottom + 30)]), height


def has_side_view(one: LayerField, side: float) -> bool:
    """Whether the layers between picture and element can be drawn, each element of them as a square."""
    return side >= SMALLEST_PIXEL and not one.sees_all and all(level.axes[1].stride for level in one.levels)


def _side_view(one: LayerField, scale: Scale, top: float) -> Iterator[str]:
    """The columns of each level whose elements the one at the top depends on, down to those of the picture."""
    columns, size = one.field.window[1], min(scale.side, 15.0)
    pixels = range(max(0, math.floor(columns[0])), min(one.picture[1], math.ceil(columns[1])))
    rows: list[tuple[str, str, list[Span]]] = [("picture", times(one.picture), [(x, x + 1) for x in pixels])]
    for level in one.levels:
        axis = level.axes[1]
        rows.append((level.name, level.label, [span(axis, at) for at in within(axis, columns)]))
    for number, (name, label, spans) in reversed([*enumerate(rows)]):
        y = top + (len(one.levels) - number) * ROW
        look = f'fill="{LIGHT["paper"]}" stroke="{LIGHT["muted"]}"'
        if number and spans:
            below = rows[number - 1][2]
            look = f'fill="{_color(number - 1)}" fill-opacity="0.35" {stroke(number - 1, 1.2)}'
            for above in ([*spans], spans[:1]):  # what all of them depend on, and what the first does
                seen = [part for part in below if above[0][0] <= part[0] and part[1] <= above[-1][1]]
                if seen:
                    yield _fan(scale, (above, seen), (y + size, y + ROW), size, _color(number - 1))
        for part in spans:
            yield box(_square(scale, part, size), (y, y + size), look)
        yield text(LABELS, y + 7, tail(name, 22), more=END)
        if label not in ("", name):
            yield text(LABELS, y + 20, tail(label, 24), "muted", 10.5, END)


def _square(scale: Scale, part: Span, size: float) -> Span:
    """Left and right of a square in the middle of what an element sees."""
    middle = scale.x + (part[0] + part[1]) / 2 * scale.side
    return middle - size / 2, middle + size / 2


def _fan(scale: Scale, ends: tuple[list[Span], list[Span]], height: Span, size: float, color: str) -> str:
    """The area between elements and those below that they depend on."""
    (upper, lower), (top, bottom) = ends, height
    left, right = _square(scale, upper[0], size)[0], _square(scale, upper[-1], size)[1]
    first, last = _square(scale, lower[0], size)[0], _square(scale, lower[-1], size)[1]
    corners = f"{left:g},{top:g} {right:g},{top:g} {last:g},{bottom:g} {first:g},{bottom:g}"
    return f'<polygon points="{corners}" fill="{color}" fill-opacity="0.13"/>'


def _color(number: int) -> str:
    return palette.SERIES[number % len(palette.SERIES)]


def _pixels(one: LayerField, scale: Scale, across: Span, down: Span) -> Iterator[str]:
    """The part of the picture that is shown, with a grid of its pixels, and its padding."""
    inside = max(across[0], 0), min(across[1], one.picture[1])
    height = max(down[0], 0), min(down[1], one.picture[0])
    if inside != across or height != down:
        yield box(scale.columns(across), scale.rows(down), 'fill="url(#padding)"')
    frame = scale.columns(inside), scale.rows(height)
    yield box(*frame, f'fill="{LIGHT["raised"]}" stroke="none"')
    strides = one.stride or (0.0,)  # each cell of a coarser grid holds one element
    step = 1.0 if scale.side >= SMALLEST_PIXEL else float(max(strides))
    if step * scale.side >= SMALLEST_PIXEL:
        grid = lines(
            [scale.x + x * scale.side for x in _steps(inside, step)],
            [scale.y + y * scale.side for y in _steps(height, step)],
            *frame,
        )
        yield f'<path d="{grid}" fill="none" stroke="{LIGHT["line"]}" stroke-width="0.8"/>'
    edges = ((across[0], inside[0]), (inside[1], across[1]))
    if any(edge[0] != edge[1] for edge in edges) or height != down:
        yield box(*frame, f'fill="none" stroke="{LIGHT["ink"]}" stroke-width="1.5"')


def _steps(limits: Span, step: float) -> Iterator[float]:
    """The multiples of a step strictly between two limits."""
    number = math.floor(limits[0] / step) + 1
    while number * step < limits[1]:
        yield number * step
        number += 1


def _outlines(one: LayerField, scale: Scale, left: float) -> Iterator[str]:
    """The fields, the largest first, each with its size beside it."""
    places: list[float] = []
    for number, level in reversed([*enumerate(one.levels)]):
        rows, columns = level.window
        across, down = scale.columns(columns), scale.rows(rows)
        yield box(across, down, f'fill="{_color(number)}" fill-opacity="0.1" {stroke(number)}')
        place = max(down[0] + 4, places[-1] + 15) if places else down[0] + 4
        places.append(place)
        path = f"M{LABELS + 5} {place - 4:g}H{LABELS + 9}L{max(left - 20, GUTTER - 2):g} {down[0]:g}H{across[0]:g}"
        yield f'<path d="{path}" fill="none" {stroke(number, 1)}/>'
        yield text(LABELS, place, f"{tail(level.name, 16)}  {times(level.size)}", more=END, size=11)


def _numbers(one: LayerField, first: LayerField, top: float) -> Iterator[str]:
    """Field, stride, parameters and activations, and how many fewer or more than in the first view."""
    rows = [
        ("field", times(one.field.size), ""),
        ("stride", amount(one.stride) if one.stride else "none", ""),
        ("parameters", f"{one.parameters:,}", _difference(one.parameters, first.parameters)),
        ("non-linearities", f"{one.activations:,}", ""),
    ]
    for number, (label, value, note) in enumerate(rows):
        y = top + 21 * number
        yield text(LABELS, y, label, "muted", more=END)
        yield text(GUTTER, y, value, size=13, more=BOLD)
        if note:
            yield text(GUTTER + 9 * len(value) + 12, y, note, "muted")
    if one.left_out:
        more = f"{counted(one.left_out, 'more layer')} in between, not drawn"
        yield text(GUTTER, top + 21 * len(rows), more, "muted", 11)


def _difference(count: int, other: int) -> str:
    if count == other or not other:
        return ""
    share = 100 * (count - other) / other
    return f"{abs(share):.0f} % {'more' if share > 0 else 'fewer'}"

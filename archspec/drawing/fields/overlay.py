"""The fields of some elements of a layer over the picture that the network is given."""

from __future__ import annotations

import math
from collections.abc import Iterator

from archspec import palette
from archspec.drawing.fields.elements import BOLD, MIDDLE, Scale, box, lines, stroke, tail, text
from archspec.drawing.fields.layer_fields import LayerField, Span, span
from archspec.drawing.labels import amount, times
from archspec.receptive_fields import Axis

WIDTH = 430
"""The larger side of what is drawn, in units."""
FINEST = 9
"""Cells of the grid are not drawn smaller than this; one then stands for several elements."""
HALO = f'fill="none" stroke="{palette.LIGHT["paper"]}" stroke-width="5" stroke-opacity="0.75"'


def over_picture(one: LayerField, uri: str) -> tuple[str, float]:
    """A column: a picture, the grid of the layer's elements, and the parts that some of them see.

    Args:
        one: the layer.
        uri: the picture in the size of the network's input.

    Returns:
        The elements, and the height. The width is `WIDTH`.
    """
    height, width, _ = one.picture
    elements = _elements(one)
    windows = [tuple(span(axis, at) for axis, at in zip(one.field.axes, where, strict=True)) for where in elements]
    down = min(0, *(rows[0] for rows, _ in windows)), max(height, *(rows[1] for rows, _ in windows))
    across = min(0, *(columns[0] for _, columns in windows)), max(width, *(columns[1] for _, columns in windows))
    side = WIDTH / max(down[1] - down[0], across[1] - across[0])
    top = 52.0
    scale = Scale(-across[0] * side, top - down[0] * side, side)
    frame = scale.columns((0, width)), scale.rows((0, height))
    parts = [
        text(0, 16, tail(one.network, 40), size=16, more=BOLD),
        text(0, 36, _sentence(one), "muted"),
    ]
    if (across, down) != ((0, width), (0, height)):
        parts.append(box(scale.columns(across), scale.rows(down), 'fill="url(#padding)"'))
    (left, right), (upper, lower) = frame
    parts.append(
        f'<image x="{left:g}" y="{upper:g}" width="{right - left:g}" height="{lower - upper:g}" '
        f'preserveAspectRatio="none" style="image-rendering:pixelated" href="{uri}"/>'
    )
    grids = [_borders(axis, side, limit) for axis, limit in zip(one.field.axes, (height, width), strict=True)]
    path = lines([scale.x + x * side for x in grids[1]], [scale.y + y * side for y in grids[0]], *frame)
    for color, line, opacity in (("black", 1.4, 0.18), ("white", 0.6, 0.55)):  # seen on dark and on bright parts
        parts.append(f'<path d="{path}" fill="none" stroke="{color}" stroke-width="{line}" opacity="{opacity}"/>')
    if (across, down) != ((0, width), (0, height)):
        parts.append(box(*frame, f'fill="none" stroke="{palette.LIGHT["ink"]}"'))
    frames = [(scale.columns(columns), scale.rows(rows)) for rows, columns in windows]
    if not one.sees_all:
        parts += [_cells(one, where, scale, number) for number, where in enumerate(elements)]
    parts += [_outline(sides, number) for number, sides in enumerate(frames)]
    parts += [_badge(sides, number) for number, sides in enumerate(frames)]
    bottom = scale.y + down[1] * side
    notes = [*_notes(one, side, padded=(across, down) != ((0, width), (0, height)))]
    parts += [text(0, bottom + 22 + 17 * number, note, "muted", 11) for number, note in enumerate(notes)]
    return "".join(parts), bottom + 22 + 17 * (len(notes) - 1)


def _sentence(one: LayerField) -> str:
    seen, picture = times(one.field.size), times(one.picture[:2])
    if one.sees_all:
        return tail(f"every element of {one.layer} sees {seen} of the {picture} pixels", 66)
    return tail(f"an element of {one.layer} sees {seen} pixels; the picture is {picture}", 66)


def _elements(one: LayerField) -> list[tuple[int, int]]:
    """The elements whose fields are drawn: the one in the middle; where fields are smaller than the picture, the first
    one too; and where they are at most half as large, one near that corner and the last one."""
    rows, columns = one.count
    middle = one.field.element
    if one.sees_all or (rows, columns) == (1, 1):
        return [middle]
    height, width = one.field.size
    if height >= one.picture[0] and width >= one.picture[1]:
        return [middle]
    if 2 * height > one.picture[0] or 2 * width > one.picture[1]:
        return [middle, (0, 0)]
    return [middle, (rows // 6, columns // 6), (rows - 1, columns - 1)]


def _cell(axis: Axis, position: int) -> Span:
    """The part of the picture, as long as the stride, in the middle of what an element sees; all that it sees where
    others see the same."""
    if axis.stride is None:
        return span(axis, position)
    middle = math.fsum(span(axis, position)) / 2
    half = float(axis.stride) / 2
    return middle - half, middle + half


def _borders(axis: Axis, side: float, limit: int) -> list[float]:
    """The borders of the elements' cells inside the picture; of every few elements where cells would be too small."""
    if axis.stride is None or axis.count == 1:
        return []
    every = _every(axis, side)
    borders = (_cell(axis, position)[0] for position in range(0, axis.count + 1, every))
    return [border for border in borders if 0 < border < limit]


def _every(axis: Axis, side: float) -> int:
    return max(1, math.ceil(FINEST / (float(axis.stride or 1) * side)))


def _cells(one: LayerField, where: tuple[int, int], scale: Scale, number: int) -> str:
    """An element's cell of the grid."""
    rows, columns = (_cell(axis, at) for axis, at in zip(one.field.axes, where, strict=True))
    look = f'fill="{palette.SERIES[number]}" fill-opacity="0.6" {stroke(number, 1)}'
    return box(scale.columns(columns), scale.rows(rows), look)


def _outline(sides: tuple[Span, Span], number: int) -> str:
    """The outline of what an element sees, which stands out from any picture."""
    return box(*sides, HALO) + box(*sides, f'fill="none" {stroke(number, 2.2)}')


def _badge(sides: tuple[Span, Span], number: int) -> str:
    """The number of an outline in its corner, or outside of it where it is small."""
    (left, right), (top, bottom) = sides
    away = 12 if min(right - left, bottom - top) > 50 else -9
    place = f'cx="{left + away:g}" cy="{top + away:g}" r="9"'
    look = f'fill="{palette.LIGHT["paper"]}" stroke="{palette.SERIES[number]}" stroke-width="1.5"'
    return f"<circle {place} {look}/>" + text(left + away, top + away + 4, str(number + 1), size=11, more=MIDDLE + BOLD)


def _notes(one: LayerField, side: float, padded: bool) -> Iterator[str]:
    rows, columns = one.field.axes
    if one.sees_all:
        yield f"{one.layer} has no field of its own: what stands before it blends all positions of the picture."
    else:
        every, stride = (_every(rows, side), _every(columns, side)), amount(one.stride or (1, 1))
        cell = "one" if every == (1, 1) else f"{times(every)} of them"
        apart = "every pixel" if stride == "1" else f"every {stride} pixels"
        yield f"{times(one.count)} elements, one {apart}; a cell of the grid is {cell}."
    if padded:
        yield "Hatched: padding, which the fields reach into."

"""What layers of networks see of their input, as one drawing."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from archspec import pages, palette
from archspec.drawing.fields import nested as panels
from archspec.drawing.fields.layer_fields import LayerField, layer_field
from archspec.drawing.fields.overlay import WIDTH, over_picture
from archspec.drawing.fields.photographs import embedded
from archspec.drawing.labels import times
from archspec.drawing.png import png
from archspec.graph.graph import Graph

MARGIN, GAP, COLUMNS = 24, 40, 3
"""Around the columns, between them, and how many stand in a row."""


@dataclass(frozen=True, repr=False)
class FieldDrawing:
    """What layers of networks see of their input. Its text is SVG, and a notebook shows it.

    Attributes:
        fields: what is drawn, a column each.
        element: the drawing in the colours of `palette.LIGHT`.
    """

    fields: tuple[LayerField, ...]
    element: str

    def svg(self) -> str:
        """The drawing as a file of SVG, light or dark as the reader's system prefers."""
        style = f"</title><style>{palette.variables('svg')}</style>"
        return palette.themed(self.element).replace("</title>", style, 1)

    def html(self) -> str:
        """The text of a page in one file."""
        names = ", ".join(dict.fromkeys(one.network for one in self.fields))
        width = self.element.partition('" width="')[2].partition('"')[0]
        style = f"svg {{ min-width: min(40rem, {width}px); }}"
        return pages.page(names, f'<div class="wide">{self.svg()}</div>', style)

    def png(self, scale: float = 2) -> bytes:
        """The drawing in its light colours as a PNG with `scale` pixels for each of its own.

        Raises:
            UserError: resvg_py is not installed, or the PNG would be too large.
        """
        return png(self.element, scale)

    def __str__(self) -> str:
        return self.svg()

    def _repr_html_(self) -> str:
        return self.svg()


def field_drawing(
    graphs: Sequence[Graph],
    layer: str | None = None,
    picture: str | os.PathLike[str] | None = None,
    option: str = "layer",
) -> FieldDrawing:
    """What one element of a layer sees of the input of each network; see `archspec.draw_field`.

    Args:
        graphs: the networks, at least one.
        layer: the name of a layer, block or stage; None for the last feature map of each network.
        picture: a file of a picture to draw on; None for a grid of pixels.
        option: how the user names the layer, for messages.

    Raises:
        UserError: a network has no such layer, or takes no picture.
        FileError: the picture cannot be read.
    """
    fields = [layer_field(graph, layer, option) for graph in graphs]
    if picture is not None:
        over = [over_picture(one, embedded(picture, one.picture)) for one in fields]
        return FieldDrawing(tuple(fields), _drawing(fields, over, WIDTH))
    side = panels.side_of_pixel(fields)
    all_small = all(panels.has_side_view(one, side) for one in fields)
    layers = max(len(one.levels) for one in fields) if all_small else 0
    columns = [panels.nested(one, side, fields, layers) for one in fields]
    return FieldDrawing(tuple(fields), _drawing(fields, columns, panels.GUTTER + panels.GRID))


def _drawing(fields: Sequence[LayerField], columns: Sequence[tuple[str, float]], width: float) -> str:
    """The columns in rows of `COLUMNS`."""
    per_row = min(COLUMNS, len(columns))
    parts, top = [], float(MARGIN)
    for start in range(0, len(columns), per_row):
        row = columns[start : start + per_row]
        for number, (elements, _) in enumerate(row):
            parts.append(f'<g transform="translate({MARGIN + number * (width + GAP):g} {top:g})">{elements}</g>')
        top += max(height for _, height in row) + GAP
    total = (2 * MARGIN + per_row * width + (per_row - 1) * GAP, top - GAP + MARGIN)
    said = "; ".join(_said(one) for one in fields)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {total[0]:g} {total[1]:g}" width="{total[0]:g}" '
        f'height="{total[1]:g}" role="img" font-family="{palette.FONT}"><title>{escape(said)}</title>'
        f"{PADDING}"
        f'<rect width="100%" height="100%" fill="{palette.LIGHT["paper"]}"/>{"".join(parts)}</svg>\n'
    )


def _said(one: LayerField) -> str:
    return f"{one.network}: an element of {one.layer} sees {times(one.field.size)} of the picture"


PADDING = (
    '<defs><pattern id="padding" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    f'<rect width="6" height="6" fill="{palette.LIGHT["paper"]}"/>'
    f'<path d="M0 0V6" stroke="{palette.LIGHT["line"]}" stroke-width="3"/></pattern></defs>'
)

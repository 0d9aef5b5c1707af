"""The elements of SVG that drawings of receptive fields are made of."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from archspec import palette
from archspec.drawing.fields.layer_fields import Span
from archspec.wording import printable

LIGHT = palette.LIGHT
DASHES = ("", "7 3", "2 3", "9 3 2 3", "5 5", "1 3", "12 4")
"""The outlines of levels differ by their dashes as well as by their colours."""


class Scale(NamedTuple):
    """Where pixels stand in a drawing: the place of the pixel (0, 0), and a pixel's side."""

    x: float
    y: float
    side: float

    def rows(self, part: Span) -> Span:
        """Top and bottom of rows of pixels."""
        return self.y + part[0] * self.side, self.y + part[1] * self.side

    def columns(self, part: Span) -> Span:
        """Left and right of columns of pixels."""
        return self.x + part[0] * self.side, self.x + part[1] * self.side


def text(x: float, y: float, content: str, color: str = "ink", size: float = 12, more: str = "") -> str:
    """A line of text; `more` are further attributes."""
    shown = escape(printable(content)).replace("#", "&#35;")  # no colour of the palette
    return f'<text x="{x:g}" y="{y:g}" fill="{LIGHT[color]}" font-size="{size:g}"{more}>{shown}</text>'


END = ' text-anchor="end"'
BOLD = ' font-weight="600"'
MIDDLE = ' text-anchor="middle"'


def box(across: Span, down: Span, attributes: str) -> str:
    """A rectangle between two places across and two down."""
    (left, right), (top, bottom) = across, down
    return f'<rect x="{left:g}" y="{top:g}" width="{right - left:g}" height="{bottom - top:g}" {attributes}/>'


def lines(across: Sequence[float], down: Sequence[float], width: Span, height: Span) -> str:
    """The path of a grid: vertical lines at `across`, horizontal ones at `down`."""
    vertical = (f"M{x:g} {height[0]:g}V{height[1]:g}" for x in across)
    return "".join([*vertical, *(f"M{width[0]:g} {y:g}H{width[1]:g}" for y in down)])


def stroke(number: int, width: float = 2) -> str:
    """How the outline of the n-th level looks: by colour and by dashes."""
    color = palette.SERIES[number % len(palette.SERIES)]
    dashes = DASHES[number % len(DASHES)]
    return f'stroke="{color}" stroke-width="{width:g}"' + (f' stroke-dasharray="{dashes}"' if dashes else "")


def tail(name: str, length: int) -> str:
    """A name, or its end where it is long."""
    return name if len(name) <= length else f"…{name[1 - length :]}"

"""The colours of a drawing, light and dark, as the style sheet in its SVG.

The first rules are those of a light background, and suffice where media queries are not understood, as in most programs
that turn SVG into pixels.
"""

from __future__ import annotations

from collections.abc import Mapping

from archspec import palette
from archspec.drawing.marks import SIGNS

KINDS = {
    "conv": "series1",
    "dense": "series8",
    "pool": "series3",
    "up": "series3",
    "point": "series5",
    "shape": "series5",
    "group": "series6",
}
"""The colour of each kind of box, by its name in the palette. The sign of a merge has that of text."""
TINT = 0.13
"""How much of its colour the inside of a box has."""


def style_sheet() -> str:
    """CSS for everything that `archspec.drawing.svg` draws, of elements inside of one of the class `network`."""
    return f"{_SHAPES}{_colors(palette.LIGHT)}@media(prefers-color-scheme:dark){{{_colors(palette.DARK)}}}"


_SHAPES = "".join(
    f".network .{names}{{{rules}}}"
    for names, rules in {
        "line": "fill:none;stroke-width:1.1;stroke-linejoin:round",
        "skip": "stroke-width:1.4",
        "glyph": "fill:none;stroke-width:1.4;stroke-linecap:round",
        "side": "stroke-width:1.1",
        "dense": "stroke-width:2.4",
        "shape": "stroke-dasharray:3 2",
        "frame": "stroke-width:.8",
        "band": "stroke-width:.8;stroke-dasharray:2 3",
        "added": "stroke-width:2.2",
        "removed": "stroke-width:2.2;stroke-dasharray:5 2.5",
        "changed": "stroke-width:2.2;stroke-dasharray:1.5 2",
        "unchanged": "opacity:.6",
        "shade": "stroke:none",
    }.items()
)


def _colors(colors: Mapping[str, str]) -> str:
    """The rules that give everything its colour."""
    rules = {
        ".paper": f"fill:{colors['paper']}",
        "text": f"fill:{colors['ink']}",
        ".muted": f"fill:{colors['muted']}",
        ".line,.network .glyph,.network .merge": f"stroke:{colors['ink']}",
        ".head,.network .dot": f"fill:{colors['ink']}",
        ".skip": f"stroke:{colors['series2']}",
        ".skiphead": f"fill:{colors['series2']}",
        ".frame": f"fill:{colors['raised']};stroke:{colors['muted']}",
        ".band": f"stroke:{colors['muted']}",
        ".merge": f"fill:{colors['paper']}",
        **{
            f".{kind}": f"fill:{mixed(colors[name], colors['paper'], TINT)};stroke:{colors[name]}"
            for kind, name in KINDS.items()
        },
        ".plain": f"fill:{colors['paper']};stroke:{colors['muted']}",
        ".shade,.network .bar": f"fill:{colors['series1']}",
        ".stripe": f"fill:{colors[KINDS['group']]}",
        **{f".{mark}": f"stroke:{colors[mark]}" for mark in SIGNS},
        **{f".{mark}-sign": f"fill:{colors[mark]}" for mark in SIGNS},
        ".on-mark": f"fill:{colors['paper']}",
    }
    return "".join(f".network {selector}{{{rule}}}" for selector, rule in rules.items())


def mixed(color: str, ground: str, share: float) -> str:
    """A colour over another one, of which it covers a share."""
    pairs = ((int(color[i : i + 2], 16), int(ground[i : i + 2], 16)) for i in (1, 3, 5))
    return "#" + "".join(f"{round(share * above + (1 - share) * below):02x}" for above, below in pairs)

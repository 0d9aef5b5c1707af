"""How a group of runs looks in every chart and table: colour, dashes and marker, so that colour says nothing alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from archspec import palette
from builder.comparison.groups import Group
from builder.comparison.text import ranked

DASHES: tuple[tuple[Any, str], ...] = (("solid", "none"), ((0, (5, 2)), "5 2"), ((0, (1.2, 1.6)), "1.5 2"))
"""How the lines of the first eight groups, the next and the third eight are dashed, for Matplotlib and for SVG."""
MARKERS = "osD^vPX*"
PALE = 0.35
"""How opaque the grey of further groups is."""
LETTERED = 12
"""Up to so many groups have their letters in charts."""


@dataclass(frozen=True)
class Look:
    """How a group is drawn, always in the same way: colour, dashes and marker.

    Attributes:
        color: one of the palette's colours.
        name: the name of the colour in the palette.
        dash: of lines, as Matplotlib has it.
        svg_dash: the same as an SVG element has it.
        marker: of points.
        is_grey: whether there are more groups than looks, and this one is none of the best.
    """

    color: str
    name: str
    dash: Any
    svg_dash: str
    marker: str
    is_grey: bool = False


def looks(groups: Sequence[Group]) -> dict[str, Look]:
    """A look for each group, by its letter; if there are many, the best have looks of their own and the rest are
    grey."""
    colors = len(palette.SERIES)
    own = colors * len(DASHES)
    order = [one.letter for one in groups] if len(groups) <= own else [one.letter for one in ranked(groups)]
    found = {}
    for number, letter in enumerate(order):
        if number < own:
            dash, svg_dash = DASHES[number // colors]
            name = f"series{number % colors + 1}"
            found[letter] = Look(palette.LIGHT[name], name, dash, svg_dash, MARKERS[number % colors])
        else:
            found[letter] = Look(palette.LIGHT["muted"], "muted", "solid", "none", ".", True)
    return found


class Ids:
    """The ids of a group's parts in a chart, `A:1` and so on, by which a page finds them."""

    def __init__(self, letter: str):
        self.letter, self.number = letter, 0

    def __next__(self) -> str:
        self.number += 1
        return f"{self.letter}:{self.number}"

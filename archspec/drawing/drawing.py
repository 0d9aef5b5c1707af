"""A drawing of one network or several, and its forms."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from archspec.drawing.labels import caption
from archspec.drawing.layout import Layout, Network, lay_out
from archspec.drawing.marks import SIGNS, UNCHANGED, Marks
from archspec.drawing.measures import MEASURES, caption_by
from archspec.drawing.outline import Outline, outline
from archspec.drawing.svg import to_svg
from archspec.drawing.towers import blurs, in_towers
from archspec.drawing.views import ALL, MOST_BOXES, View, boxes, check_paths, view, walk
from archspec.errors import argument_problem
from archspec.graph.graph import Graph
from archspec.wording import counted, did_you_mean, quoted


@dataclass(frozen=True, repr=False)
class Drawing:
    """A drawing of one network, or of several side by side. Its text is SVG, and notebooks show it.

    Attributes:
        networks: what is drawn: each with its outline, and with the parts that are open.
        by: the number by which boxes are shaded; None where their colours are those of their kinds.
        notes: what else a reader has to know, a sentence each.
    """

    networks: tuple[Network, ...]
    by: str | None = None
    notes: tuple[str, ...] = ()

    @cached_property
    def layout(self) -> Layout:
        """Where everything stands."""
        return lay_out(self.networks, _notes(self))

    def svg(self) -> str:
        """The text of an SVG file, in light and dark colours, by what the reader prefers."""
        return to_svg(self.layout, self.by)

    def html(self) -> str:
        """The text of a page in one file, to zoom, to search, and to read each layer's numbers; it can open all parts,
        if they are at most `html.MOST_OPENED` boxes."""
        from archspec.drawing.html import html  # here and below: what writes SVG does not wait for it

        return html((self.svg(), self.layout), self._opened())

    def mermaid(self) -> str:
        """A flowchart for Markdown, which Mermaid lays out itself."""
        from archspec.drawing.mermaid import mermaid

        return mermaid(self.networks, self.by)

    def png(self, scale: float = 2) -> bytes:
        """The drawing in its light colours as a PNG with `scale` pixels for each of its own.

        Raises:
            UserError: resvg_py is not installed, or the PNG would be too large.
        """
        from archspec.drawing.png import png

        return png(self.svg(), scale)

    def _opened(self) -> tuple[str, Layout] | None:
        """The SVG and the layout with all parts open, copy by copy; None where they are already, or too many."""
        from archspec.drawing.html import MOST_OPENED, boxes_opened

        if sum(map(boxes_opened, self.networks)) > MOST_OPENED:
            return None
        networks = [replace(one, view=view(one.outlined, None, (ALL,), one.marks)) for one in self.networks]
        opened = Drawing(tuple(networks), self.by, self.notes)
        return None if opened.svg() == self.svg() else (opened.svg(), opened.layout)

    def __str__(self) -> str:
        return self.svg()

    def __repr__(self) -> str:
        names = ", ".join(one.outlined.analysis.name for one in self.networks)
        return f"Drawing({quoted(names)}: {self.layout.width:.0f} x {self.layout.height:.0f} pixels)"

    def _repr_html_(self) -> str:
        return self.svg()


def draw_graphs(
    graphs: Sequence[Graph],
    depth: int | None = None,
    opened: Collection[str] = (),
    by: str | None = None,
    marks: Sequence[Marks] | None = None,
) -> Drawing:
    """A drawing of graphs, side by side.

    Args:
        graphs: the networks, from left to right.
        depth: groups are open to so many levels of names; by default as deep as is legible.
        opened: paths of groups that are open in any case; `all` for all.
        by: the number by which boxes are shaded, a name in `MEASURES`.
        marks: for each network, what a comparison says of its parts.

    Raises:
        UserError: a path that no network has, an unknown number, or a network that is too large to draw.
        ValueError: no networks, another number of `marks`, or an unknown one.
    """
    if not graphs or (marks and len(marks) != len(graphs)):
        raise ValueError(
            f"expected a network or several, each with its marks, got {len(graphs)} and {len(marks or ())}"
        )
    if unknown := {mark for own in marks or () for mark in own.values()} - {*SIGNS, UNCHANGED}:
        raise ValueError(f"expected marks of {', '.join([*SIGNS, UNCHANGED])}, got {min(unknown)!r}")
    if depth is not None and depth < 1:
        raise argument_problem("--depth", f"expected a whole number of at least 1, got {depth}")
    if by is not None and by not in MEASURES:
        raise argument_problem("--by", f"unknown number {quoted(by)}{did_you_mean(by, MEASURES)}")
    marked = marks or [{}] * len(graphs)
    outlines = [outline(graph) for graph in graphs]
    notes: tuple[str, ...] = ()
    if len(graphs) == 1 and depth is None and not marks:
        outlines[0], notes = _with_towers(outlines[0], opened)
    check_paths(outlines, opened)
    views = [view(outlined, depth, opened, own) for outlined, own in zip(outlines, marked, strict=True)]
    if marks and depth is None and any(map(_has_repeats, views)):  # what is compared is drawn in the same way
        views = [
            one if _has_repeats(one) else view(outlined, EVERY_LEVEL, opened, own)
            for one, outlined, own in zip(views, outlines, marked, strict=True)
        ]
    networks = []
    for outlined, shown, own in zip(outlines, views, marked, strict=True):
        words = caption_by(by, outlined) if by else caption
        networks.append(Network(outlined, shown, words, own))
    return Drawing(tuple(networks), by, notes)


def _with_towers(outlined: Outline, opened: Collection[str]) -> tuple[Outline, tuple[str, ...]]:
    """The outline with convolutions in a few groups as towers, and what a reader has to know of these, if it has any
    and the drawing stays legible."""
    graph = in_towers(outlined.graph)
    if graph is outlined.graph:
        return outlined, ()
    in_full = outline(graph)
    if ALL not in opened and boxes(view(in_full)) > MOST_BOXES:
        return outlined, ()
    notes = ["Towers: convolutions in groups, which the spec writes as one layer."]
    if radius := blurs(outlined.graph):
        notes.append(f"A local response norm in a tower also sees {counted(radius, 'channel')} of the one beside it.")
    return in_full, tuple(notes)


EVERY_LEVEL = 1000
"""More levels of names than any network has: all groups are open, and repeats are drawn once."""


def _has_repeats(shown: View) -> bool:
    """Whether a view draws repeats once."""
    return any(one.times > 1 for one in walk(shown))


def _is_drawn(shown: View, drawing: Drawing) -> bool:
    """Whether a part has a box or a frame, beside which its mark stands."""
    return not shown.is_open or shown.times > 1 or len(drawing.networks) == 1


def _notes(drawing: Drawing) -> list[str]:
    """What a reader has to know of the boxes."""
    if drawing.by:
        first = f"On each box: {MEASURES[drawing.by].title}. Shade and bar are in proportion to the largest box."
    else:
        first = "On each box: parameters · multiply-accumulates of one picture."
    marked = {mark for one in drawing.networks for mark in one.marks.values()}
    drawn = {one.mark(shown.part) for one in drawing.networks for shown in walk(one.view) if _is_drawn(shown, drawing)}
    signs = ", ".join(f"{sign} {mark}" for mark, sign in SIGNS.items() if mark in drawn)
    paler = f"paler: {UNCHANGED}" if UNCHANGED in marked else ""
    said = [f"Marks: {'; '.join(filter(None, (signs, paler)))}."] if marked else []
    if marked == {UNCHANGED}:
        said = ["Paler: unchanged. No part differs."]
    return [first, *said, *drawing.notes]

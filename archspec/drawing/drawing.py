"""A drawing of one network or several, and its forms."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from archspec.drawing.labels import caption
from archspec.drawing.layout import Layout, Network, lay_out
from archspec.drawing.measures import MEASURES, caption_by
from archspec.drawing.outline import outline
from archspec.drawing.svg import to_svg
from archspec.drawing.views import check_paths, view
from archspec.errors import argument_problem
from archspec.graph.graph import Graph
from archspec.wording import did_you_mean, quoted

Marks = Mapping[str, str]
"""What a comparison says of the parts of a network, by path: `added`, `removed`, `changed` or `unchanged`."""


@dataclass(frozen=True, repr=False)
class Drawing:
    """A drawing of one network, or of several side by side. Its text is SVG, and notebooks show it.

    Attributes:
        networks: what is drawn: each with its outline, and with the parts that are open.
        by: the number by which boxes are shaded; None where their colours are those of their kinds.
    """

    networks: tuple[Network, ...]
    by: str | None = None

    @cached_property
    def layout(self) -> Layout:
        """Where everything stands."""
        return lay_out(self.networks, _notes(self))

    def svg(self) -> str:
        """The text of an SVG file, in light and dark colours, by what the reader prefers."""
        return to_svg(self.layout, self.by)

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
    """
    if by is not None and by not in MEASURES:
        raise argument_problem("--by", f"unknown number {quoted(by)}{did_you_mean(by, MEASURES)}")
    marked = marks or [{}] * len(graphs)
    outlines = [outline(graph) for graph in graphs]
    check_paths(outlines, opened)
    networks = []
    for outlined, own in zip(outlines, marked, strict=True):
        words = caption_by(by, outlined) if by else caption
        networks.append(Network(outlined, view(outlined, depth, opened, own), words, own))
    return Drawing(tuple(networks), by)


def _notes(drawing: Drawing) -> list[str]:
    """What a reader has to know of the boxes."""
    if drawing.by:
        return [
            f"Shade and bar, in proportion to the largest box, and share of the whole: {MEASURES[drawing.by].title}."
        ]
    return ["On each box: parameters · multiply-accumulates of one picture."]

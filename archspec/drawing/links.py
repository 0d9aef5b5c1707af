"""The edges between the boxes of a drawing, whatever group each box is in."""

from __future__ import annotations

from collections.abc import Iterator

from archspec.drawing.outline import Outline
from archspec.drawing.views import View, walk

PICTURE = 0
"""In the place of a box, the network's input."""


def links(outlined: Outline, shown: View) -> list[tuple[int, int]]:
    """The pairs of boxes of which one takes what the other gives, each once, in order. A box is named by the position
    of its part's first node. Where a repeat is open, what enters a later copy is not drawn."""
    box_of = {PICTURE: PICTURE}
    hidden: set[int] = set()
    for view in _inside_out(shown):
        part = view.part
        if not view.is_open:
            box_of.update(dict.fromkeys(range(part.start, view.stop), part.start))
            continue
        for position in range(part.stop, view.stop):  # stands in the boxes of the first copy
            box_of[position] = box_of[part.start + (position - part.start) % (part.stop - part.start)]
            hidden.add(position)
    pairs = (
        (box_of[source], box_of[position])
        for position, node in enumerate(outlined.graph.nodes)
        if position not in hidden
        for source in node.inputs
    )
    return [pair for pair in dict.fromkeys(pairs) if pair[0] != pair[1]]


def leaves(shown: View) -> Iterator[View]:
    """The views that are drawn as one box or as the sign of a merge, in order."""
    return (view for view in walk(shown) if not view.is_open)


def _inside_out(view: View) -> Iterator[View]:
    for child in view.children:
        yield from _inside_out(child)
    yield view

"""A drawing as a page: one file with everything in it, to zoom, to search and to read each part's numbers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from html import escape
from typing import Any

from archspec import pages
from archspec.drawing import labels
from archspec.drawing.fields.nested import amount
from archspec.drawing.links import PICTURE, links
from archspec.drawing.outline import Outline
from archspec.drawing.page_script import SCRIPT, STYLE
from archspec.drawing.views import View, walk
from archspec.tables import compact

Shown = Sequence[tuple[Outline, View]]
"""The networks of a drawing, each with what is shown of it."""
HELP = """<p class="note">Point at a box to see its numbers; click to keep them.</p>
<div id="keys" class="note"><p><kbd>/</kbd> searches, <kbd>Enter</kbd> shows the next</p>
<p><kbd>↑</kbd> <kbd>↓</kbd> follow the edges, <kbd>←</kbd> <kbd>→</kbd> go beside</p>
<p><kbd>+</kbd> <kbd>−</kbd> zoom, <kbd>0</kbd> shows all</p><p><kbd>Esc</kbd> closes</p></div>"""


def html(folded: tuple[str, Shown], opened: tuple[str, Shown] | None = None) -> str:
    """A page with a drawing of networks, and perhaps a second one to change to, in which everything is open.

    Args:
        folded: the drawing as an SVG element in the palette's variables, and what it shows.
        opened: the same networks with more of them open.
    """
    drawings = [folded, *([opened] if opened is not None else [])]
    names = [outlined.graph.name for outlined, _ in folded[1]]
    notes = [_totals(outlined, shown, len(names) > 1) for outlined, shown in folded[1]]
    parts = json.dumps([_parts(shown) for _, shown in drawings], separators=(",", ":"), ensure_ascii=False)
    parts = parts.replace("<", "\\u003c")  # no end of the script that holds it
    button = '<button id="opener" aria-pressed="false">Open all</button>' if opened is not None else ""
    elements = [folded[0], *([opened[0].replace("<svg", "<svg hidden", 1)] if opened is not None else [])]
    body = f"""<header><h1>{escape(", ".join(names))}</h1><span class="note">{escape("; ".join(notes))}</span>
<input id="search" type="search" placeholder="Search  /" aria-label="Search layers by name or operation">
<span id="found" class="note" role="status"></span>{button}
<span><button id="smaller" aria-label="Zoom out">−</button> <button id="larger" aria-label="Zoom in">+</button>
<button id="whole" aria-label="Show all of the drawing">All</button></span></header>
<main id="stage" tabindex="-1" aria-label="The drawing">{"".join(elements)}</main>
<aside id="panel" aria-label="Numbers of a layer" aria-live="polite">{HELP}</aside>
<script type="application/json" id="parts">{parts}</script>"""
    return pages.page(", ".join(names), body, STYLE, SCRIPT)


def _totals(outlined: Outline, shown: View, has_others: bool) -> str:
    said = f"{compact(shown.parameters)} parameters, {compact(shown.macs)} MACs"
    return f"{outlined.graph.name} {said}" if has_others else said


def _parts(networks: Shown) -> list[dict[str, Any]]:
    """All that the page says of the parts of a drawing; `to` are the numbers of the parts that an edge leads to."""
    parts: list[dict[str, Any]] = []
    for number, (outlined, shown) in enumerate(networks):
        start = len(parts)
        picture = outlined.graph.input
        parts.append(
            {
                **_said(number, picture.name, "input", labels.times(picture.shape)),
                "total": {"weights": shown.parameters, "macs": shown.macs},
            }
        )
        place = {PICTURE: start}
        for view in walk(shown):
            if view.part.path:
                if not view.is_open:
                    place[view.part.start] = len(parts)
                parts.append(_part(number, view))
        for source, target in links(outlined, shown):
            parts[place[source]]["to"].append(place[target])
    return parts


def _said(network: int, path: str, what: str, shape: str) -> dict[str, Any]:
    return {"id": f"{network}:{path}", "network": network, "path": path, "what": what, "shape": shape, "to": []}


def _part(network: int, view: View) -> dict[str, Any]:
    part = view.part
    first, last = view.copies[0], view.copies[-1].rpartition(".")[2]
    what = ", ".join(filter(None, map(labels.title_of, part.ops))) or f"{sum(1 for _ in _layers(view))} layers"
    return {
        **_said(network, part.path, what, labels.times(part.shape)),
        "path": first if view.times == 1 else f"{first} to {last}",
        "takes": labels.times(part.shape_in),
        "weights": view.parameters,
        "macs": view.macs,
        "bytes": view.memory,
        "field": labels.times(part.field),
        "stride": "" if part.stride is None else amount(part.stride),
        "copies": view.times,
    }


def _layers(view: View) -> Iterator[Any]:
    stack = [view.part]
    while stack:
        part = stack.pop()
        if part.is_layer:
            yield part
        stack += part.children

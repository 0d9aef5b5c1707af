"""A drawing as a page: one file with everything in it, to zoom, to search and to read each part's numbers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from html import escape
from typing import Any

from archspec import pages
from archspec.drawing import labels
from archspec.drawing.geometry import Box, Frame
from archspec.drawing.layout import Layout, Network
from archspec.drawing.links import PICTURE, links
from archspec.drawing.outline import Part
from archspec.drawing.page_script import SCRIPT
from archspec.drawing.page_style import STYLE
from archspec.drawing.views import View
from archspec.tables import compact
from archspec.wording import counted

MOST_OPENED = 700
"""A page offers to open all parts of a drawing if they are at most so many boxes; a larger one would be slow."""
HELP = """<p class="note">Point at a box to see its numbers; click to keep them.</p>
<div id="keys" class="note"><p><kbd>/</kbd> searches, <kbd>Enter</kbd> shows the next</p>
<p><kbd>↑</kbd> <kbd>↓</kbd> follow the edges, <kbd>←</kbd> <kbd>→</kbd> change the branch</p>
<p><kbd>+</kbd> <kbd>−</kbd> zoom, <kbd>0</kbd> shows all</p><p><kbd>Esc</kbd> closes</p></div>"""


def html(drawing: tuple[str, Layout], opened: tuple[str, Layout] | None = None) -> str:
    """A page with a drawing of networks, and perhaps a second one to change to, in which everything is open.

    Args:
        drawing: its SVG and where everything stands in it.
        opened: a drawing of the same networks with more of them open.
    """
    drawings = [drawing, *([opened] if opened is not None else [])]
    networks = [one.network for one in drawing[1].networks]
    names = ", ".join(one.outlined.graph.name for one in networks)
    totals = "; ".join(_totals(one, is_named=len(networks) > 1) for one in networks)
    parts = json.dumps([_parts(layout) for _, layout in drawings], separators=(",", ":"), ensure_ascii=False)
    parts = parts.replace("<", "\\u003c")  # no end of the script that holds it
    button = '<button id="opener">Open all</button>' if opened is not None else ""
    body = f"""<header><h1>{escape(names)}</h1><span class="note">{escape(totals)}</span>
<input id="search" type="search" placeholder="Search  /" aria-label="Search layers by name or operation">
<span id="found" class="note" role="status"></span>{button}
<span><button id="smaller" aria-label="Zoom out">−</button> <button id="larger" aria-label="Zoom in">+</button>
<button id="whole" aria-label="Show all of the drawing">All</button></span></header>
<main id="stage" tabindex="-1" aria-label="The drawing">{"".join(_elements([svg for svg, _ in drawings]))}</main>
<aside id="panel" aria-label="Numbers of a layer" aria-live="polite">{HELP}</aside>
<script type="application/json" id="parts">{parts}</script>"""
    return pages.page(names, body, STYLE, SCRIPT)


def boxes_opened(network: Network) -> int:
    """How many boxes a network has when all of it is open."""
    return _layers(network.outlined.root)


def _layers(part: Part) -> int:
    return 1 if part.is_layer else sum(map(_layers, part.children))


def _elements(drawings: Sequence[str]) -> Iterator[str]:
    """The drawings without tooltips, as the page shows the numbers; with one style sheet for all, and the first one
    visible."""
    for number, svg in enumerate(drawings):
        element = re.sub(r"<title>[^<]*</title>", "", svg)
        if number:
            element = re.sub(r"<style>[^<]*</style>", "", element, count=1).replace("<svg", "<svg hidden", 1)
        yield element


def _totals(network: Network, is_named: bool) -> str:
    said = f"{compact(network.view.parameters)} parameters, {compact(network.view.macs)} MACs"
    return f"{network.outlined.graph.name}: {said}" if is_named else said


def _parts(layout: Layout) -> list[dict[str, Any]]:
    """All that the page says of the parts of a drawing: first of each network as a whole, then of its frames and boxes,
    outermost first. `to` are the numbers of the boxes to which an edge leads."""
    parts: list[dict[str, Any]] = []
    for number, placed in enumerate(layout.networks):
        network = placed.network
        picture = network.outlined.graph.input
        place = {PICTURE: len(parts)}
        parts.append(
            {
                **_said(number, picture.name, "input", labels.times(picture.shape)),
                "total": {"weights": network.view.parameters, "macs": network.view.macs},
                "name": network.outlined.graph.name,
            }
        )
        all_drawn: list[Frame | Box] = [*placed.canvas.frames, *placed.canvas.boxes]
        for drawn in all_drawn:
            if isinstance(drawn, Box):
                place[drawn.view.part.start] = len(parts)
            sides = [drawn.sides.left, drawn.sides.top, drawn.sides.width, drawn.sides.height]
            mark = network.mark(drawn.view.part) or ""
            parts.append({**_part(number, drawn.view), "box": [round(side, 1) for side in sides], "mark": mark})
        for source, target in links(network.outlined, network.view):
            parts[place[source]]["to"].append(place[target])
    return parts


def _said(network: int, path: str, what: str, shape: str) -> dict[str, Any]:
    return {"id": f"{network}:{path}", "network": network, "path": path, "what": what, "shape": shape, "to": []}


def _part(network: int, view: View) -> dict[str, Any]:
    part = view.part
    first, last = view.copies[0], view.copies[-1].rpartition(".")[2]
    what = ", ".join(map(labels.title_of, part.ops)) or counted(part.stop - part.start, "operation")
    return {
        **_said(network, part.path, what, labels.times(part.shape)),
        "path": first if view.times == 1 else f"{first} to {last}",
        "takes": labels.times(part.shape_in),
        "weights": view.parameters,
        "macs": view.macs,
        "bytes": view.memory,
        "field": labels.times(part.field),
        "stride": "" if part.stride is None else labels.amount(part.stride),
        "copies": view.times,
    }

"""A chart as an element of an HTML page."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from html import escape

import matplotlib
from matplotlib.figure import Figure

from archspec import palette
from builder.charts.style import STYLE


def svg(figure: Figure, name: str, natural_width: float | None = None, marks: Mapping[str, str] | None = None) -> str:
    """A figure as an SVG element whose text is text and whose colours are those of the page, light or dark.

    Args:
        figure: made in the colours of `palette.LIGHT`; other colours stay as they are.
        name: what its ids begin with, which no other figure of the page has.
        natural_width: inches up to which the element shrinks with the page; a wider figure is scrolled, so that its
            text stays readable. None shrinks any.
        marks: texts to show at parts of the figure, by the gid of their artists, or by what stands before a colon in
            it, where several artists belong to one mark; see `builder.charts.hover`.

    Returns:
        The element; the same figure gives the same bytes.
    """
    text = io.StringIO()
    with matplotlib.rc_context({**STYLE, "svg.hashsalt": name}):
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    element = text.getvalue()
    element = element[element.index("<svg") :]
    element = re.sub(r'\bid="', f'id="{name}-', element)
    element = re.sub(r'href="#', f'href="#{name}-', element)
    element = re.sub(r"url\(#", f"url(#{name}-", element)
    element = element.replace("<svg", '<svg fill="var(--ink)"', 1)  # of text, which has no colour of its own if black
    if marks:
        element = re.sub(rf'<g id="{name}-([^":]+)(:[^"]*)?">', lambda found: _mark(found, marks), element)
    share = figure.get_figwidth() / natural_width if natural_width else 1
    if share > 1:
        element = element.replace("<svg", f'<svg style="min-width: {100 * share:.0f}%"', 1)
    return palette.themed(element)


def _mark(found: re.Match[str], marks: Mapping[str, str]) -> str:
    """The beginning of an artist's element, with the text of its mark, if it has one."""
    group, mark = found[0], found[1]
    if mark not in marks:
        return group
    return f'{group[:-1]} class="mark" data-mark="{escape(mark)}"><title>{escape(marks[mark])}</title>'

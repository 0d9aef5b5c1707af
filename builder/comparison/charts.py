"""The charts of a comparison as figures: one by itself for a page, or several with a legend for a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from archspec import tables
from builder.charts.labels import label_points
from builder.charts.style import STYLE
from builder.comparison.costs import draw_cost
from builder.comparison.curves import CURVES, draw_curves
from builder.comparison.groups import Task
from builder.comparison.looks import Look
from builder.comparison.text import ranked

LONGEST = 48
"""The characters of a group's name in a legend."""
SHORT = 52
"""How many characters of a legend there is room for below one chart."""
PANEL = (4.6, 3.1)
"""Inches of one chart, whose text is legible when it is as wide as a telephone's screen."""
DPI = 160
"""The resolution of those parts of a chart on a page that are an image."""
MOST_POINTS = 8000
"""With more points, the lines of a chart on a page are an image, so that the page stays small."""


def panel(task: Task, which: str, look: Mapping[str, Look]) -> Figure:
    """One chart by itself, for a page."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(PANEL, layout="constrained", dpi=DPI)
        _draw(figure, [figure.subplots()], task, [which], look)
        if which in CURVES and sum(len(one.rows) for one in task.records) > MOST_POINTS:
            for line in figure.axes[0].lines:
                line.set_rasterized(True)
        return figure


def sheet(task: Task, which: Sequence[str], look: Mapping[str, Look], names: Mapping[str, str]) -> Figure:
    """Charts beside each other with a legend below, for a file."""
    columns = 3 if len(which) == 3 else min(2, len(which))
    rows = -(-len(which) // columns)
    with matplotlib.rc_context(STYLE):
        shown = [group for group in ranked(task.groups) if not look[group.letter].is_grey]
        labels = {group.letter: f"{group.letter}  {tables.shortened(names[group.letter], LONGEST)}" for group in shown}
        beside = columns * max(1, SHORT // max(map(len, labels.values()), default=1))
        legend = 0.24 * -(-len(shown) // beside)
        figure = Figure((PANEL[0] * columns, PANEL[1] * rows + legend), layout="constrained")
        panels = list(figure.subplots(rows, columns, squeeze=False).flat)
        for axes in panels[len(which) :]:
            axes.set_axis_off()
        with_markers = not set(which) <= CURVES.keys()
        order = [group.letter for column in range(beside) for group in shown[column::beside]]  # it fills columns
        lines = [_sample_line(look[letter], with_markers) for letter in order]
        figure.legend(lines, [labels[letter] for letter in order], loc="outside lower left", ncols=beside, fontsize=9)
        _draw(figure, panels, task, which, look)
        return figure


def write_png(figure: Figure, path: str) -> None:
    """Writes a figure as PNG, without the date, so that the same figure gives the same file."""
    with matplotlib.rc_context(STYLE):
        FigureCanvasAgg(figure).print_png(path, metadata={"Software": None})


def _sample_line(look: Look, with_marker: bool) -> Line2D:
    if with_marker:
        return Line2D([], [], color=look.color, linestyle="none", marker=look.marker, markersize=6)
    return Line2D([], [], color=look.color, linestyle=look.dash, linewidth=1.9)


def _draw(figure: Figure, panels: Sequence[Axes], task: Task, which: Sequence[str], look: Mapping[str, Look]) -> None:
    """Draws charts, and letters at the points of those that have some, as many as there is room for."""
    points = {}
    for axes, one in zip(panels, which, strict=False):
        if one in CURVES:
            draw_curves(axes, task, one, look)
        else:
            points[axes] = draw_cost(axes, task, one, look)
    if points and len(task.groups) > 1:
        figure.draw_without_rendering()  # so that the charts have their final places
        for axes, found in points.items():
            named = sorted(found, key=lambda letter: look[letter].is_grey)  # stable: the best are still first
            texts = [letter for letter in named if not look[letter].is_grey]
            label_points(axes, [found[letter] for letter in named], texts)

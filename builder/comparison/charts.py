"""The charts of a comparison as figures: one by itself for a page, or several with a legend for a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from archspec import tables
from builder.charts.style import STYLE
from builder.comparison.costs import draw_cost
from builder.comparison.curves import CURVES, draw_curves
from builder.comparison.groups import Task
from builder.comparison.looks import Look
from builder.comparison.text import ranked

PANEL = (4.6, 3.1)
"""Inches of one chart, whose text is legible when it is as wide as a telephone's screen."""
MOST_POINTS = 8000
"""With more points, the lines of a chart on a page are an image, so that the page stays small."""


def panel(task: Task, which: str, look: Mapping[str, Look]) -> Figure:
    """One chart by itself, for a page."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(PANEL, layout="constrained")
        _draw(figure.subplots(), task, which, look)
        if _points(task) > MOST_POINTS:
            for line in figure.axes[0].lines:
                line.set_rasterized(True)
        return figure


def sheet(task: Task, which: Sequence[str], look: Mapping[str, Look], names: Mapping[str, str]) -> Figure:
    """Charts beside each other with a legend below, for a file."""
    columns = 3 if len(which) == 3 else min(2, len(which))
    rows = -(-len(which) // columns)
    with matplotlib.rc_context(STYLE):
        shown = [group for group in ranked(task.groups) if not look[group.letter].is_grey]
        legend = 0.24 * -(-len(shown) // columns)
        figure = Figure((PANEL[0] * columns, PANEL[1] * rows + legend), layout="constrained")
        panels = list(figure.subplots(rows, columns, squeeze=False).flat)
        for axes, one in zip(panels, which, strict=False):
            _draw(axes, task, one, look)
        for axes in panels[len(which) :]:
            axes.set_axis_off()
        with_markers = not set(which) <= CURVES.keys()
        shown = [group for column in range(columns) for group in shown[column::columns]]  # Matplotlib fills columns
        lines = [_sample_line(look[group.letter], with_markers) for group in shown]
        labels = [f"{group.letter}  {tables.shortened(names[group.letter], 48)}" for group in shown]
        figure.legend(lines, labels, loc="outside lower left", ncols=columns, fontsize=9)
        return figure


def write_png(figure: Figure, path: str) -> None:
    """Writes a figure as PNG, without the date, so that the same figure gives the same file."""
    with matplotlib.rc_context(STYLE):
        FigureCanvasAgg(figure).print_png(path, metadata={"Software": None})


def _sample_line(look: Look, with_marker: bool) -> Line2D:
    if with_marker:
        return Line2D([], [], color=look.color, linestyle="none", marker=look.marker, markersize=6)
    return Line2D([], [], color=look.color, linestyle=look.dash, linewidth=1.9)


def _draw(axes: Axes, task: Task, which: str, look: Mapping[str, Look]) -> None:
    (draw_curves if which in CURVES else draw_cost)(axes, task, which, look)


def _points(task: Task) -> int:
    return sum(len(one.rows) for one in task.records)

"""The figures of a search: the values of its trials, Pareto fronts, learning curves, times, and what matters."""

from __future__ import annotations

import matplotlib
from matplotlib.figure import Figure

from archspec.palette import LIGHT
from builder.charts.style import STYLE
from builder.sweep.report.importance import FEWEST, importance
from builder.sweep.report.learning_curves import learning_curves
from builder.sweep.report.marks import WIDTH
from builder.sweep.report.parallel import parallel_coordinates
from builder.sweep.report.pareto import pareto
from builder.sweep.report.times import times
from builder.sweep.results import Results


def figures(results: Results) -> dict[str, Figure]:
    """Draws the figures; returns them by name, none if no trial has finished. They are saved in the style of charts
    too, as fonts are found then."""
    if not results.finished():
        return {}
    with matplotlib.rc_context(STYLE):
        drawn = {
            "parallel_coordinates": parallel_coordinates(results),
            "pareto": pareto(results),
            "learning_curves": learning_curves(results),
            "times": times(results),
        }
        if len(results.finished()) >= FEWEST:
            drawn["importance"] = importances(results)
    return drawn


def importances(results: Results) -> Figure:
    """Draws how much of the objective's variation each name of the space explains by itself."""
    shares = importance(results)
    ordered = sorted(shares.items(), key=lambda pair: pair[1])
    figure = Figure((WIDTH, 1.2 + 0.36 * len(ordered)), layout="constrained")
    axes = figure.subplots()
    names, values = [name for name, _ in ordered], [100 * share for _, share in ordered]
    bars = axes.barh(names, values, color=LIGHT["series1"], height=0.6)
    axes.bar_label(bars, fmt="%.0f %%", padding=4, fontsize=9)
    axes.set_xlim(0, max(100 * share for share in shares.values()) * 1.15 + 1)
    axes.set_xlabel(f"share of the variation of {results.search.objective.name} over the trials, %")
    axes.grid(axis="y", visible=False)
    return figure

"""How long each trial of a search took."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure

from archspec.palette import LIGHT
from builder.charts.scales import linear_scale, linear_ticks
from builder.sweep.report.marks import WIDTH, gid, time_unit
from builder.sweep.results import Results


def times(results: Results) -> Figure:
    """Draws a bar for each trial in the order of their numbers: the time of training and validation, and the rest of
    its processes' time, in which they start and compile. A cross marks those that failed."""
    figure = Figure((WIDTH, 2.7), layout="constrained")
    axes = figure.subplots()
    begun = [one for one in results.outcomes if one.executions]
    unit, unit_name = time_unit(max(sum(part.wall_seconds for part in one.executions) for one in begun))
    highest = 0.0
    for one in begun:
        at = int(one.trial.id)
        training = sum(part.seconds for part in one.executions) / unit
        whole = max(sum(part.wall_seconds for part in one.executions) / unit, training)
        highest = max(highest, whole)
        style: dict[str, Any] = {"width": 0.75, "linewidth": 0}
        (bar,) = axes.bar(at, training, color=LIGHT["series1"], label="training and validation", **style)
        bar.set_gid(gid(one, "training"))
        rest: dict[str, Any] = {
            "bottom": training,
            "color": LIGHT["series7"],
            "alpha": 0.45,
            "label": "start, compilation and the rest",
        }
        (bar,) = axes.bar(at, whole - training, **rest, **style)
        bar.set_gid(gid(one, "rest"))
        if one.has_failed:
            axes.plot(at, whole, "x", color=LIGHT["removed"], markersize=6, label="failed", clip_on=False)
    last = max((int(one.trial.id) for one in begun), default=1)
    linear_scale(axes, [highest])
    axes.set(xlim=(0.3, last + 0.7), xlabel="trial", ylabel=f"time, {unit_name}")
    axes.set_xticks([tick for tick in linear_ticks(1, last, 20, is_count=True) if tick >= 1])
    axes.grid(axis="x", visible=False)
    shown = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    figure.legend(list(shown.values()), list(shown), ncols=3, fontsize=9, loc="outside upper right")
    return figure

"""The learning curves of all trials of a search."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from archspec.palette import LIGHT, SERIES
from builder.charts.scales import linear_ticks, tick_texts
from builder.runs import names
from builder.runs.metrics import read_metrics
from builder.sweep.report.marks import WIDTH, gid, number
from builder.sweep.results import Outcome, Results, cost

COLORED = len(SERIES)
"""How many learning curves, those of the best trials, are in colour."""
MARKED = 30
"""Up to this many epochs, those of the best trials have marks; an only one always has."""
LATE = 0.5
"""The share of the epochs after which the values decide the limits of the axis, but for the WORST of them."""
WORST = 0.03
SQUEEZED = 1.5
"""How many times the late values' range all values may take before the others are cut off."""


def learning_curves(results: Results) -> Figure:
    """Draws the objective over the epochs; the validation accuracy if the objective is not a metric of epochs."""
    figure = Figure((WIDTH, 4.2), layout="constrained")
    axes = figure.subplots()
    ranked = sorted(results.finished(), key=lambda one: cost(one.objective, one.direction))
    name, curves, last = "val_accuracy", [], 1
    for rank, one in reversed(list(enumerate(ranked))):
        rows = _metrics(results, one)
        if not rows:
            continue
        if results.search.objective.name in rows[0]:
            name = results.search.objective.name
        epochs, values = [row["epoch"] for row in rows], [row[name] for row in rows]
        curves.append(values)
        last = max(last, len(rows))
        label = f"{number(one)}: {one.objective:.4g}" if rank < COLORED else None
        color, width, order = (SERIES[rank], 1.7, 3) if rank < COLORED else (LIGHT["muted"], 0.8, 2)
        axes.plot(
            epochs,
            values,
            "--" if COLORED // 2 <= rank < COLORED else "-",
            label=label,
            marker="o" if len(rows) <= (MARKED if rank < COLORED else 1) else None,
            markersize=3,
            color=color,
            alpha=1 if rank < COLORED else 0.5,
            linewidth=width,
            zorder=order,
            gid=gid(one),
        )
    note = _limit(axes, curves, falls=name.endswith("loss"))
    axes.set(xlabel="epoch", ylabel=name, xlim=(0, last * 1.02), title=note)
    axes.set_xticks(linear_ticks(0, last, 10, is_count=True))
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        figure.legend(handles[::-1], labels[::-1], title="best trials", fontsize=9, loc="outside right upper")
    return figure


def _limit(axes: Axes, curves: Sequence[Sequence[float]], falls: bool) -> str:
    """Gives the y axis limits that show the late epochs; returns a note if other values lie outside.

    Args:
        axes: the panel.
        curves: the values of each trial.
        falls: whether lower values are better.
    """
    every = sorted(value for curve in curves for value in curve)
    late = sorted(value for curve in curves for value in curve[int(LATE * len(curve)) :])
    if not every:
        return ""
    worst = int(WORST * len(late))
    low, high = (every[0], late[-1 - worst]) if falls else (late[worst], every[-1])
    is_cut = every[-1] - every[0] > SQUEEZED * (high - low) > 0
    if not is_cut:
        low, high = every[0], every[-1]
    room = 0.06 * ((high - low) or abs(high) or 1.0)
    axes.set_ylim(low - room, high + room)
    ticks = linear_ticks(low - room, high + room, 8)
    axes.set_yticks(ticks, tick_texts(ticks))
    if not is_cut:
        return ""
    if falls:
        return f"{sum(value > high + room for value in every):,} values lie above, up to {every[-1]:.4g}"
    return f"{sum(value < low - room for value in every):,} values lie below, down to {every[0]:.4g}"


def _metrics(results: Results, one: Outcome) -> list[dict[str, float]]:
    """The metrics of the epochs of a trial; none if its run was moved away or is being written."""
    path = results.files.run(one.trial, one.execution.number) / names.METRICS
    try:
        rows = read_metrics(path)
    except (OSError, ValueError):
        return []
    return [row for row in rows if row["epoch"] <= one.execution.epochs]

"""The figures of a search: the values of its trials, Pareto fronts, learning curves, and the importance of values."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import matplotlib
import matplotlib.axes
import matplotlib.figure
import matplotlib.ticker
from matplotlib.figure import Figure

from archspec import tables
from archspec.search import Dimension
from archspec.search.domains import Range, short
from archspec.wording import counted
from builder.runs import names
from builder.runs.metrics import read_metrics
from builder.sweep.report.importance import FEWEST, importance, position
from builder.sweep.results import Outcome, Results, cost

WIDTH = 10.0
AXIS_WIDTH = 1.45
"""Inches between neighbouring axes, enough for their labels."""
COLORED = 8
"""How many learning curves, those of the best trials, are in colour."""
GREY = "0.75"
ACCENT = "#D55E00"
COLORS = ("#0072B2", ACCENT, "#009E73", "#CC79A7", "#000000", "#E69F00", "#56B4E9", "#882255")
"""Colours that colour-blind people can tell apart (Okabe and Ito 2008); half of the lines are also dashed."""
FEW = 8
"""If a name has at most this many values, all of them are written at its axis."""
UNSET = -0.12
"""Where a line crosses an axis whose name is not set in that trial."""


def figures(results: Results) -> dict[str, Figure]:
    """Draws the figures; returns them by name, none if no trial has finished."""
    if not results.finished():
        return {}
    drawn = {
        "parallel_coordinates": parallel_coordinates(results),
        "pareto": pareto(results),
        "learning_curves": learning_curves(results),
    }
    if len(results.finished()) >= FEWEST:
        drawn["importance"] = importances(results)
    return drawn


def _figure(height: float, width: float = WIDTH) -> Figure:
    return Figure(figsize=(width, height), layout="constrained")


def _colors(results: Results) -> Callable[[Outcome], Any]:
    """A function that gives each finished trial its colour, from pale for the worst objective to dark for the best."""
    values = [one.objective for one in results.finished()]
    low, high = min(values), max(values)
    sign = 1 if results.search.objective.direction == "max" else -1
    colormap = matplotlib.colormaps["viridis_r"]

    def color(one: Outcome) -> Any:
        share = (one.objective - low) / (high - low) if high > low else 1.0
        return colormap(0.1 + 0.9 * (share if sign > 0 else 1 - share))

    return color


def parallel_coordinates(results: Results) -> Figure:
    """Draws a line for each trial through its values, its trainable parameters and its objective."""
    search = results.search
    dimensions = search.space.dimensions
    figure = _figure(4.6, max(WIDTH, AXIS_WIDTH * (len(dimensions) + 2)))
    axes = figure.subplots()
    finished = sorted(results.finished(), key=lambda one: cost(one.objective, one.direction), reverse=True)
    sizes = [math.log10(max(one.trial.trainable_parameters, 1)) for one in finished]
    objectives = [one.objective for one in finished]
    color, best = _colors(results), results.best
    for one in finished:
        places = [UNSET if (at := position(dimension, one.trial.values)) is None else at for dimension in dimensions]
        places.append(_share(math.log10(max(one.trial.trainable_parameters, 1)), sizes))
        places.append(_share(one.objective, objectives))
        is_best = best is not None and one.trial.id == best.trial.id
        style = {"color": ACCENT, "linewidth": 2.6, "zorder": 3} if is_best else {"color": color(one), "linewidth": 1.2}
        axes.plot(range(len(places)), places, alpha=1.0 if is_best else 0.75, **style)
    for index, dimension in enumerate(dimensions):
        _ticks(axes, index, [(at, label) for at, label in _labels(dimension)])
    last = len(dimensions)
    _ticks(axes, last, [(_share(s, sizes), f"{10**s:,.0f}") for s in (min(sizes), max(sizes))])
    _ticks(axes, last + 1, [(_share(v, objectives), f"{v:.4g}") for v in (min(objectives), max(objectives))])
    names = [_name(dimension.name) for dimension in dimensions] + ["trainable\nparameters", search.objective.name]
    axes.set_xticks(range(len(names)), names)
    axes.tick_params(axis="x", length=0, pad=8, labelsize=9.5)
    axes.set_yticks([])
    axes.set_xlim(-0.35, last + 1.45)
    axes.set_ylim(-0.18 if any(d.when for d in dimensions) else -0.06, 1.06)
    axes.spines[:].set_visible(False)
    axes.set_title(
        f"{counted(len(finished), 'trial')}; the darker the better, the best in orange", loc="left", fontsize=11
    )
    return figure


def _share(value: float, values: list[float]) -> float:
    low, high = min(values), max(values)
    return (value - low) / (high - low) if high > low else 0.5


def _labels(one: Dimension) -> list[tuple[float, str]]:
    """The labels of an axis with their heights: all values if they are few, otherwise both ends."""
    domain = one.domain
    if isinstance(domain, Range) and (domain.continuous or domain.points > FEW):
        points = [domain.low, domain.high]
    else:
        points = list(domain.values()) if domain.points <= FEW else [domain.point(0), domain.point(domain.points - 1)]
    labels = [(position(one, {one.name: point}) or 0.0, _clipped(short(point))) for point in points]
    return [*labels, (UNSET, "not set")] if one.when else labels


def _clipped(text: str) -> str:
    return text if len(text) <= 18 else f"{text[:17]}…"


def _name(name: str) -> str:
    """The last two parts of a path, one above the other, so that neighbours do not touch."""
    return "\n".join(_clipped(part) for part in name.split(".")[-2:])


def _ticks(axes: matplotlib.axes.Axes, x: int, labels: list[tuple[float, str]]) -> None:
    axes.axvline(x, color="0.3", linewidth=0.8, zorder=2)
    for y, text in dict.fromkeys(labels):
        axes.text(
            x + 0.03, y, text, va="center", ha="left", fontsize=8, zorder=4,
            bbox={"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 0.8},
        )  # fmt: skip


def pareto(results: Results) -> Figure:
    """Draws the objective against trainable parameters and MACs, with the Pareto fronts."""
    figure = _figure(4.2)
    left, right = figure.subplots(1, 2, sharey=True)
    name = results.search.objective.name
    for axes, size, label in ((left, "trainable_parameters", "trainable parameters"), (right, "macs", "MACs")):
        finished, front = results.finished(), results.fronts()[size]
        x = [getattr(one.trial, size) for one in finished]
        axes.scatter(x, [one.objective for one in finished], s=22, color=GREY, label="trials", zorder=2)
        front_x = [getattr(one.trial, size) for one in front]
        front_y = [one.objective for one in front]
        axes.step(front_x, front_y, where="post", color=ACCENT, linewidth=1.2, zorder=3)
        axes.scatter(front_x, front_y, s=30, color=ACCENT, label="Pareto front", zorder=4)
        limit = getattr(results.search.budget, size)
        if limit is not None:
            axes.axvline(limit, color="0.4", linestyle=":", linewidth=1.2, label="budget")
        axes.set_xscale("log" if max(x) > 20 * max(min(x), 1) else "linear")
        axes.set_xlabel(label)
        axes.xaxis.set_major_formatter(lambda value, _: tables.compact(value, exact=True))
        axes.xaxis.set_minor_formatter(matplotlib.ticker.NullFormatter())
        axes.grid(alpha=0.25)
    left.set_ylabel(name)
    left.legend(fontsize=9, loc="lower right", edgecolor="none", framealpha=0.9)
    return figure


def learning_curves(results: Results) -> Figure:
    """Draws the objective over the epochs; the validation accuracy if the objective is not a metric of epochs."""
    figure = _figure(4.2)
    axes = figure.subplots()
    ranked = sorted(results.finished(), key=lambda one: cost(one.objective, one.direction))
    name = "val_accuracy"
    for rank, one in reversed(list(enumerate(ranked))):
        rows = _metrics(results, one)
        if not rows:
            continue
        if results.search.objective.name in rows[0]:
            name = results.search.objective.name
        epochs, values = [row["epoch"] for row in rows], [row[name] for row in rows]
        label = f"{one.trial.id}  {one.objective:.4g}" if rank < COLORED else None
        marker = "." if len(rows) < 30 else None
        color, width, order = (COLORS[rank], 1.6, 3) if rank < COLORED else (GREY, 0.8, 2)
        line = "--" if COLORED // 2 <= rank < COLORED else "-"
        axes.plot(epochs, values, line, label=label, marker=marker, color=color, linewidth=width, zorder=order)
    axes.set_xlabel("epoch")
    axes.set_ylabel(name)
    axes.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(integer=True))
    axes.grid(alpha=0.25)
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        figure.legend(
            handles[::-1], labels[::-1], title="best trials", frameon=False, fontsize=9, loc="outside right upper"
        )
    return figure


def _metrics(results: Results, one: Outcome) -> list[dict[str, float]]:
    """The metrics of the epochs of a trial; none if its run was moved away or is being written."""
    path = results.files.run(one.trial, one.execution.number) / names.METRICS
    try:
        rows = read_metrics(path)
    except (OSError, ValueError):
        return []
    return [row for row in rows if row["epoch"] <= one.execution.epochs]


def importances(results: Results) -> Figure:
    """Draws how much of the objective's variation each name of the space explains by itself."""
    shares = importance(results)
    ordered = sorted(shares.items(), key=lambda pair: pair[1])
    figure = _figure(1.2 + 0.42 * len(ordered))
    axes = figure.subplots()
    bars = axes.barh([name for name, _ in ordered], [100 * share for _, share in ordered], color=COLORS[0], height=0.6)
    axes.bar_label(bars, fmt="%.0f %%", padding=4, fontsize=9)
    axes.set_xlim(0, max(100 * share for share in shares.values()) * 1.15 + 1)
    axes.set_xlabel(f"share of the variation of {results.search.objective.name} over the trials, %")
    axes.spines[["top", "right"]].set_visible(False)
    return figure

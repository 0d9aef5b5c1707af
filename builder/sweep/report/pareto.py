"""The objective of each trial against what it costs, with the Pareto fronts."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from archspec import tables
from archspec.palette import LIGHT
from builder.charts.labels import label_points
from builder.charts.scales import linear_ticks, log_ticks
from builder.sweep.report.marks import WIDTH, gid, number, seconds, time_unit
from builder.sweep.results import Outcome, Results, cost

MOST_LABELS = 150
"""How many trials get their numbers at most, those of the front among them."""
SPAN = 20
"""From this ratio between the highest and the lowest cost on, they have a logarithmic axis."""
TICKS = 5
MARGINS = {"left": 0.075, "right": 0.985, "bottom": 0.12, "top": 0.86, "wspace": 0.07}


class Cost(NamedTuple):
    """What a trial costs: its name, its value, and the limit that the budget sets."""

    name: str
    of: Callable[[Outcome], float]
    limit: float | None = None


def pareto(results: Results) -> Figure:
    """Draws the objective against trainable parameters, MACs and the time of training. The numbers at points are those
    of trials: of the fronts, and of others where there is room."""
    budget, finished = results.search.budget, results.finished()
    unit, unit_name = time_unit(max(seconds(results, one) for one in finished))
    costs = [
        Cost("trainable parameters", lambda one: one.trial.trainable_parameters, budget.trainable_parameters),
        Cost("MACs", lambda one: one.trial.macs, budget.macs),
        Cost(f"time of training, {unit_name}", lambda one: seconds(results, one) / unit),
    ]
    figure = Figure((WIDTH, 4.3))
    panels = figure.subplots(1, 3, sharey=True, gridspec_kw=MARGINS)
    objectives = [one.objective for one in finished]
    room = 0.09 * ((max(objectives) - min(objectives)) or abs(max(objectives)) or 1.0)
    panels[0].set_ylim(min(objectives) - room, max(objectives) + room)
    panels[0].set_ylabel(results.search.objective.name)
    is_complete = [_draw(axes, results, one) for axes, one in zip(panels, costs, strict=True)]
    where = "" if all(is_complete) else ", where there is room for them"
    panels[0].set_title(f"The numbers are those of trials{where}", fontsize=9.5, color=LIGHT["muted"])
    place: dict[str, Any] = {"loc": "center right", "bbox_to_anchor": (MARGINS["right"], 0.95), "borderaxespad": 0}
    handles, labels = panels[0].get_legend_handles_labels()
    for axes in panels[1:]:
        more = zip(*axes.get_legend_handles_labels(), strict=True)
        for handle, label in more:
            if label not in labels:
                handles, labels = [*handles, handle], [*labels, label]
    figure.legend(handles, labels, ncols=3, fontsize=9, **place)
    return figure


def _draw(axes: Axes, results: Results, against: Cost) -> bool:
    """Draws a panel; returns whether each trial has its number."""
    front = results.front(against.of)
    on_front = {one.trial.id for one in front}
    others = [one for one in results.finished() if one.trial.id not in on_front]
    ranked = [*front, *sorted(others, key=lambda one: cost(one.objective, one.direction))]
    points = [(max(against.of(one), 1e-3), one.objective) for one in ranked]
    x = [place for place, _ in points]
    _scale(axes, x, against)
    axes.plot(*zip(*_corners(points[: len(front)]), strict=True), color=LIGHT["accent"], linewidth=1.2)
    for order, (one, point) in enumerate(zip(ranked, points, strict=True)):
        style: dict[str, Any] = {"marker": "D", "markersize": 5, "color": LIGHT["accent"], "zorder": 4}
        if order >= len(front):
            style = {"marker": "o", "markersize": 5, "color": LIGHT["series5"], "alpha": 0.5, "zorder": 3}
        is_first = order in (0, len(front))
        label = None if not is_first else "Pareto front" if order < len(front) else "other trials"
        axes.plot(
            *point,
            linestyle="",
            markeredgewidth=0,
            gid=gid(one, against.name.split(",")[0].replace(" ", "-")),
            label=label,
            **style,
        )
    if against.limit is not None:
        axes.axvline(against.limit, color=LIGHT["muted"], linestyle=":", linewidth=1.4, label="budget")
    numbers = [number(one) for one in ranked[:MOST_LABELS]]
    is_below = results.search.objective.direction == "min"
    placed = label_points(axes, points, numbers, is_below, _corners(points[: len(front)]))
    return len(placed) == len(ranked)


def _corners(front: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """The corners of the line through a front, the smallest first: each objective holds until the next is reached."""
    steps = [[(x, before), (x, y)] for (_, before), (x, y) in itertools.pairwise(front)]
    return [*front[:1], *itertools.chain.from_iterable(steps)]


def _scale(axes: Axes, values: list[float], against: Cost) -> None:
    """Gives the x axis its scale, limits and ticks."""
    shown = [*values, against.limit] if against.limit is not None and against.limit < 3 * max(values) else values
    low, high = min(shown), max(shown)
    if high > SPAN * low:
        room = (high / low) ** 0.08
        axes.set_xscale("log")
        axes.set_xlim(low / room, high * room)
        ticks = log_ticks(low / room, high * room, TICKS)
    else:
        room = 0.09 * ((high - low) or high)
        axes.set_xlim(low - room, high + room)
        ticks = linear_ticks(max(low - room, 0.0), high + room, TICKS)
    axes.set_xticks(ticks, [tables.compact(tick, exact=True) for tick in ticks])
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel(against.name)

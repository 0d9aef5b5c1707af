"""What groups of runs reached against what it costs: parameters, work, training time and latency."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.axes import Axes

from builder.comparison.axes import readable
from builder.comparison.groups import Task, Value
from builder.comparison.looks import PALE, Ids, Look
from builder.comparison.text import ranked

COSTS: Mapping[str, tuple[str, Value]] = {
    "parameters": ("parameters", lambda one: one.parameters),
    "macs": ("MACs for one picture", lambda one: one.macs),
    "seconds": ("seconds of training", lambda one: one.seconds),
    "latency": ("milliseconds for one picture", lambda one: one.latency.milliseconds if one.latency else None),
}
"""For each chart of costs: the label of its axis, and a run's value."""


def costs_of(task: Task) -> list[str]:
    """The charts of costs that have something to show: groups that differ in the cost, measured in the same way."""
    found = []
    for name, (_, value) in COSTS.items():
        means = [mean.mean for group in task.groups if group.error and (mean := group.sample(value)) is not None]
        ways = {(one.latency.by, one.latency.machine) for one in task.records if one.latency}
        if len({float(f"{mean:.4g}") for mean in means}) > 1 and (name != "latency" or len(ways) == 1):
            found.append(name)
    return found


def draw_cost(axes: Axes, task: Task, which: str, look: Mapping[str, Look]) -> dict[str, tuple[float, float]]:
    """Draws each group's error against a cost, with bars of the standard deviation over its seeds.

    Returns:
        The points by the groups' letters, the lowest error first, for labels when the chart has its final place.
    """
    label, value = COSTS[which]
    points: dict[str, tuple[float, float]] = {}
    errors: list[float] = []
    for group in ranked(task.groups):
        cost, error, mine, gid = group.sample(value), group.error, look[group.letter], Ids(group.letter)
        if cost is None or error is None:
            continue
        y = 100 * error.mean
        bar = 100 * error.deviation if error.deviation is not None else None
        points[group.letter] = cost.mean, y
        errors += [y - (bar or 0.0), y, y + (bar or 0.0)]
        container = axes.errorbar(
            cost.mean,
            y,
            yerr=bar,
            fmt=mine.marker,
            color=mine.color,
            markersize=6,
            capsize=3,
            elinewidth=1.2,
            alpha=PALE if mine.is_grey else 1.0,
        )
        for part in container.get_children():
            part.set_gid(next(gid))
            part.set_rasterized(mine.is_grey)
    axes.set_title("validation error, %")
    axes.set_xlabel(label)
    readable(axes, "x", [x for x, _ in points.values()])
    readable(axes, "y", [value for value in errors if value >= 0])
    return points

"""The learning curves of all groups of runs together."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from builder.comparison.axes import ROUND, readable
from builder.comparison.groups import Task, ranked
from builder.comparison.looks import LETTERED, PALE, Ids, Look
from builder.comparison.record import TRAINING, Record

EMPHASISED = 8
"""How many groups have strong lines, those with the lowest errors."""
WITH_TRAINING = 6
"""Up to so many groups have their training curves in the chart too."""
Measure = tuple[str, str, str, Callable[[float], float]]
CURVES: Mapping[str, Measure] = {
    "error": ("validation error, %", "val_accuracy", "accuracy", lambda value: 100 * (1 - value)),
    "loss": ("validation loss", "val_loss", "loss", lambda value: value),
}
"""For each chart: its title, the columns on validation and training pictures, and what is drawn of a value."""


def draw_curves(axes: Axes, task: Task, which: str, look: Mapping[str, Look]) -> None:
    """Draws the learning curves of a task's groups: the mean over seeds, with a band from the lowest to the highest.

    The band is not one of standard deviations, whose lower end may be below zero, where a logarithmic axis has nothing.
    """
    title, column, training, shown = CURVES[which]
    floor = _floor(task) if which == "error" else 0.0
    reach: list[float] = []
    ends: list[tuple[str, float]] = []
    drawn = [group for group in task.groups if any(one.rows for one in group.records)]
    for order, group in enumerate(reversed(ranked(drawn))):
        mine, gid = look[group.letter], Ids(group.letter)
        style = {"color": mine.color, "linestyle": mine.dash, "zorder": 2 + order / 100}
        if len(drawn) <= WITH_TRAINING:
            mean = _of_seeds(group.curves(training), shown, floor).mean(0)
            axes.plot(_epochs(mean), mean, **{**style, "linestyle": "solid"}, linewidth=0.7, alpha=0.55, gid=next(gid))
        curves = group.curves(column)
        seeds = _of_seeds(curves, shown, floor)
        mean = seeds.mean(0)
        if len(seeds) > 1 and len(mean):
            low, high = seeds.min(0), seeds.max(0)
            axes.fill_between(_epochs(mean), low, high, color=mine.color, alpha=0.16, linewidth=0)
            reach += [*low, *high]
        is_pale = len(drawn) - order > EMPHASISED or mine.is_grey
        weight: dict[str, Any] = {"linewidth": 1.9 if len(drawn) < EMPHASISED else 1.6}
        if is_pale:
            weight = {"linewidth": 0.9, "alpha": PALE if mine.is_grey else 0.7, "rasterized": mine.is_grey}
        axes.plot(_epochs(mean), mean, **style, **weight, gid=next(gid), marker=_dot(mean), markersize=4)
        for rest in (curve for curve in curves if len(curve) > len(mean)):
            longer = _shown(rest[len(mean) - 1 :], shown, floor)
            axes.plot(np.arange(len(mean), len(rest) + 1), longer, **style, linewidth=0.8, gid=next(gid))
        for one in group.records:
            if one.is_complete or not one.rows:
                continue
            values = _shown([row[column] for row in one.rows], shown, floor)
            axes.plot(_epochs(values), values, **style, linewidth=0.9, alpha=0.8, gid=next(gid))
            axes.plot(len(values), values[-1], _end(one), color=mine.color, markersize=6, gid=next(gid))
            if not len(mean):
                ends.append((group.letter, float(values[-1])))
        if len(mean):
            ends.append((group.letter, float(mean[-1])))
    axes.set_title(title)
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, steps=ROUND))
    axes.set_xlim(0, max((len(one.rows) for one in task.records), default=1) * 1.02)
    values = np.concatenate([reach, *(np.asarray(line.get_ydata(), float) for line in axes.lines)])
    readable(axes, "y", values[np.isfinite(values)].tolist())
    if len(drawn) <= LETTERED and len(task.groups) > 1:
        _letter(axes, ends, look)


def _end(one: Record) -> str:
    """The mark at the end of a line that is not complete: an arrow where it grows, a cross where it ended."""
    return ">" if one.state == TRAINING else "x"


def _dot(values: np.ndarray) -> str | None:
    return "o" if len(values) == 1 else None


def _epochs(values: Sequence[float] | np.ndarray) -> np.ndarray:
    return np.arange(1, len(values) + 1)


def _shown(values: Sequence[float], shown: Callable[[float], float], floor: float) -> np.ndarray:
    return np.maximum(np.array([shown(value) for value in values]), floor)


def _of_seeds(curves: Sequence[Sequence[float]], shown: Callable[[float], float], floor: float) -> np.ndarray:
    """What is drawn of each seed, (seeds, epochs), for the epochs that all of them have; without seeds, one row of no
    epoch."""
    length = min(map(len, curves), default=0)
    return np.array([_shown(curve[:length], shown, floor) for curve in curves]).reshape(max(1, len(curves)), length)


def _floor(task: Task) -> float:
    """The error in percent as which none is drawn, as a logarithmic axis has no zero: that of half a picture."""
    pictures = max((one.run.about.validation_count for one in task.records if one.run is not None), default=0)
    return 50 / pictures if pictures else 0.01


def has_zero(task: Task) -> bool:
    """Whether an epoch without a mistake is drawn at `_floor`."""
    return any(row["val_accuracy"] == 1 for one in task.records for row in one.rows)


def _letter(axes: Axes, ends: Sequence[tuple[str, float]], look: Mapping[str, Look]) -> None:
    """Writes each group's letter at the end of its line, where they would touch one above the other."""
    low, high = axes.get_ylim()
    scale = math.log if axes.get_yscale() == "log" else float
    places = sorted(((scale(y) - scale(low)) / (scale(high) - scale(low)), letter) for letter, y in ends)
    gap, last = 0.062, -1.0
    most = 1.02 - gap * (len(places) - 1)
    for number, (place, letter) in enumerate(places):
        last = max(min(place, most + gap * number), last + gap)
        axes.text(
            1.015, last, letter, transform=axes.transAxes, va="center", color=look[letter].color, fontweight="bold"
        )


def curves_of(task: Task) -> Iterator[str]:
    """The charts of learning curves, none where no run has an epoch."""
    if any(one.rows for one in task.records):
        yield from CURVES


def about(task: Task) -> str:
    """What the lines and bands of a task's learning curves are, in sentences."""
    parts = []
    if any(len(group.curves("loss")) > 1 for group in task.groups):
        parts.append("Lines are means over seeds, and bands reach from the lowest to the highest seed.")
        lengths = ({len(curve) for curve in group.curves("loss")} for group in task.groups)
        if any(len(found) > 1 for found in lengths):
            parts.append("From where only some seeds have more epochs, each has a thin line.")
    if len(task.groups) > EMPHASISED:
        parts.append(f"Strong lines: the {EMPHASISED} groups with the lowest errors.")
    if len(task.groups) <= WITH_TRAINING:
        parts.append("Thin lines without a band: on training pictures, as they were augmented.")
    if any(one.rows and not one.is_complete for one in task.records):
        parts.append("Thin lines that end in an arrow are of runs that still train; those that end in a cross stopped.")
    if has_zero(task):
        parts.append("An epoch without a mistake is drawn as if half a picture were wrong.")
    return " ".join([*parts, "Nothing is smoothed."])

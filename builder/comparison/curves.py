"""The learning curves of all groups of runs together."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from builder.comparison.axes import ROUND, readable
from builder.comparison.groups import Task
from builder.comparison.looks import LETTERED, PALE, Ids, Look
from builder.comparison.record import TRAINING, Record
from builder.comparison.text import ranked

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
    """Draws the learning curves of a task's groups: the mean over seeds with a band of their standard deviation."""
    title, column, training, shown = CURVES[which]
    floor = _floor(task) if which == "error" else 0.0
    ends: list[tuple[str, float]] = []
    drawn = [group for group in task.groups if any(one.rows for one in group.records)]
    for order, group in enumerate(reversed(ranked(drawn))):
        mine, gid = look[group.letter], Ids(group.letter)
        style = {"color": mine.color, "linestyle": mine.dash, "zorder": 2 + order / 100}
        if len(drawn) <= WITH_TRAINING:
            mean, _ = _mean(group.curves(training), shown, floor)
            axes.plot(_epochs(mean), mean, **{**style, "linestyle": "solid"}, linewidth=0.7, alpha=0.55, gid=next(gid))
        curves = group.curves(column)
        mean, deviation = _mean(curves, shown, floor)
        if deviation is not None:
            low = np.maximum(mean - deviation, np.min(mean) / 1000)  # a logarithmic axis has no zero
            axes.fill_between(_epochs(mean), low, mean + deviation, color=mine.color, alpha=0.16, linewidth=0)
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
    values = np.concatenate([np.asarray(line.get_ydata(), float) for line in axes.lines])
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


def _mean(
    curves: Sequence[Sequence[float]], shown: Callable[[float], float], floor: float
) -> tuple[np.ndarray, np.ndarray | None]:
    """The mean over seeds and their standard deviation, for the epochs that all of them have."""
    length = min(map(len, curves), default=0)
    values = np.array([[shown(value) for value in curve[:length]] for curve in curves]).reshape(len(curves), length)
    if not length:
        return np.array([]), None
    mean = np.maximum(values.mean(0), floor)
    return mean, values.std(0, ddof=1) if len(curves) > 1 else None


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

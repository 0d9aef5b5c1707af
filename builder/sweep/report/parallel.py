"""Parallel coordinates: a line for each trial of a search through its values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from archspec import tables
from archspec.palette import LIGHT, SHADES
from archspec.search import Dimension
from archspec.search.domains import Range, short
from archspec.wording import counted
from builder.sweep.report.importance import position
from builder.sweep.report.marks import WIDTH, gid
from builder.sweep.results import Results, cost

LEAST_WIDTH = 0.5
"""The least room of an axis, in inches; a figure of more axes is wider than `WIDTH`."""
ROOMY = 1.2
"""From this room on, in inches, the names of neighbouring axes fit beside each other."""
CHARACTER = 0.068
"""The width of a character at an axis, in inches."""
LONGEST, LONGEST_NAME = 18, 30
"""How many characters of a value and of a slanting name are shown."""
FEW = 8
"""If a name has at most this many values, all of them are written at its axis."""
UNSET = -0.12
"""Where a line crosses an axis whose name is not set in that trial."""


def parallel_coordinates(results: Results) -> Figure:
    """Draws a line for each trial through its objective, its trainable parameters and its values. The objective comes
    first, so that it is in view however many axes there are."""
    dimensions = results.search.space.dimensions
    count = len(dimensions) + 2
    width = max(WIDTH, LEAST_WIDTH * count)
    room = width / count
    figure = Figure((width, 4.4 if room >= ROOMY else 5.3), layout="constrained")
    axes = figure.subplots()
    worst_first = sorted(results.finished(), key=lambda one: cost(one.objective, one.direction), reverse=True)
    sizes = [math.log10(max(one.trial.trainable_parameters, 1)) for one in worst_first]
    objectives = [one.objective for one in worst_first]
    best = results.best
    for rank, one in enumerate(worst_first):
        size = math.log10(max(one.trial.trainable_parameters, 1))
        places = [_share(one.objective, objectives), _share(size, sizes)]
        places += [UNSET if (at := position(dimension, one.trial.values)) is None else at for dimension in dimensions]
        is_best = best is not None and one.trial.id == best.trial.id
        style: dict[str, Any] = {"color": _shade(rank, len(worst_first)), "linewidth": 1.3, "alpha": 0.85, "zorder": 2}
        if is_best:
            style = {"color": LIGHT["accent"], "linewidth": 3, "zorder": 3}
        axes.plot(range(count), places, gid=gid(one), solid_joinstyle="round", **style)
    most = min(LONGEST, int(room / CHARACTER) - 1)
    _ticks(axes, 0, [(_share(value, objectives), f"{value:.4g}") for value in (min(objectives), max(objectives))], most)
    _ticks(axes, 1, [(_share(value, sizes), tables.compact(10**value)) for value in (min(sizes), max(sizes))], most)
    for number, dimension in enumerate(dimensions):
        _ticks(axes, number + 2, _labels(dimension), most)
    _name_axes(axes, [results.search.objective.name, "trainable.parameters", *(one.name for one in dimensions)], room)
    axes.set_yticks([])
    axes.grid(False)
    axes.set_xlim(-0.15, count - 1 + min(0.95, 0.15 + CHARACTER * most / room))
    axes.set_ylim(-0.18 if any(one.when for one in dimensions) else -0.06, 1.06)
    axes.spines[:].set_visible(False)
    count_of = counted(len(worst_first), "trial")
    axes.set_title(f"{count_of}: the stronger the colour, the better; the best is thick and orange")
    return figure


def _shade(rank: int, count: int) -> str:
    """The colour of a trial by its rank, the worst first: by rank, as one outlier would make all others alike."""
    return SHADES[min(rank * len(SHADES) // max(count - 1, 1), len(SHADES) - 1)]


def _name_axes(axes: Axes, names: Sequence[str], room: float) -> None:
    """Writes the names of the axes below them: the last two parts of each, one above the other where there is room, so
    that neighbours do not touch, and else aslant."""
    parts = [name.split(".")[-2:] for name in names]
    style: dict[str, Any] = {"parse_math": False}
    if room >= ROOMY:
        labels = ["\n".join(tables.shortened(part, LONGEST) for part in pair) for pair in parts]
    else:
        labels = [tables.shortened(".".join(pair), LONGEST_NAME) for pair in parts]
        style |= {"rotation": 35, "ha": "right", "rotation_mode": "anchor"}
    axes.set_xticks(range(len(names)), labels, **style)
    axes.tick_params(axis="x", length=0, pad=6, labelsize=9.5)


def _share(value: float, values: Sequence[float]) -> float:
    low, high = min(values), max(values)
    return (value - low) / (high - low) if high > low else 0.5


def _labels(one: Dimension) -> list[tuple[float, str]]:
    """The labels of an axis with their heights: all values if they are few, otherwise both ends."""
    domain = one.domain
    if isinstance(domain, Range) and (domain.continuous or domain.points > FEW):
        points = [domain.low, domain.high]
    else:
        points = list(domain.values()) if domain.points <= FEW else [domain.point(0), domain.point(domain.points - 1)]
    labels = [(position(one, {one.name: point}) or 0.0, short(point)) for point in points]
    return [*labels, (UNSET, "not set")] if one.when else labels


def _ticks(axes: Axes, x: int, labels: Sequence[tuple[float, str]], most: int) -> None:
    """Draws an axis, with its labels on a ground that covers the lines behind them."""
    axes.axvline(x, color=LIGHT["muted"], linewidth=0.8, zorder=2.5)
    ground = {"facecolor": LIGHT["paper"], "alpha": 0.8, "edgecolor": "none", "pad": 0.8}
    for y, text in dict.fromkeys(labels):
        text = tables.shortened(text, most)
        axes.text(x + 0.04, y, text, va="center", fontsize=8, zorder=4, bbox=ground, parse_math=False)

"""Axes whose ticks can be read, whether values lie close together or span many decades."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator

from archspec import tables
from builder.charts.scales import MARGIN, log_scale

ROUND = (1, 2, 2.5, 5, 10)
"""The steps between ticks, times a power of ten."""
FEW_DECADES = 2.3
"""Up to so many decades there are ticks at 2 and 5 too."""
DECADE = 8.0
"""From this ratio of the largest to the smallest value on, an axis is logarithmic."""


def readable(axes: Axes, which: str, values: Sequence[float]) -> None:
    """Gives an axis ticks that can be read: logarithmic with 1, 2 and 5 where positive values span much.

    Args:
        axes: the chart.
        which: `x` or `y`.
        values: what it has to show; bands may reach beyond it.
    """
    if not values:
        return
    axis, low, high = getattr(axes, f"{which}axis"), min(values), max(values)
    if low > 0 and high / low >= DECADE:
        if which == "y":
            log_scale(axes, values)
            return
        axes.set_xscale("log")
        room = (high / low) ** (2 * MARGIN)  # for the letters beside points
        axes.set_xlim(low / room, high * room)
        axis.set_major_locator(LogLocator(10, (1.0, 2.0, 5.0) if math.log10(high / low) < FEW_DECADES else (1.0,)))
        axis.set_minor_locator(NullLocator())
        axis.set_minor_formatter(NullFormatter())
    else:
        room = (2 if which == "x" else 1) * MARGIN * (high - low or abs(high) or 1.0)
        getattr(axes, f"set_{which}lim")(max(low - room, 0.0 if low >= 0 else low - room), high + room)
        axis.set_major_locator(MaxNLocator(6, steps=ROUND))
    axis.set_major_formatter(FuncFormatter(lambda value, _: _tick(value)))


def _tick(value: float) -> str:
    return tables.compact(value, exact=True) if value >= 1000 else f"{value:.4g}"

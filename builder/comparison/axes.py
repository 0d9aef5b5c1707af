"""Axes whose ticks can be read, whether values lie close together or span many decades."""

from __future__ import annotations

import math

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator

from archspec import tables

DECADE = 8.0
"""From this ratio of the largest to the smallest value on, an axis is logarithmic."""


def readable(axes: Axes, which: str) -> None:
    """Gives an axis of positive values ticks that can be read: logarithmic with 1, 2 and 5 where values span much."""
    axis = getattr(axes, f"{which}axis")
    low, high = axis.get_data_interval()
    if not (math.isfinite(low) and math.isfinite(high)):
        return
    if low > 0 and high / low >= DECADE:
        getattr(axes, f"set_{which}scale")("log")
        decades = math.log10(high / low)
        axis.set_major_locator(LogLocator(10, (1.0, 2.0, 5.0) if decades < 2.5 else (1.0,)))
        axis.set_minor_locator(NullLocator())
        axis.set_minor_formatter(NullFormatter())
    else:
        axis.set_major_locator(MaxNLocator(6))
    axis.set_major_formatter(FuncFormatter(lambda value, _: _tick(value)))


def _tick(value: float) -> str:
    return tables.compact(value, exact=True) if value >= 1000 else f"{value:.4g}"

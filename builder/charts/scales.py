"""Axes with round, readable ticks over any span, from values close together to many decades."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullFormatter, NullLocator

MOST = 6
"""How many labels an axis of a small panel has at most."""
MARGIN = 0.06
"""The room beyond the outermost values, as a share of the axis."""
FEW_DECADES = 5
"""Up to this many decades, small ticks show the digits between the labels."""


def log_scale(axes: Axes, values: Iterable[float], most: int = MOST) -> None:
    """Makes the y axis logarithmic, with limits that hold the values and with round ticks.

    Args:
        axes: a panel.
        values: what it shows: none negative. A zero, which has no logarithm, stands at the foot of the axis, where a
            tick says so; see `foot`.
        most: the largest number of labels.
    """
    values = list(values)
    least, largest = foot(values), max(values, default=1.0) or 1.0
    room = max(MARGIN * math.log10(largest / least), math.log10(1.02))
    low, high = least / 10**room, largest * 10**room
    has_zero = min(values, default=1.0) <= 0
    ticks = log_ticks(least * (high / low) ** 0.1 if has_zero else low, high, most)
    labels = tick_texts(ticks)
    axes.set_yscale("log", nonpositive="clip")
    axes.set_ylim(low, high)
    axes.set_yticks([least, *ticks] if has_zero else ticks, ["0", *labels] if has_zero else labels)
    is_fine = 10 <= high / low < 10**FEW_DECADES
    axes.yaxis.set_minor_locator(LogLocator(subs=range(2, 10)) if is_fine else NullLocator())
    axes.yaxis.set_minor_formatter(NullFormatter())


def foot(values: Sequence[float]) -> float:
    """The lowest value that a logarithmic axis shows: the least of the values, or where there are zeros, half of the
    least of the others, at which the zeros stand."""
    positive = [value for value in values if value > 0] or [1.0]
    return min(positive) / 2 if min(values, default=1.0) <= 0 else min(positive)


def linear_scale(axes: Axes, values: Iterable[float], most: int = MOST) -> None:
    """Gives the y axis limits from 0 to a little above the values, and round ticks."""
    high = (max(values, default=1.0) or 1.0) * (1 + MARGIN)
    ticks = linear_ticks(0, high, most)
    axes.set_ylim(0, high)
    axes.set_yticks(ticks, tick_texts(ticks))


def log_ticks(low: float, high: float, most: int = MOST) -> list[float]:
    """Round values from `low` to `high`, both positive, as evenly spaced on a logarithmic axis as they can be: at most
    `most` of them, 1, 2 and 5 in each decade if they fit."""
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for digits in ((1, 2, 5), (1, 3), (1,)):
        found = [float(f"{digit}e{power}") for power in exponents for digit in digits]
        found = [value for value in found if low <= value <= high]
        if 3 <= len(found) <= most:
            return found
    if len(found) > most:
        return found[:: -(-len(found) // most)]
    return linear_ticks(low, high, most)


def linear_ticks(low: float, high: float, most: int = MOST, is_count: bool = False) -> list[float]:
    """Round values from `low` to `high`, evenly spaced: at most `most` of them, whole numbers if they are counts."""
    if high <= low:
        return [low]
    power = math.floor(math.log10(high - low))
    for step in (float(f"{digit}e{exponent}") for exponent in (power - 1, power) for digit in (1, 2, 2.5, 5)):
        if is_count and step % 1:
            continue
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        if last - first < most:
            return [float(f"{number * step:.12g}") for number in range(first, last + 1)]
    return [low, high]


def tick_texts(ticks: Sequence[float]) -> list[str]:
    """The labels of ticks: with equally many decimals where they are of one size, else as short as each can be."""
    texts = [_text(tick) for tick in ticks]
    positive = [tick for tick in ticks if tick > 0]
    if positive and max(positive) < 10 * min(positive) and not any("e" in text for text in texts):
        decimals = max(len(text.partition(".")[2]) for text in texts)
        return [text if text == "0" else f"{tick:.{decimals}f}" for tick, text in zip(ticks, texts, strict=True)]
    return texts


def _text(tick: float) -> str:
    """A number as short as it can be: `0.001`, `1e-4`, `2.5e6`."""
    if not tick or 1e-3 <= tick < 1e6:
        return f"{tick:.6g}"
    digits, _, power = f"{tick:.5e}".partition("e")
    return f"{digits.rstrip('0').rstrip('.')}e{int(power)}"

"""The values that one name of a search may have: whole numbers, numbers, one of a list, or true and false.

A share from 0 to 1 selects a point of each domain, so that random search, grids and keras-tuner's own samplers mean the
same thing. `step` and `log` are keras-tuner's: with both, `step` multiplies.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from archspec.errors import Span
from archspec.fields.base import FieldError
from archspec.wording import describe

GRID = 10
"""The number of points of a continuous range in a grid, evenly spaced in share, as in keras-tuner."""


def canonical(value: Any) -> str:
    """A text that two plain values share if a spec reads them as the same: true differs from 1, and the order of keys
    does not matter."""
    return json.dumps(value, sort_keys=True)


def short(value: Any) -> str:
    """A value as a spec spells it, short enough for a table."""
    if isinstance(value, float):
        return f"{value:.6g}"
    text = value if isinstance(value, str) else json.dumps(value).replace('"', "")
    return text if len(text) <= 40 else f"{text[:37]}..."


class Domain:
    """The values that one name of a search may have, in order.

    A subclass gives `points`, `kind` (its word in a spec), `point`, `probes` and `show`.
    """

    points: int
    """The number of values; for a continuous range, the number of points in a grid."""
    continuous: bool = False
    kind: str

    def point(self, index: int) -> Any:
        """The value at a position from 0 to `points - 1`."""
        raise NotImplementedError

    def at(self, share: float) -> Any:
        """The value at a share in [0, 1) of the domain; random search draws the share uniformly."""
        return self.point(min(int(share * self.points), self.points - 1))

    def values(self) -> Iterator[Any]:
        """The points of a grid, in order."""
        return (self.point(index) for index in range(self.points))

    def contains(self, value: Any) -> bool:
        """Whether the name may have this value."""
        return any(canonical(value) == canonical(point) for point in self.values())

    def nearest(self, value: Any) -> Any:
        """The value itself if the name may have it, else the nearest such value, or the first if none is near."""
        return value if self.contains(value) else self.point(0)

    def probes(self) -> Iterator[tuple[str, Span | None, Any]]:
        """The values to try before a search, each with its path (`choice[2]`) and position in the file."""
        raise NotImplementedError

    def show(self) -> str:
        """The domain in a spec's words: `int [1, 9]`."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class Range(Domain):
    """Numbers from `low` to `high`, both included.

    Neighbours are `step` apart, or with `log` each is `step` times the one before. With `log`, random search draws
    equal ratios equally often.
    """

    low: float
    high: float
    step: float | None = None
    log: bool = False
    spans: tuple[Span | None, ...] = field(default=(), compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise FieldError(self.kind, f"the lower end comes first; write [{self.high:g}, {self.low:g}]")
        if self.log and self.low <= 0:
            raise FieldError(self.kind, f"a logarithmic range starts above 0, got {self.low:g}")
        if self.step is not None and self.log and self.step <= 1:
            raise FieldError("step", "with 'log' each value is 'step' times the one before, so it must be above 1")
        if self.points > MAX_POINTS:
            raise FieldError("step" if self.step else self.kind, f"more than {MAX_POINTS:,} values, the limit")

    @property
    def points(self) -> int:  # type: ignore[override]
        if self.low == self.high:
            return 1
        if self.step is None:
            return GRID
        steps = math.log(self.high / self.low, self.step) if self.log else (self.high - self.low) / self.step
        return int(min(steps, MAX_POINTS) + 1e-9) + 1

    def probes(self) -> Iterator[tuple[str, Span | None, Any]]:
        spans = self.spans or (None, None)
        yield f"{self.kind}[0]", spans[0], self.low
        if self.points > 1:
            yield f"{self.kind}[1]", spans[1], self.high if self.continuous else self.point(self.points - 1)

    def contains(self, value: Any) -> bool:
        if isinstance(value, bool) or not isinstance(value, int | float) or not self.low <= value <= self.high:
            return False
        if self.continuous or self.low == self.high:
            return True
        return math.isclose(self.nearest_point(value), value, rel_tol=1e-9, abs_tol=1e-12)

    def nearest(self, value: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
            return self.point(0)
        clamped = min(max(value, self.low), self.high)
        return clamped if self.continuous or self.low == self.high else self.nearest_point(clamped)

    def nearest_point(self, value: float) -> Any:
        """The point nearest to a value that lies within the range."""
        assert self.step is not None
        steps = math.log(value / self.low, self.step) if self.log else (value - self.low) / self.step
        return self.point(min(round(steps), self.points - 1))

    def show(self) -> str:
        step = f", step {self.step:g}" if self.step is not None and (self.log or self.step != 1) else ""
        return f"{self.kind} [{self.low:g}, {self.high:g}]{step}{', log' if self.log else ''}"


MAX_POINTS = 10_000_000


@dataclass(frozen=True, kw_only=True)
class IntRange(Range):
    """A range of whole numbers; without a step, all of them."""

    kind = "int"

    @property
    def points(self) -> int:  # type: ignore[override]
        return int(self.high) - int(self.low) + 1 if self.step is None else super().points

    def point(self, index: int) -> int:
        if self.step is None:
            return int(self.low) + index
        return int(self.low * self.step**index if self.log else self.low + index * self.step)

    def at(self, share: float) -> int:
        if not self.log or self.step is not None:
            return int(super().at(share))
        value = self.low * ((self.high + 1) / self.low) ** share
        return min(int(value), int(self.high))

    def nearest_point(self, value: float) -> Any:
        return round(value) if self.step is None else super().nearest_point(value)


@dataclass(frozen=True, kw_only=True)
class FloatRange(Range):
    """A range of numbers; without a step, every number in it."""

    kind = "float"

    @property
    def continuous(self) -> bool:  # type: ignore[override]
        return self.step is None and self.low != self.high

    def point(self, index: int) -> float:
        if self.continuous:
            return self.at((index + 0.5) / GRID)
        step = self.step or 1.0
        value = self.low * step**index if self.log else self.low + index * step
        value = float(f"{value:.12g}")  # so that 0.1 + 2 * 0.1 is 0.3
        return min(max(value, float(self.low)), float(self.high))

    def at(self, share: float) -> float:
        if not self.continuous:
            return float(super().at(share))
        if self.log:
            return float(min(self.low * (self.high / self.low) ** share, self.high))
        return min(self.low + share * (self.high - self.low), self.high)


@dataclass(frozen=True, kw_only=True)
class Options(Domain):
    """A list to choose from: numbers, texts, true, false, null, or parts of a spec such as `{basic: {shortcut:
    pad}}`."""

    options: tuple[Any, ...]
    spans: tuple[Span | None, ...] = field(default=(), compare=False, repr=False)

    kind = "choice"

    def __post_init__(self) -> None:
        if not self.options:
            raise FieldError("choice", "the list of choices is empty")
        seen: dict[str, int] = {}
        for option in self.options:
            seen[canonical(option)] = seen.get(canonical(option), 0) + 1
        twice = [option for option in self.options if seen[canonical(option)] > 1]
        if twice:
            raise FieldError("choice", f"{describe(twice[0])} is given twice")

    @property
    def points(self) -> int:  # type: ignore[override]
        return len(self.options)

    def point(self, index: int) -> Any:
        return self.options[index]

    def probes(self) -> Iterator[tuple[str, Span | None, Any]]:
        for i, option in enumerate(self.options):
            yield f"choice[{i}]", self.spans[i] if self.spans else None, option

    def index(self, value: Any) -> int:
        """The position of an option, for tuners that handle texts and numbers only."""
        return [canonical(option) for option in self.options].index(canonical(value))

    def show(self) -> str:
        return f"choice [{', '.join(short(option) for option in self.options)}]"


@dataclass(frozen=True)
class Flag(Domain):
    """A choice between false and true."""

    kind = "bool"
    points = 2

    def point(self, index: int) -> bool:
        return bool(index)

    def probes(self) -> Iterator[tuple[str, Span | None, Any]]:
        return (("bool", None, value) for value in (False, True))

    def show(self) -> str:
        return "bool"

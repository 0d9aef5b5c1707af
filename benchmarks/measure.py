"""Timing two things alternately, so that a machine whose speed drifts favours neither, and showing what came of it."""

from __future__ import annotations

import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tabulate import tabulate

QUICK = "BENCHMARKS_QUICK"
"""The environment variable that `--quick` sets, so that processes which a benchmark starts know it too."""
CHECK = "BENCHMARKS_CHECK"
"""The one that `--check` sets."""
COMPILED = os.path.join(tempfile.gettempdir(), "convspec-benchmark-compiled")
"""Where processes of a benchmark keep compiled modules."""
FEWEST_ROUNDS = 3
SETTLED = 0.02
"""Rounds end early when the middle half of the ratios so far lies within this share of their median."""


def quick() -> bool:
    """Whether `--quick` was given: a benchmark then measures fewer cases, in fewer rounds."""
    return os.environ.get(QUICK) == "1"


def checking() -> bool:
    """Whether `--check` was given: a benchmark then measures only what a choice of the code depends on."""
    return os.environ.get(CHECK) == "1"


class Ratio(float):
    """A median of ratios, which remembers the lowest and the highest of them, and how high it could be.

    Attributes:
        lowest, highest: of the ratios.
        at_most: the upper end of a 95 % confidence interval of the median, one of the ratios by its rank (David and
            Nagaraja 2003, "Order statistics", section 7.1); infinite where there are fewer than five.
    """

    lowest: float
    highest: float
    at_most: float

    def __new__(cls, ratios: Sequence[float]) -> Ratio:
        ratio = super().__new__(cls, statistics.median(ratios))
        ratio.lowest, ratio.highest = min(ratios), max(ratios)
        ratio.at_most = _median_at_most(sorted(ratios))
        return ratio


def _median_at_most(ratios: Sequence[float]) -> float:
    """The lowest of sorted ratios below which the median lies in 95 of 100 cases."""
    below = 0.0  # the probability that fewer than so many ratios lie below the median
    for rank, ratio in enumerate(ratios):
        below += math.comb(len(ratios), rank) / 2 ** len(ratios)
        if below >= 0.95:
            return ratio
    return math.inf


@dataclass(frozen=True)
class Row:
    """One comparison. A `ratio` above 1 is in this project's favour; `target` is the ratio to reach, if any."""

    what: str
    ours: str
    other: str
    ratio: float | None = None
    target: float | None = None
    note: str = ""

    @property
    def missed(self) -> bool:
        """Whether the ratio is below the target. One that was not measured is missed too."""
        return self.target is not None and not (self.ratio is not None and self.ratio >= self.target)

    def cells(self) -> list[str]:
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}x"
        rounds = f"{self.ratio.lowest:.2f} to {self.ratio.highest:.2f}" if isinstance(self.ratio, Ratio) else ""
        target = "" if self.target is None else f">= {self.target:g}x {'MISSED' if self.missed else 'ok'}"
        return [self.what, self.ours, self.other, ratio, rounds, target, self.note]


@dataclass(frozen=True)
class Shown:
    """A row in its table: the table's title, and what this project is compared with in it."""

    title: str
    other: str
    row: Row


def decided(ratio: Ratio, target: float) -> tuple[float | None, str]:
    """The target of a row and its note: none, and why, where the ratio is below it but chance may be the reason."""
    if ratio < target <= ratio.at_most:
        return None, f"undecided: the rounds differ too much to say that it is below {target:g}x"
    return target, ""


_shown: dict[int, Shown] = {}


def show(title: str, rows: list[Row], other: str) -> None:
    """Prints a table and keeps its rows for `take_shown`. A row shown before, alone and then among all, counts once, in
    the table that it was shown in last."""
    headers = ["", "ours", other, "ratio", "rounds", "target", ""]
    print(f"\n{title}\n{tabulate([row.cells() for row in rows], headers, disable_numparse=True)}", flush=True)
    for row in rows:
        _shown[id(row)] = Shown(title, other, row)  # the row is kept with its number, which no other row can then have


def take_shown() -> list[Shown]:
    """Returns the rows that were shown since the last call."""
    shown = list(_shown.values())
    _shown.clear()
    return shown


def seconds(function: Callable[[], object]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


@dataclass(frozen=True)
class Cost:
    """What a piece of work takes alone: seconds of the clock, and of all cores together."""

    seconds: float
    core_seconds: float


def cost(function: Callable[[], object]) -> Cost:
    """What a function of this process takes; threads that wait by spinning count as work."""
    clock, cores = time.perf_counter(), time.process_time()
    function()
    return Cost(time.perf_counter() - clock, time.process_time() - cores)


def overlapped(parts: Sequence[Cost], cores: int) -> float:
    """The seconds that pieces of work need at least when they run at the same time on these cores: those of the slowest
    alone, or more where all of them together keep every core busy for longer."""
    return max(*(part.seconds for part in parts), sum(part.core_seconds for part in parts) / cores)


def in_turn(
    ours: Callable[[], object], other: Callable[[], object], rounds: int, warm_up: int = 1
) -> tuple[float, float, float]:
    """Returns the median seconds of two functions called alternately, and the median of the ratios other / ours.

    `rounds` is the most; once the ratios agree (see `SETTLED`), further ones are left out. With `--quick` there are at
    most `FEWEST_ROUNDS`. The median is a `Ratio`, so that a table of it shows how far the rounds lay apart.
    """
    for _ in range(warm_up):
        ours()
        other()
    pairs: list[tuple[float, float]] = []
    for _ in range(min(rounds, FEWEST_ROUNDS) if quick() else rounds):
        pairs.append((seconds(ours), seconds(other)))
        if len(pairs) >= FEWEST_ROUNDS and _is_settled([b / a for a, b in pairs]):
            break
    ratio = Ratio([b / a for a, b in pairs])
    return statistics.median(a for a, _ in pairs), statistics.median(b for _, b in pairs), ratio


def _is_settled(ratios: Sequence[float]) -> bool:
    lower, middle, upper = statistics.quantiles(ratios, n=4, method="inclusive")
    return upper - lower <= SETTLED * middle


def process(*arguments: str) -> Callable[[], object]:
    """Returns a function that runs a whole Python process with these arguments and discards its output. As in an
    installed package, Python's modules are compiled already, from the second time on."""
    compiled = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": COMPILED}
    environment = {**os.environ, **compiled}

    def run() -> object:
        command = [sys.executable, *arguments]
        return subprocess.run(
            command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
        )

    return run

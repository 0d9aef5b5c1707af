"""Timing two things alternately, so that a machine whose speed drifts favours neither."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from tabulate import tabulate


@dataclass(frozen=True)
class Row:
    """One comparison. A `ratio` above 1 is in this project's favour; `target` is the ratio to reach, if any."""

    what: str
    ours: str
    other: str
    ratio: float | None = None
    target: float | None = None
    note: str = ""

    def cells(self) -> list[str]:
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}x"
        target = (
            ""
            if self.target is None
            else f">= {self.target:g}x {'ok' if (self.ratio or 0) >= self.target else 'MISSED'}"
        )
        return [self.what, self.ours, self.other, ratio, target, self.note]


def show(title: str, rows: list[Row], other: str) -> None:
    headers = ["", "ours", other, "ratio", "target", ""]
    print(f"\n{title}\n{tabulate([row.cells() for row in rows], headers, disable_numparse=True)}", flush=True)


def seconds(function: Callable[[], object]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def in_turn(
    ours: Callable[[], object], other: Callable[[], object], rounds: int, warm_up: int = 1
) -> tuple[float, float, float]:
    """Returns the median seconds of two functions called alternately, and the median of the ratios other / ours."""
    for _ in range(warm_up):
        ours()
        other()
    pairs = [(seconds(ours), seconds(other)) for _ in range(rounds)]
    ratios = [b / a for a, b in pairs]
    return statistics.median(a for a, _ in pairs), statistics.median(b for _, b in pairs), statistics.median(ratios)


def process(*arguments: str) -> Callable[[], object]:
    """Returns a function that runs a whole Python process with these arguments and discards its output."""

    def run() -> object:
        return subprocess.run(
            [sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    return run

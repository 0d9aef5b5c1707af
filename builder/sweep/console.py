"""What a search shows of itself: how each trial ended, how far the search is, and on a terminal its running trials."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from archspec.wording import counted
from builder.runs.metrics import read_metrics
from builder.runs.names import METRICS
from builder.sweep.plan import Plan, values_in_a_line
from builder.sweep.records import Execution, Trial
from builder.sweep.results import Results
from builder.system.terminal import REFRESH_SECONDS, Say, clear, clock, is_live, show

if TYPE_CHECKING:
    from builder.sweep.loop import Running

WIDTH = 79
"""The columns of a line of progress: a terminal of 80 may break one that fills it."""


class SweepConsole:
    """Writes the lines of a search of `planned` trials at most, if that is known."""

    def __init__(self, say: Say, plan: Plan, oracle: Any, planned: int | None):
        self.say, self.plan, self.oracle, self.planned = say, plan, oracle, planned
        self.live = is_live(say)
        self.began = self.shown = time.monotonic()
        self.done_before = self._standing()[0]

    def line(self, text: str) -> None:
        """Writes a line that stays, in place of the live one."""
        if self.live:
            clear()
        self.say(text)

    def end(self, trial: Trial, record: Execution) -> None:
        """Writes how an execution of a trial ended."""
        search = self.plan.search
        number = f", execution {record.number}" if search.tuner.executions_per_trial > 1 else ""
        ending = (
            f"{search.objective.name} {record.objective:.4f}"
            if record.objective is not None
            else f"{record.state.replace('_', ' ')}: {record.first_line}"
        )
        self.line(
            f"trial {trial.id}{number}: {ending}  {values_in_a_line(trial.values)}  "
            f"{trial.trainable_parameters:,} trainable parameters  {counted(record.epochs, 'epoch')}  "
            f"{record.wall_seconds:.1f} s"
        )

    def running(self, executions: Sequence[Running]) -> None:
        """Shows on a terminal now and then how far the running trials are."""
        now = time.monotonic()
        if not self.live or now - self.shown < REFRESH_SECONDS:
            return
        self.shown = now
        show("  |  ".join(self._described(one, now) for one in executions) or "waiting for a trial")

    def _described(self, running: Running, now: float) -> str:
        """How far a running trial is: `trial 0003: epoch 2/15  val_accuracy 0.9361  0:12`."""
        path = self.plan.files.run(running.trial, running.number) / METRICS
        try:
            rows = read_metrics(path)
        except (OSError, ValueError):  # not begun yet
            rows = []
        name = self.plan.search.objective.name
        value = f"  {name} {rows[-1][name]:.4f}" if rows and name in rows[-1] else ""
        epoch = f"epoch {len(rows)}/{self.plan.recipe.epochs}" if rows else "starting"
        return f"trial {running.trial.id}: {epoch}{value}  {clock(now - running.began)}"

    def _standing(self) -> tuple[int, int, Results]:
        """How many trials are done, how many of these have failed, and the results, from the files."""
        found = Results.read(self.plan.files, self.plan.search)
        failed = sum(one.has_failed for one in found.outcomes)
        return sum(one.is_finished for one in found.outcomes) + failed, failed, found

    def progress(self) -> str:
        """How far the search is, in a line, or in several where it does not fit into WIDTH columns."""
        done, failed, found = self._standing()
        running = len(getattr(self.oracle, "ongoing_trials", ()))
        parts = [f"{done}{f' of {self.planned}' if self.planned else ''} trials done"]
        if failed:
            parts.append(f"{failed} failed")
        if running:
            parts.append(f"{running} running")
        if found.best is not None:
            name = self.plan.search.objective.name
            parts.append(f"best {name} {found.best.objective:.4f} ({found.best.trial.id})")
        candidate_filter = getattr(self.oracle, "candidate_filter", None)
        resampled = sum(candidate_filter.rejected.values()) if candidate_filter is not None else 0
        if resampled:
            parts.append(f"{resampled} resampled")
        done_now = done - self.done_before
        if self.planned and done_now > 0 and done < self.planned:
            parts.append(f"ETA {clock((time.monotonic() - self.began) / done_now * (self.planned - done))}")
        return in_lines(parts)


def in_lines(parts: Iterable[str]) -> str:
    """Parts of a line with two spaces between them, those that do not fit into WIDTH columns in further lines."""
    lines: list[str] = []
    for part in parts:
        if lines and len(lines[-1]) + 2 + len(part) <= WIDTH:
            lines[-1] += f"  {part}"
        else:
            lines.append(f"  {part}" if lines else part)
    return "\n".join(lines)

"""What a sweep has found, from its files: the best candidate, and those that none beats at their size."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from archspec import Spec, load
from archspec.search import Hyperband, Search
from builder.sweep.records import COMPLETED, Execution, Files, Trial
from builder.system.files import write_text


@dataclass(frozen=True)
class Outcome:
    """A trial and how it ended.

    Attributes:
        executions: those that have ended, failed ones included.
        executions_needed: how many the search asks for.
        runs_again: whether the last failure was put aside for another attempt.
    """

    trial: Trial
    executions: Sequence[Execution]
    executions_needed: int
    direction: str
    runs_again: bool = False

    @cached_property
    def completed(self) -> list[Execution]:
        return [one for one in self.executions if one.state == COMPLETED and one.objective is not None]

    @property
    def is_finished(self) -> bool:
        return len(self.completed) >= self.executions_needed

    @property
    def has_failed(self) -> bool:
        return bool(self.executions) and self.executions[-1].state != COMPLETED and not self.runs_again

    @property
    def state(self) -> str:
        return COMPLETED if self.is_finished else self.executions[-1].state if self.has_failed else "running"

    @property
    def objective(self) -> float:
        """The mean over executions."""
        return statistics.fmean(one.objective for one in self.completed if one.objective is not None)

    @property
    def execution(self) -> Execution:
        """The best one."""
        return min(self.completed, key=lambda one: cost(one.objective or 0.0, self.direction))


def cost(objective: float, direction: str) -> float:
    """What is better the less it is."""
    return -objective if direction == "max" else objective


@dataclass(frozen=True)
class Results:
    """All trials of a sweep.

    Attributes:
        directory: the sweep's.
        outcomes: a trial each, in the order in which they began.
        rejected: candidates not worth a trial, by reason; see `builder.sweep.tuners.candidate_filter`.
        complete: whether the sweep came to its end.
    """

    files: Files
    search: Search
    outcomes: Sequence[Outcome]
    rejected: dict[str, int]
    complete: bool = False

    @classmethod
    def read(
        cls, files: Files, search: Search, rejected: dict[str, int] | None = None, complete: bool = False
    ) -> Results:
        needed, direction = search.tuner.executions_per_trial, search.objective.direction
        outcomes = [
            Outcome(trial, files.executions(trial.id), needed, direction, files.runs_again(trial))
            for trial in files.trials()
        ]
        return cls(files, search, outcomes, rejected or {}, complete)

    @property
    def directory(self) -> Path:
        return self.files.directory

    def finished(self) -> list[Outcome]:
        """Those that can be compared: with Hyperband, the last round that each candidate was in."""
        found = {one.trial.root: one for one in self.outcomes if one.is_finished}
        return list(found.values())

    @staticmethod
    def best_of(outcomes: Iterable[Outcome], search: Search) -> Outcome:
        """The best; with Hyperband, of those that were trained longest, as the others' schedules have not ended."""
        outcomes = list(outcomes)
        if isinstance(search.tuner, Hyperband):
            longest = max(one.trial.until for one in outcomes)
            outcomes = [one for one in outcomes if one.trial.until == longest]
        return min(outcomes, key=lambda one: (cost(one.objective, one.direction), one.trial.trainable_parameters))

    @property
    def best(self) -> Outcome | None:
        finished = self.finished()
        return self.best_of(finished, self.search) if finished else None

    @property
    def best_spec(self) -> Spec | None:
        """The best candidate as a plain spec, its seed in it."""
        best = self.best
        return load(self.files.spec(best.trial, best.execution.number)) if best else None

    def front(self, size: Callable[[Trial], float]) -> list[Outcome]:
        """The trials that no smaller or equal one beats, the smallest first."""
        ordered = sorted(self.finished(), key=lambda one: (size(one.trial), cost(one.objective, one.direction)))
        found: list[Outcome] = []
        for one in ordered:
            if not found or cost(one.objective, one.direction) < cost(found[-1].objective, one.direction):
                found.append(one)
        return found

    def fronts(self) -> dict[str, list[Outcome]]:
        """The Pareto fronts of the objective against parameters and MACs."""
        return {
            "trainable_parameters": self.front(lambda trial: trial.trainable_parameters),
            "macs": self.front(lambda trial: trial.macs),
        }


def write(results: Results) -> None:
    """Writes `best.yaml`, and the Pareto fronts' specs into `pareto/`."""
    best = results.best
    if best is None:
        return
    write_best(results)
    folder = results.directory / "pareto"
    folder.mkdir(exist_ok=True)
    on = {name: {one.trial.id for one in front} for name, front in results.fronts().items()}
    chosen = [one for one in results.finished() if any(one.trial.id in ids for ids in on.values())]
    for one in chosen:
        fronts = " and ".join(name.replace("_", " ") for name, ids in on.items() if one.trial.id in ids)
        text = f"# On the Pareto front of {results.search.objective.name} against {fronts}.\n"
        write_text(folder / f"{one.trial.id}.yaml", text + _spec_text(results, one))
    for path in folder.glob("*.yaml"):
        if path.stem not in {one.trial.id for one in chosen}:
            path.unlink()


def write_best(results: Results) -> None:
    """Writes `best.yaml`."""
    best = results.best
    if best is not None:
        write_text(results.directory / "best.yaml", _spec_text(results, best))


def _spec_text(results: Results, one: Outcome) -> str:
    """A candidate's spec, with what came out in its first lines."""
    execution, name = one.execution, results.search.objective.name
    lines = [
        f"# Trial {one.trial.id} of {results.directory}: {name} {execution.objective:.6g} in epoch "
        f"{execution.best_epoch} of {execution.epochs}.",
        f"# Trainable parameters {one.trial.trainable_parameters:,}; MACs {one.trial.macs:,}.",
    ]
    if len(one.completed) > 1:
        values = ", ".join(_number(value.objective) for value in one.completed)
        lines.append(
            f"# The mean of {len(one.completed)} trainings with seeds of their own is {one.objective:.6g}: {values}."
        )
    text = results.files.spec(one.trial, execution.number).read_text(encoding="utf-8")
    return "\n".join(lines) + "\n" + text


def _number(value: Any) -> str:
    return f"{value:.6g}"

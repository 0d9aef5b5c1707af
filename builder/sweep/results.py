"""What a search has found, read from its files: the best trial, and the Pareto fronts of quality and size."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

from archspec import Spec, load
from archspec.search import Search
from builder.runs.finding import BestTrial
from builder.runs.names import BEST_SPEC, BEST_TRIAL, SPEC
from builder.sweep.records import COMPLETED, Execution, Files, Trial
from builder.system.files import write_json, write_text


@dataclass(frozen=True)
class Outcome:
    """A trial and how it ended.

    Attributes:
        trial: the candidate: its values, trainable parameters and multiply-accumulates.
        executions: its trainings that have ended, failed ones included.
        executions_needed: how many completed trainings the search asks for.
        direction: `max` if a greater objective is better, `min` if a smaller one is.
        runs_again: whether the last failure was put aside for another attempt.
    """

    trial: Trial
    executions: Sequence[Execution]
    executions_needed: int
    direction: str
    runs_again: bool = False

    @cached_property
    def completed(self) -> list[Execution]:
        """The executions that completed."""
        return [one for one in self.executions if one.state == COMPLETED and one.objective is not None]

    @property
    def is_finished(self) -> bool:
        """Whether all executions that the search asks for have completed."""
        return len(self.completed) >= self.executions_needed

    @property
    def has_failed(self) -> bool:
        """Whether the last execution failed, and is not to run again."""
        return bool(self.executions) and self.executions[-1].state != COMPLETED and not self.runs_again

    @property
    def state(self) -> str:
        """`completed`, `running`, or the state of the execution that failed."""
        return COMPLETED if self.is_finished else self.executions[-1].state if self.has_failed else "running"

    @property
    def objective(self) -> float:
        """The mean objective of the completed executions.

        Raises:
            statistics.StatisticsError: there is none.
        """
        return statistics.fmean(one.objective for one in self.completed if one.objective is not None)

    @property
    def execution(self) -> Execution:
        """The completed execution with the best objective.

        Raises:
            ValueError: there is none.
        """
        return min(self.completed, key=lambda one: cost(one.objective or 0.0, self.direction))


def cost(objective: float, direction: str) -> float:
    """The objective as a cost: a lower one is better, whatever the direction."""
    return -objective if direction == "max" else objective


@dataclass(frozen=True)
class Results:
    """All trials of a search, as `builder.tune` returns them.

    Attributes:
        files: where the files of each trial are, such as `files.run(trial, 1)`, its first run directory.
        search: the `search` section of the spec.
        outcomes: a trial each, in the order in which they began: `outcome.objective`, `outcome.trial.values`,
            `outcome.trial.trainable_parameters`, `outcome.trial.macs` (multiply-accumulates for one picture).
        rejected: how many candidates cost no trial, by reason: the name of the limit that excludes them, `invalid`, or
            `same` for the network and recipe of an earlier trial.
        complete: whether the search came to its end.
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
        """Reads the results from the files of the trials."""
        needed, direction = search.tuner.executions_per_trial, search.objective.direction
        outcomes = [
            Outcome(trial, files.executions(trial.id), needed, direction, files.runs_again(trial))
            for trial in files.trials()
        ]
        return cls(files, search, outcomes, rejected or {}, complete)

    @property
    def directory(self) -> Path:
        """The directory of the search."""
        return self.files.directory

    def finished(self) -> list[Outcome]:
        """The finished trials, in the order in which they began; of a candidate that is trained in rounds, the last."""
        found = {one.trial.root: one for one in self.outcomes if one.is_finished}
        return list(found.values())

    @staticmethod
    def best_of(outcomes: Iterable[Outcome], search: Search) -> Outcome:
        """The finished trial with the best objective; of equal ones, the smallest.

        With a tuner that trains in rounds, only the trials that were trained longest count.
        """
        outcomes = list(outcomes)
        if search.tuner.in_rounds:
            longest = max(one.trial.until for one in outcomes)
            outcomes = [one for one in outcomes if one.trial.until == longest]
        return min(outcomes, key=lambda one: (cost(one.objective, one.direction), one.trial.trainable_parameters))

    @property
    def best(self) -> Outcome | None:
        """The best trial, or None if none has finished."""
        finished = self.finished()
        return self.best_of(finished, self.search) if finished else None

    @property
    def best_spec(self) -> Spec | None:
        """The best candidate as a spec without a `search` section, its seed included; None if no trial has finished."""
        best = self.best
        return load(_spec_file(self.files, best)) if best else None

    def front(self, size: Callable[[Outcome], float]) -> list[Outcome]:
        """The finished trials for which no other is both as small and better, the smallest first."""
        ordered = sorted(self.finished(), key=lambda one: (size(one), cost(one.objective, one.direction)))
        found: list[Outcome] = []
        for one in ordered:
            if not found or cost(one.objective, one.direction) < cost(found[-1].objective, one.direction):
                found.append(one)
        return found

    def fronts(self) -> dict[str, list[Outcome]]:
        """The Pareto fronts of the objective against `trainable_parameters` and against `macs`."""
        return {
            "trainable_parameters": self.front(lambda one: one.trial.trainable_parameters),
            "macs": self.front(lambda one: one.trial.macs),
        }


def write(results: Results) -> None:
    """Writes `best.yaml`, and the specs of the Pareto fronts into `pareto/`."""
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
    """Writes `best.yaml` and `best.json`."""
    best = results.best
    if best is not None:
        write_text(results.directory / BEST_SPEC, _spec_text(results, best))
        write_json(results.directory / BEST_TRIAL, asdict(_record(results, best)))


def _record(results: Results, outcome: Outcome) -> BestTrial:
    """A trial with the execution that stands for it."""
    trial, execution = outcome.trial, outcome.execution
    assert execution.objective is not None and execution.best_epoch is not None
    run = results.files.run(trial, execution.number).relative_to(results.directory)
    name = results.search.objective.name
    return BestTrial(trial.id, str(run), name, execution.objective, execution.best_epoch, execution.epochs)


def _spec_file(files: Files, outcome: Outcome) -> Path:
    """The spec of a candidate as its run has it, with the number that the run has chosen for `batch_size: auto`."""
    trial, number = outcome.trial, outcome.execution.number
    path = files.run(trial, number) / SPEC
    return path if path.is_file() else files.spec(trial, number)


def _spec_text(results: Results, outcome: Outcome) -> str:
    """A candidate's spec, with its result in the first lines."""
    trial, record = outcome.trial, _record(results, outcome)
    lines = [
        f"# Trial {trial.id} of {results.directory}: {record.result}.",
        f"# Trainable parameters {trial.trainable_parameters:,}; MACs {trial.macs:,}.",
        f"# Run: {record.run}",
    ]
    if len(outcome.completed) > 1:
        values = ", ".join(f"{one.objective:.6g}" for one in outcome.completed)
        lines.append(
            f"# The mean of {len(outcome.completed)} trainings with different seeds is {outcome.objective:.6g}: "
            f"{values}."
        )
    text = _spec_file(results.files, outcome).read_text(encoding="utf-8")
    return "\n".join(lines) + "\n" + text

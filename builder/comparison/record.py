"""What is known of one run by itself. Nothing here depends on the runs that are shown beside it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archspec.analysis import Analysis
from archspec.errors import UserError, file_problem
from archspec.recipe import Train
from archspec.recipe.monitor import unimproved
from archspec.wording import first_line
from builder.comparison import latency
from builder.comparison.finding import Found
from builder.comparison.latency import Latency
from builder.runs.directory import is_training
from builder.runs.environment import DIVERGED
from builder.runs.evaluations import Evaluated, LeftOut, evaluate_command, evaluations
from builder.runs.metrics import best_row
from builder.runs.names import ENVIRONMENT, METRICS, MODEL
from builder.runs.run import Run, open_run
from builder.sweep.records import COMPLETED

COMPLETE, TRAINING, STOPPED, IMPORTED, UNREADABLE = "complete", "training", "stopped", "imported", "unreadable"
"""The states of a run besides those in which a trial can fail: `stopped` has more epochs to train and no process that
does so, `imported` has weights from elsewhere and no training of its own."""
NEEDED = ("epoch", "loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "seconds")


@dataclass(frozen=True, eq=False)
class Record:
    """A run as its directory shows it.

    Attributes:
        directory: the run's own.
        name: what it is called.
        state: `complete`, `training`, `stopped`, `imported`, `unreadable`, or how the trial of a search failed:
            `failed`, `diverged`, `out_of_memory`, `timed_out` or `killed`.
        reason: why it is in that state, as far as that is known; else empty.
        run: the opened run; None of one that cannot be read.
        rows: the rows of `metrics.csv`.
        best: the row of the best epoch by the recipe's monitor, whose weights are saved; None without an epoch.
        epochs_planned: how many epochs it is to have.
        analysis: of the network: parameters, MACs and layers; None of a run that cannot be read.
        latency: milliseconds for one picture, where they were measured.
        tested: its evaluations.
        notes: what could not be read, in words.
        is_of_search: whether it is the run of a search's trial.
    """

    directory: Path
    name: str
    state: str
    reason: str
    run: Run | None
    rows: Sequence[Mapping[str, float]] = ()
    best: Mapping[str, float] | None = None
    epochs_planned: int = 0
    analysis: Analysis | None = None
    latency: Latency | None = None
    tested: tuple[Evaluated, ...] = ()
    notes: tuple[str, ...] = ()
    is_of_search: bool = False

    @property
    def is_complete(self) -> bool:
        """Whether its training came to its end, so that its result counts."""
        return self.state == COMPLETE

    @property
    def recipe(self) -> Train | None:
        """The recipe; None where it was not trained here, or cannot be read."""
        return self.run.spec.train if self.run is not None and not self.run.is_imported else None

    @property
    def seed(self) -> int | None:
        """The seed of its training."""
        return None if self.recipe is None else self.recipe.seed

    @property
    def epochs(self) -> int:
        """How many epochs it has trained."""
        return len(self.rows)

    @property
    def error(self) -> float | None:
        """The share of the validation pictures that were not recognised, from 0 to 1, in the best epoch."""
        return None if self.best is None else round(1 - self.best["val_accuracy"], 9)

    @property
    def loss(self) -> float | None:
        """The validation loss in the best epoch."""
        return None if self.best is None else self.best["val_loss"]

    @property
    def seconds(self) -> float | None:
        """The seconds of training and validation of all epochs."""
        return sum(row["seconds"] for row in self.rows) if self.rows else None

    @property
    def parameters(self) -> int | None:
        """The parameters of the network, those that do not train included."""
        return self.analysis.parameters if self.analysis else None

    @property
    def macs(self) -> int | None:
        """The multiply-accumulates of the network for one picture."""
        return self.analysis.macs if self.analysis else None

    def numbers(self) -> dict[str, Any]:
        """What was measured and counted, by name, as JSON values: shares from 0 to 1, seconds, milliseconds."""
        best = self.best or {}
        return {
            "seed": self.seed,
            "epochs": self.epochs,
            "epochs_planned": self.epochs_planned,
            "best_epoch": int(best["epoch"]) if best else None,
            "val_error": _finite(self.error),
            "val_loss": _finite(self.loss),
            "train_loss": _finite(best.get("loss")),
            "seconds": self.seconds,
            "parameters": self.parameters,
            "trainable_parameters": self.analysis.trainable_parameters if self.analysis else None,
            "macs": self.macs,
            "latency_ms": self.latency.milliseconds if self.latency else None,
            "latency_by": self.latency.by if self.latency else None,
            "latency_machine": self.latency.machine if self.latency else None,
        }


def read(found: Found, exports: Path) -> Record:
    """The record of a run.

    Args:
        found: the run.
        exports: the folder of the exports of all networks.

    Raises:
        UserError: it cannot be read. The run of a trial that cannot be read has the state `unreadable` instead, so that
            it does not hide the others of its search.
    """
    try:
        return _read(found, exports)
    except UserError as error:
        if found.trial is None and not _is_starting(found.directory):
            raise
        state, reason = UNREADABLE, first_line(error)
        if _is_starting(found.directory):
            state, reason = TRAINING, "it has only just begun"
        elif found.execution is not None and found.execution.state != COMPLETED:
            state, reason = found.execution.state, found.execution.first_line
        return Record(found.directory, found.name, state, reason, None, is_of_search=found.trial is not None)


def _read(found: Found, exports: Path) -> Record:
    run = open_run(found.directory, is_finished=False)
    rows = _rows(run)
    tested, left_out = evaluations(run)
    state, reason, planned = _state(found, run, rows)
    if state != IMPORTED and not rows:
        reason = reason or f"no epoch is complete, so it has no {METRICS} yet"
    return Record(
        found.directory,
        found.name,
        state,
        reason,
        run,
        rows,
        best_row(rows, run.recipe.checkpoints.best),
        planned,
        run.spec.analysis,
        latency.latency_of(run, found.trial, exports),
        tuple(tested),
        tuple(_left_out(found.directory, one) for one in left_out),
        found.trial is not None,
    )


def _left_out(directory: Path, one: LeftOut) -> str:
    again = f"; {evaluate_command(directory)} writes it again" if one.is_repeatable else ""
    return f"{directory / one.path} {one.reason}, so it is left out{again}"


def _rows(run: Run) -> list[dict[str, float]]:
    """The rows of `metrics.csv`, none if there is no such file yet.

    Raises:
        FileError: it is damaged.
    """
    path = run.directory / METRICS
    rows = run.metrics() if path.exists() else []
    if missing := [name for name in NEEDED if rows and name not in rows[0]]:
        raise file_problem(path, f"is damaged: it has no column {missing[0]}")
    return rows


def _state(found: Found, run: Run, rows: Sequence[Mapping[str, float]]) -> tuple[str, str, int]:
    """The state of a run, why, and how many epochs it is to have."""
    if run.is_imported:
        return IMPORTED, f"its weights are from elsewhere: {Path(str(run.environment.get('weights', ''))).name}", 0
    recipe, ended = run.recipe, found.execution
    planned = min(found.trial.until, recipe.epochs) if found.trial is not None else recipe.epochs
    if is_training(found.directory):
        return TRAINING, "", planned
    if ended is not None and ended.state != COMPLETED:
        return ended.state, ended.first_line, planned
    if DIVERGED in run.environment:
        return DIVERGED, str(run.environment[DIVERGED]), planned
    if wrong := next((row for row in rows if not math.isfinite(row["val_loss"])), None):
        return DIVERGED, f"its validation loss became {wrong['val_loss']} in epoch {wrong['epoch']}", planned
    rule = recipe.early_stopping
    if rule is not None and unimproved(rule, (row[rule.monitor] for row in rows)).ran_out:
        reason = f"stopped early: {rule.monitor} did not improve for {rule.patience} epochs"
        return (COMPLETE if ended or (found.directory / MODEL).is_file() else STOPPED), reason, planned
    if len(rows) < planned:
        return STOPPED, f"after epoch {len(rows)} of {planned}", planned
    if found.trial is None and not (found.directory / MODEL).is_file():
        return STOPPED, f"before {MODEL} was written", planned
    return COMPLETE, "", planned


def _is_starting(directory: Path) -> bool:
    """Whether a process has claimed the directory, and not yet written what the run is made of."""
    return is_training(directory) and not (directory / ENVIRONMENT).exists()


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None

"""The files of a search: one directory for each trial, and the table made from them.

spec.yaml            the spec that is searched
journal.jsonl        every decision, for --resume
trials.csv           a row for each execution
best.yaml            the best candidate, as a spec
best.json            which trial that is, and its result
trials/0001/
  trial.json         the values of the candidate, and what its network costs
  run-1.yaml         the spec of the first execution, with its seed
  run-1/             the run directory of the first execution
  run-1.log          its output
  run-1.json         how it ended
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from builder.runs.metrics import COLUMNS
from builder.runs.names import TRIALS
from builder.system.files import read_json, write_json, write_text

COMPLETED, FAILED, DIVERGED, OUT_OF_MEMORY, TIMED_OUT, KILLED = (
    "completed",
    "failed",
    "diverged",
    "out_of_memory",
    "timed_out",
    "killed",
)
METRICS = tuple(name for name in COLUMNS if name not in ("epoch", "step", "seconds", "images_per_second"))
"""The metrics of an epoch that a trial is compared by."""
SIZES = ("trainable_parameters", "macs")
"""What is known of a trial's network before it is trained."""


@dataclass(frozen=True)
class Trial:
    """A candidate that is tried.

    Attributes:
        id: `0001`, `0002` and so on.
        values: the candidate's value for each name of the space that counts in it.
        trainable_parameters: the trainable parameters of its network.
        macs: the multiply-accumulates of its network for one picture.
        root: the id of the trial whose run this one continues (a later round of Hyperband), otherwise its own.
        until: the epoch after which it stops.
        latency_ms: the measured milliseconds for one picture, if the budget limits them.
    """

    id: str
    values: Mapping[str, Any]
    trainable_parameters: int
    macs: int
    root: str
    until: int
    latency_ms: float | None = None

    @property
    def sizes(self) -> dict[str, int]:
        """The values of `SIZES`."""
        return {"trainable_parameters": self.trainable_parameters, "macs": self.macs}


@dataclass(frozen=True)
class Execution:
    """One training of a trial, and how it ended.

    Attributes:
        trial: the trial's id.
        number: which of the trial's trainings it is, from 1.
        state: `completed`, or one of the ways to fail: `failed`, `diverged`, `out_of_memory`, `timed_out`, `killed`.
        objective: the objective in the best epoch, or None if the execution failed.
        metrics: the other metrics of the best epoch.
        epochs: how many epochs the run has had, those of earlier rounds included.
        best_epoch: the epoch whose objective and metrics these are.
        seconds: seconds of training and validation, in this trial only.
        wall_seconds: seconds from the start of the process to its end.
        seed: the seed of the training.
        message: why it failed.
    """

    trial: str
    number: int
    state: str
    objective: float | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    epochs: int = 0
    best_epoch: int = 0
    seconds: float = 0.0
    wall_seconds: float = 0.0
    seed: int | None = None
    message: str = ""

    @property
    def first_line(self) -> str:
        """The first line of the message."""
        return self.message.splitlines()[0] if self.message else ""


@dataclass(frozen=True)
class Files:
    """The files in the directory of a search."""

    directory: Path

    def trial(self, trial_id: str) -> Path:
        return self.directory / TRIALS / trial_id

    def run(self, trial: Trial, number: int) -> Path:
        """The run directory of an execution; later rounds of Hyperband use that of the first."""
        return self.trial(trial.root) / f"run-{number}"

    def spec(self, trial: Trial, number: int) -> Path:
        return self.trial(trial.root) / f"run-{number}.yaml"

    def record(self, trial: Trial, number: int) -> Path:
        return self.trial(trial.id) / f"run-{number}.json"

    def log(self, trial: Trial, number: int) -> Path:
        return self.trial(trial.id) / f"run-{number}.log"

    def write_trial(self, trial: Trial) -> None:
        path = self.trial(trial.id)
        path.mkdir(parents=True, exist_ok=True)
        write_json(path / "trial.json", asdict(trial))

    def read_trial(self, trial_id: str) -> Trial | None:
        found = _read(self.trial(trial_id) / "trial.json")
        return None if found is None else Trial(**found)

    def trials(self) -> list[Trial]:
        paths = sorted((self.directory / TRIALS).glob("*/trial.json"))
        return [Trial(**found) for path in paths if (found := _read(path)) is not None]

    def executions(self, trial_id: str) -> list[Execution]:
        """The executions of a trial that have ended, by number; failed attempts come before the ones that followed."""
        paths = [path for path in self.trial(trial_id).glob("run-*.json") if path.is_file()]
        found = [(execution, path.name) for path in paths if (execution := self.execution(path)) is not None]
        return [one for one, _ in sorted(found, key=lambda pair: (pair[0].number, -pair[1].count("."), pair[1]))]

    def runs_again(self, trial: Trial) -> bool:
        """Whether the last execution failed and its record was put aside for another attempt, which has not ended."""
        executions = self.executions(trial.id)
        return bool(executions) and not self.record(trial, executions[-1].number).exists()

    @staticmethod
    def execution(path: Path) -> Execution | None:
        found = _read(path)
        return None if found is None else Execution(**found)

    def rows(self, names: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Yields the rows of `trials.csv`, read from the files of the trials."""
        for trial in self.trials():
            for one in self.executions(trial.id):
                metrics = {name: one.metrics[name] for name in METRICS if name in one.metrics}
                yield {
                    "trial": trial.id,
                    "execution": one.number,
                    "state": one.state,
                    **{name: _plain(trial.values[name]) for name in names if name in trial.values},
                    **trial.sizes,
                    "latency_ms": trial.latency_ms,
                    "objective": one.objective,
                    **metrics,
                    "epochs": one.epochs,
                    "best_epoch": one.best_epoch,
                    "seconds": round(one.seconds, 3),
                    "wall_seconds": round(one.wall_seconds, 3),
                    "seed": one.seed,
                    "continues": trial.root if trial.root != trial.id else None,
                    "message": one.first_line or None,
                }

    def write_table(self, names: Sequence[str]) -> None:
        """Writes `trials.csv`, atomically.

        Args:
            names: the names of the space, a column each.
        """
        rows = list(self.rows(names))
        sizes = (*SIZES, *(["latency_ms"] if any(row["latency_ms"] for row in rows) else []))
        first = ("trial", "execution", "state", *names, *sizes, "objective")
        last = ("epochs", "best_epoch", "seconds", "wall_seconds", "seed", "continues", "message")
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, (*first, *METRICS, *last), extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        write_text(self.directory / "trials.csv", text.getvalue())


def _plain(value: Any) -> Any:
    return value if isinstance(value, int | float | str) else json.dumps(value)


def _read(path: Path) -> dict[str, Any] | None:
    """The content of a JSON file, or None if it is missing or damaged."""
    try:
        found: dict[str, Any] = read_json(path)
    except (OSError, ValueError):
        return None
    return found

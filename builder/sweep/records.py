"""A sweep's directory: each trial's files, and the table made of them.

spec.yaml            the spec that is searched
sweep.jsonl          what was decided
trials.csv           a row an execution
best.yaml            the best candidate, as a spec
trials/0001/
  trial.json         the values, and what the network costs
  run-1.yaml         the first execution's spec, its seed in it
  run-1/             its run directory
  run-1.log          what it said
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
from builder.system.files import write_json, write_text

COMPLETED, FAILED, DIVERGED, OUT_OF_MEMORY, TIMED_OUT, KILLED = (
    "completed",
    "failed",
    "diverged",
    "out_of_memory",
    "timed_out",
    "killed",
)
METRICS = tuple(name for name in COLUMNS if name not in ("epoch", "step", "seconds", "images_per_second"))


@dataclass(frozen=True)
class Trial:
    """What a trial tries.

    Attributes:
        id: `0001` and so on.
        values: of the candidate, by name.
        trainable_parameters, macs: of its network; `latency_ms` where the budget limits it.
        root: the trial whose runs this one continues; its own id where it begins.
        until: after how many epochs it stops.
    """

    id: str
    values: Mapping[str, Any]
    trainable_parameters: int
    macs: int
    root: str
    until: int
    latency_ms: float | None = None


@dataclass(frozen=True)
class Execution:
    """How one training of a trial ended.

    Attributes:
        number: which of the trial's trainings, from 1.
        state: `completed`, or why not.
        objective: the value that counts, None where there is none.
        metrics: of the best epoch.
        epochs: trained, those of earlier rounds included; `best_epoch` is the one that counts.
        seconds: of training and validation, in this trial.
        wall_seconds: of the process, its start and the network's building included.
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


@dataclass(frozen=True)
class Files:
    """Where a sweep's files are."""

    directory: Path

    def trial(self, trial_id: str) -> Path:
        return self.directory / "trials" / trial_id

    def run(self, trial: Trial, number: int) -> Path:
        """The run directory of an execution, which Hyperband's later rounds share with the first."""
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
        paths = sorted((self.directory / "trials").glob("*/trial.json"))
        return [Trial(**found) for path in paths if (found := _read(path)) is not None]

    def executions(self, trial_id: str) -> list[Execution]:
        """Those of a trial that have ended; failed ones that ran again first."""
        paths = [path for path in self.trial(trial_id).glob("run-*.json") if path.is_file()]
        found = [(execution, path.name) for path in paths if (execution := self.execution(path)) is not None]
        return [one for one, _ in sorted(found, key=lambda pair: (pair[0].number, -pair[1].count("."), pair[1]))]

    def runs_again(self, trial: Trial) -> bool:
        """Whether the last execution that ended was put aside for another attempt, which has not ended."""
        executions = self.executions(trial.id)
        return bool(executions) and not self.record(trial, executions[-1].number).exists()

    @staticmethod
    def execution(path: Path) -> Execution | None:
        found = _read(path)
        return None if found is None else Execution(**found)

    def rows(self, names: Sequence[str]) -> Iterator[dict[str, Any]]:
        """The rows of `trials.csv`, from the trials' own files."""
        for trial in self.trials():
            for one in self.executions(trial.id):
                metrics = {name: one.metrics[name] for name in METRICS if name in one.metrics}
                yield {
                    "trial": trial.id,
                    "execution": one.number,
                    "state": one.state,
                    **{name: _plain(trial.values[name]) for name in names if name in trial.values},
                    "trainable_parameters": trial.trainable_parameters,
                    "macs": trial.macs,
                    "latency_ms": trial.latency_ms,
                    "objective": one.objective,
                    **metrics,
                    "epochs": one.epochs,
                    "best_epoch": one.best_epoch,
                    "seconds": round(one.seconds, 3),
                    "wall_seconds": round(one.wall_seconds, 3),
                    "seed": one.seed,
                    "continues": trial.root if trial.root != trial.id else None,
                    "message": one.message.splitlines()[0] if one.message else None,
                }

    def write_table(self, names: Sequence[str]) -> None:
        """Writes `trials.csv` anew, atomically."""
        rows = list(self.rows(names))
        sizes = ("trainable_parameters", "macs", *(["latency_ms"] if any(row["latency_ms"] for row in rows) else []))
        before = ("trial", "execution", "state", *names, *sizes, "objective")
        behind = ("epochs", "best_epoch", "seconds", "wall_seconds", "seed", "continues", "message")
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, (*before, *METRICS, *behind), extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        write_text(self.directory / "trials.csv", text.getvalue())


def _plain(value: Any) -> Any:
    return value if isinstance(value, int | float | str) else json.dumps(value)


def _read(path: Path) -> dict[str, Any] | None:
    """A JSON file; None where there is none, or it is damaged."""
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found

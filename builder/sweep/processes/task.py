"""What the process of an execution is given to do, as the search writes it and the process reads it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FAULT_STATUS = 64
"""The process of an execution that the machine has stopped ends with this exit status plus the error's number, one of
`builder.system.endings.FAULTS`."""
PATHS = ("spec", "run_dir", "record", "log")


@dataclass(frozen=True, kw_only=True)
class Task:
    """One execution of a trial.

    Attributes:
        trial: the trial's id.
        number: which of the trial's executions this is, from 1.
        spec: the file of the spec that is trained.
        run_dir: the run directory. A run that has begun there is resumed.
        record: the file for the `Execution`, written at the end.
        log: the file that gets all output.
        data_dir: where TFDS keeps prepared data sets, or None for its own default.
        until: the epoch after which the execution stops, or None for the last one of its spec.
        from_epoch: how many epochs earlier rounds of the same training have had; their seconds do not count.
        seed: the seed of the training.
        objective: the name of the metric, or of one of `sizes`, that the search optimizes.
        sizes: `trainable_parameters` and `macs` of the network.
        cores: the CPU cores to run on; all of them if empty.
        gpus: the value of CUDA_VISIBLE_DEVICES, or None to leave it as it is.
        memory_share: the share of the free memory that is for this execution, as others run beside it.
    """

    trial: str
    number: int
    spec: Path
    run_dir: Path
    record: Path
    log: Path
    data_dir: str | None
    until: int | None
    from_epoch: int
    seed: int
    objective: str
    sizes: Mapping[str, int]
    cores: Sequence[int] = ()
    gpus: str | None = None
    memory_share: float = 1.0

    def to_json(self) -> dict[str, Any]:
        """The task as JSON values."""
        return dataclasses.asdict(self) | {name: str(getattr(self, name)) for name in PATHS}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Task:
        """The task that `to_json` gave these values for."""
        found: dict[str, Any] = {name: Path(value) if name in PATHS else value for name, value in values.items()}
        return cls(**found)


def to_line(task: Task, number: int) -> bytes:
    """A task and the number that its fork server answers with, as one line."""
    return json.dumps({"number": number, "task": task.to_json()}).encode() + b"\n"


def from_line(line: bytes | str) -> tuple[Task, int]:
    """The task and the number in a line of `to_line`."""
    found = json.loads(line)
    return Task.from_json(found["task"]), found["number"]

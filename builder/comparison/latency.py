"""The milliseconds that a run's network takes for one picture, where an export or a search has measured them."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archspec.commands import as_started
from builder.runs.names import EXPORT
from builder.runs.run import Run
from builder.sweep.records import Trial
from builder.system.files import read_json

FOLDER = "exports"
"""Where exports are looked for, as `tools/export.py` writes them: `exports/<name>/<number>/`."""
FIRST = "saved_model"
"""The format whose time counts where there are several; every export has it unless another is asked for."""
IN_SEARCH = "TensorFlow, in the search"


@dataclass(frozen=True)
class Latency:
    """The time of a prediction. Two are comparable where `by` and `machine` are the same.

    Attributes:
        milliseconds: the median time of a call with one picture.
        by: what was measured: the format of an export, or the network before its training, in a search.
        machine: on what it was measured; empty if that is not recorded.
        source: the file that says so.
    """

    milliseconds: float
    by: str
    machine: str
    source: str


def latency_of(run: Run, trial: Trial | None, folder: Path) -> Latency | None:
    """The latency of a run's network: that of its newest export, or else what its search has measured.

    Args:
        run: the run.
        trial: the trial that it is of, if it is a search's.
        folder: the folder of the exports of all networks.
    """
    found = [one for path in sorted(folder.glob(f"*/*/{EXPORT}")) if (one := _of_export(path, run)) is not None]
    if found:
        return max(found, key=lambda pair: pair[0])[1]
    if trial is not None and trial.latency_ms is not None:
        return Latency(trial.latency_ms, IN_SEARCH, "", str(run.directory.parent / "trial.json"))
    return None


def command(directory: Path) -> str:
    """The command that measures the latency of a run."""
    return as_started(shlex.join(["python", "tools/export.py", str(directory)]))


def _of_export(path: Path, run: Run) -> tuple[str, Latency] | None:
    """When a run was exported, and the time that the export has measured; None for an export of another run: those
    of one run have its network, its directory's name and the second in which its training began."""
    try:
        content = read_json(path)
        mine = run.spec.name, run.directory.resolve().name, run.environment.get("started")
        if (content["network"], content["run"], content.get("run_started")) != mine:
            return None
        by, milliseconds = _measured(content["formats"])
        return str(content["exported"]), Latency(milliseconds, by, str(content["measured_on"]), str(path))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None  # what others have put there


def _measured(formats: Sequence[Mapping[str, Any]]) -> tuple[str, float]:
    times = {str(one["format"]): float(one["milliseconds"]["1"]) for one in formats}
    by = FIRST if FIRST in times else min(times, key=lambda name: times[name])
    return by, times[by]

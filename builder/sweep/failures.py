"""How an execution has ended whose process left no record."""

from __future__ import annotations

import os
from pathlib import Path

from archspec.errors import FileError, file_problem
from archspec.wording import counted
from builder.runs.advice import resume_command
from builder.sweep.records import FAILED, KILLED, TIMED_OUT, Execution, Trial

LOG_TAIL = 2_000
"""Characters at the end of a log in which the last line is looked for."""


def unrecorded(
    trial: Trial, number: int, status: int, restarts: int, limit: float | None, log: Path, wall_seconds: float
) -> Execution:
    """The record of an execution whose process left none.

    Args:
        number: which of the trial's executions it is, from 1.
        status: the process's exit status, negative after a signal.
        restarts: how often it was resumed after a signal.
        limit: the minutes that it was allowed, if it was ended for taking longer.
        log: its output.
    """
    if limit is not None:
        state, message = TIMED_OUT, f"took longer than max_minutes_per_trial, {limit:g}"
    elif status < 0:
        times = counted(restarts + 1, "time")
        state, message = KILLED, f"killed by signal {-status} {times}, perhaps because memory ran out"
    else:
        text = log.read_text(errors="replace")[-LOG_TAIL:].strip() if log.exists() else ""
        last = text.splitlines()[-1] if text else "no output"
        state, message = FAILED, f"ended with status {status}: {last}"
    return Execution(trial.id, number, state, message=message, wall_seconds=wall_seconds)


def stopped_by_machine(directory: Path, trial: Trial, fault: int) -> FileError:
    """The error that ends a search after the machine has stopped a trial, as it would stop any other.

    Args:
        directory: that of the search.
        fault: one of `builder.system.endings.FAULTS`.
    """
    return file_problem(
        directory,
        f"trial {trial.id} was stopped by the machine, not by its own fault: {os.strerror(fault)}; once that is "
        f"mended, resume the search, and this trial with it: {resume_command('tune', directory)}",
    )

"""Sends runs to a tracker: those that are complete, and those that a process trains in at this moment.

It reads the run's files and writes none of them, in a process of its own: whatever becomes of the tracker, a training
does not notice.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from archspec.errors import argument_problem, file_problem, path_of
from archspec.wording import counted
from builder.runs.directory import is_training
from builder.runs.finding import is_run, is_search
from builder.runs.names import ENVIRONMENT, METRICS, MODEL, TRIALS
from builder.runs.run import Run, open_run
from builder.system.ctrl_c import disarm
from builder.system.terminal import Say
from builder.tracking.content import Content, content_of, files_of
from builder.tracking.tracker import TRACKERS, State, Tracker, TrackerError, check_installed, open_tracker

SECONDS = 2.0
"""Seconds between two looks at a run that is followed."""


@dataclass(frozen=True)
class Sent:
    """What became of a run: the epochs that were sent this time, those that there are, and how it stands."""

    now: int
    epochs: int
    state: State


def send(
    path: str | os.PathLike[str], to: str, project: str | None = None, follow: bool = False, say: Say = print
) -> None:
    """Sends a run, or the runs of a search's trials, to a tracker. What it has already is not sent again.

    Args:
        path: the directory of a run, or of a search.
        to: one of `TRACKERS`.
        project: MLflow's experiment, or W&B's project (default: the network's name).
        follow: whether to wait for more epochs until the run's training ends.
        say: takes lines of progress.

    Raises:
        UserError: it is no run, the tracker's package is missing, or the tracker cannot be reached.
        KeyboardInterrupt: Ctrl-C, after the tracker was told.
    """
    directory = path_of(path, "the directory of a run or of a search")
    check_installed(to)
    if is_search(directory):
        if follow:
            message = (
                f"is a search, and --follow follows one run: name that of a trial, {directory / TRIALS}/0001/run-1"
            )
            raise file_problem(directory, message)
        for run in _trials(directory):
            _send(run, to, content_of(run, project, directory), False, say)
        return
    if follow:
        _wait_for_start(directory)
    run = open_run(directory, is_finished=False)
    if not (run.directory / METRICS).exists() and run.is_imported:
        raise file_problem(directory, "was imported, and has no epochs to send")
    _send(run, to, content_of(run, project), follow, say)


def _trials(search: Path) -> Iterator[Run]:
    """The runs of a search's trials."""
    found = [
        path for path in sorted((search / TRIALS).glob("*/run-*")) if is_run(path) and (path / ENVIRONMENT).exists()
    ]
    if not found:
        raise file_problem(search, "is a search without a trial that has begun")
    return (open_run(path, is_finished=False) for path in found)


def _wait_for_start(directory: Path) -> None:
    """Waits until a training that has just taken the directory has written where the run comes from."""
    while is_training(directory) and not (directory / ENVIRONMENT).exists():
        time.sleep(SECONDS / 10)


def _send(run: Run, to: str, content: Content, follow: bool, say: Say) -> None:
    """Sends a run, and says what became of it."""
    who, again = TRACKERS[to], "the same command sends what is missing"
    try:
        tracker = open_tracker(to, content)
        disarm()  # the tracker's package is imported; from here on Ctrl-C is answered
        say(f"{run.directory} to {tracker.place}")
        try:
            sent = _epochs(run, tracker, content, follow, say)
            tracker.add_files(files_of(run))
        except KeyboardInterrupt:
            tracker.close("running" if is_training(run.directory) else _state(run))
            say(f"stopped; the training does not notice, and {again}")
            raise
        tracker.close(sent.state)
    except TrackerError as error:
        raise argument_problem(f"--to {to}", f"{who} cannot be reached, or refuses: {error}; {again}") from error
    said = f"{counted(sent.now, 'epoch')} of {sent.epochs} sent"
    if not sent.now:
        said = f"all of {counted(sent.epochs, 'epoch')} were there already" if sent.epochs else "no epoch has ended yet"
    more = {
        "running": "; it is being trained: --follow sends the rest as it comes",
        "stopped": "; it was stopped before its end",
        "finished": "",
    }
    say(said + more[sent.state])


def _epochs(run: Run, tracker: Tracker, content: Content, follow: bool, say: Say) -> Sent:
    """Sends the epochs that the tracker has not; if the run is followed, until its training ends.

    Raises:
        TrackerError: the tracker cannot be reached when the training has ended.
    """
    there, count, is_lost = tracker.epochs(), 0, False
    while True:
        training = is_training(run.directory)  # before the rows are read, so that none are missed
        rows = run.metrics() if (run.directory / METRICS).exists() else []
        new = [
            (row, end) for row, end in zip(rows, _ends(rows, content.started), strict=True) if row["epoch"] not in there
        ]
        try:
            if new:
                tracker.add([row for row, _ in new], [end for _, end in new])
                if follow:
                    say(f"sent {_range([int(row['epoch']) for row, _ in new])}")
            there |= {int(row["epoch"]) for row, _ in new}
            count, is_lost = count + len(new), False
        except TrackerError as error:
            if not (follow and training):
                raise
            if not is_lost:
                say(f"{error}; trying again until the training ends")
            is_lost = True
        if not (follow and training):
            return Sent(count, len(rows), "running" if training else _state(run))
        time.sleep(SECONDS)


def _ends(rows: Sequence[dict[str, float]], started: float) -> list[float]:
    """When each epoch ended, in seconds since 1970: the run's start and the seconds of its epochs so far, so that an
    epoch that is sent twice is the same both times. Pauses between interruption and resumption are not in it."""
    found, end = [], started
    for row in rows:
        end += row["seconds"]
        found.append(end)
    return found


def _state(run: Run) -> State:
    """How a run stands that no process trains in."""
    return "finished" if (run.directory / MODEL).exists() else "stopped"


def _range(epochs: Sequence[int]) -> str:
    return f"epoch {epochs[0]}" if len(epochs) == 1 else f"epochs {epochs[0]} to {epochs[-1]}"

"""Which runs are meant by the paths that a user names: runs, and searches, which stand for the runs of their trials."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from archspec.errors import Problem, UserError, argument_problem, file_problem, path_of
from builder.runs.finding import find_run, is_search
from builder.sweep.records import Execution, Files, Trial

A_RUN = "the directory of a run or of a search"


@dataclass(frozen=True)
class Found:
    """A run that is to be compared.

    Attributes:
        directory: the run's own.
        name: what it is called: its path, or that of its search and the trial's number, as in `runs/search/0007`.
        trial: the trial that it is of; None for a run of no search. Of a candidate that is trained in rounds, the last.
        execution: how the trial's training ended; None if it has not, or is not of a search.
    """

    directory: Path
    name: str
    trial: Trial | None = None
    execution: Execution | None = None


def find(paths: Sequence[str | os.PathLike[str]]) -> list[Found]:
    """The runs that paths mean, in their order.

    Raises:
        UserError: a path that is no run and no search, a search that has no trial yet, or a run that is meant twice;
            every mistake at once.
    """
    if not paths:
        raise argument_problem("runs", "is empty; name the directory of at least one run")
    found: list[Found] = []
    problems: list[Problem] = []
    for given in paths:
        try:
            path = path_of(given, A_RUN)
            some = list(_trials(path)) if is_search(path) else [_run(path)]
        except UserError as error:
            problems += error.problems
            continue
        if not some:
            problems += file_problem(path, "is a search of which no trial has begun, so there is no run yet").problems
        found += some
    seen: dict[Path, Found] = {}
    for one in found:
        first = seen.setdefault(one.directory.resolve(), one)
        if first is not one:
            also = f", as {first.name} too" if first.name != one.name else ""
            message = f"is named twice{also}; each run counts once, so name it once"
            problems += file_problem(one.directory, message).problems
    if problems:
        raise UserError(problems)
    return found


def _run(path: Path) -> Found:
    directory, _ = find_run(path)
    return Found(directory, os.fspath(directory))


def _trials(search: Path) -> Iterator[Found]:
    """The runs of a search's trials, those that failed and those that are training included."""
    files = Files(search)
    last = {trial.root: trial for trial in files.trials()}
    for root, trial in last.items():
        runs = sorted(path for path in files.trial(root).glob("run-*") if path.is_dir())
        for run in runs:
            number = run.name.removeprefix("run-")
            name = os.fspath(search / root) + (f"/{number}" if len(runs) > 1 else "")
            execution = files.execution(files.trial(trial.id) / f"{run.name}.json")
            yield Found(run, name, trial, execution)

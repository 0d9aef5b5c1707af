"""The directory of a search: chosen, claimed by one process, and opened again to resume."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import archspec
from archspec import Spec
from archspec.errors import file_problem
from archspec.search import Tuner, tuner_name
from builder.runs import names
from builder.runs.comparison import check_same_spec
from builder.runs.directory import locked
from builder.system.files import write_text
from builder.system.terminal import Say

MAY_CHANGE = (
    "search.tuner",
    "search.max_minutes_per_trial",
    "train.distribute",
    "train.cache",
    "train.xla",
    "train.rematerialize",
)
"""Paths of the spec that may change when a search is resumed; of the tuner, its `free_on_resume` only."""


def choose_directory(name: str, run_dir: str | os.PathLike[str] | None, resume: bool) -> Path:
    """Returns the directory of a search over the network `name`; it need not exist yet.

    Raises:
        FileError: the newest search is to be resumed, and there is none.
    """
    if run_dir is not None:
        return Path(run_dir)
    parent = Path("runs") / name
    if resume:
        found = [path.parent for path in parent.glob("search-*/spec.yaml")]
        if not found:
            raise file_problem(parent, "has no search to resume; name one with --resume RUN")
        return max(found, key=lambda path: path.stat().st_mtime)
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
    names = (f"search-{stamp}" if number == 1 else f"search-{stamp}-{number}" for number in range(1, 1000))
    return next(path for name in names if not (path := parent / name).exists())


def is_begun(directory: Path) -> bool:
    """Whether a search has begun in the directory. A run has a spec too, and says where its result comes from."""
    return (directory / names.SPEC).exists() and not (directory / names.ENVIRONMENT).exists()


@contextlib.contextmanager
def claimed(directory: Path, spec: Spec, resume: bool, say: Say) -> Iterator[None]:
    """Makes the directory, or checks that the search in it can be resumed, and keeps it to this process.

    Raises:
        FileError: it holds something else, belongs to another process or to a search with another spec, or cannot be
            written.
    """
    with contextlib.ExitStack() as stack:
        with _problems_of(directory):
            resumed = resume and is_begun(directory)
            # A search that was killed as it began has left hidden files at most.
            if resume and not resumed and (not directory.exists() or _files(directory)):
                problem = "is not the directory of a search, so there is nothing to resume; start one without --resume"
                raise file_problem(directory, problem)
            if not resumed and directory.is_dir():
                _check_new(directory)  # before the lock, which leaves a file
            directory.mkdir(parents=True, exist_ok=True)
            stack.enter_context(locked(directory))
            _check_same(directory, spec) if resumed else _check_new(directory)
            write_text(directory / names.SPEC, spec.to_yaml())
            (directory / names.TRIALS).mkdir(exist_ok=True)
            say(f"search directory {directory}")
        yield


def make_shared(directory: Path) -> None:
    """Makes the directory for a worker of a search over several machines, whose chief claims it.

    Raises:
        FileError: it cannot be made.
    """
    with _problems_of(directory):
        directory.mkdir(parents=True, exist_ok=True)


@contextlib.contextmanager
def _problems_of(directory: Path) -> Iterator[None]:
    """Reports what the system says of the directory as an error of the user's."""
    try:
        yield
    except BrokenPipeError:  # nobody reads the output
        raise
    except OSError as error:
        raise file_problem(directory, f"cannot be made: {error.strerror}; name another with --run-dir") from error


def _files(directory: Path) -> list[str]:
    return [path.name for path in directory.iterdir() if not path.name.startswith(".")]


def _check_new(directory: Path) -> None:
    if _files(directory):
        raise file_problem(
            directory,
            "is not empty, and a search never overwrites another; name a new directory, or resume the search in this "
            "one with --resume",
        )


def _check_same(directory: Path, spec: Spec) -> None:
    """Refuses to resume a search with another spec.

    Raises:
        FileError: naming the first differences.
    """
    check_same_spec(directory, spec, MAY_CHANGE)
    before = archspec.load(directory / names.SPEC).search
    assert before is not None and spec.search is not None
    if difference := _difference(before.tuner, spec.search.tuner):
        raise file_problem(directory, f"is a search with another tuner: {difference}; to resume it, give the same one")


def _difference(before: Tuner, now: Tuner) -> str | None:
    """The first difference between two tuners that a resumed search may not have, in words."""
    if type(before) is not type(now):
        return f"it was {tuner_name(before)}, is {tuner_name(now)}"
    options = [name for name in vars(before) if name not in before.free_on_resume]
    changed = (name for name in options if vars(before)[name] != vars(now)[name])
    return next((f"{name} was {vars(before)[name]}, is {vars(now)[name]}" for name in changed), None)

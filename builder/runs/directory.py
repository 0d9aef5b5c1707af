"""The directory of a run: claimed once, locked by the process that trains in it, found again to be resumed.

It imports no TensorFlow, so that a wrong directory is reported at once.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from archspec import Spec
from archspec.errors import argument_problem, file_problem
from archspec.spec.addresses import recipe_of
from builder.runs.comparison import check_same_spec
from builder.runs.names import CHECKPOINTS, LOCK


def check_free(directory: str | os.PathLike[str]) -> None:
    """Refuses a directory that holds anything.

    Raises:
        FileError: it is not a directory, is not empty, or cannot be read.
    """
    path = Path(directory)
    try:
        taken = any(path.iterdir())
    except FileNotFoundError:
        return
    except OSError as error:
        raise file_problem(path, f"cannot hold a run: {error.strerror}") from error
    if taken:
        raise file_problem(
            path, "is not empty, and a run never overwrites another; name a new directory with --run-dir"
        )


def claim(directory: str | os.PathLike[str] | None, name: str) -> Path:
    """Makes a run's directory, with `checkpoints/` in it. If two processes want the same directory, one gets it.

    Args:
        directory: the run's own directory, new or empty; by default `runs/<name>/<YYYYMMDD-HHMMSS>/`.
        name: the network's name.

    Raises:
        FileError: it holds something already, or cannot be made.
    """
    path = Path(directory) if directory else _unused(Path("runs") / name)
    check_free(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
        (path / CHECKPOINTS).mkdir()
    except FileExistsError:
        raise file_problem(path, "was taken by another run this moment; name a new directory with --run-dir") from None
    except OSError as error:
        raise file_problem(path, f"cannot be made: {error.strerror}") from error
    return path


def _unused(parent: Path) -> Path:
    """A directory named by the time, with a number after it if several runs start in one second."""
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
    candidates = (parent / (stamp if number == 1 else f"{stamp}-{number}") for number in range(1, 1000))
    return next(path for path in candidates if not path.exists())


@contextlib.contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Keeps a run directory to this process. The lock ends with the process, however that ends.

    Raises:
        FileError: another process trains in the directory, or it cannot be written.
    """
    with contextlib.ExitStack() as stack:
        try:
            file = stack.enter_context((directory / LOCK).open("w"))
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise file_problem(directory, "is in use: another process trains in it at this moment") from None
        except OSError as error:
            raise file_problem(directory, f"cannot be written: {error.strerror}") from error
        yield


# -- resuming --------------------------------------------------------------------------------------------------------


def check_can_train(spec: Spec, directory: str | os.PathLike[str] | None, resume: bool) -> None:
    """Reports, before TensorFlow is imported, why a spec cannot be trained in a directory.

    Raises:
        SpecError: the spec has no `train` section.
        FileError: the run to resume is one of another spec, or the directory for a new run is not free.
    """
    recipe_of(spec)
    if directory is None:
        return
    if resumes(directory, resume):
        check_same_spec(Path(directory), spec)
    else:
        check_free(directory)


def resumes(directory: str | os.PathLike[str] | None, resume: bool) -> bool:
    """Whether a training resumes a run that has begun in a directory, rather than beginning one. Without a run there,
    a training that may resume begins one."""
    return resume and directory is not None and is_begun(directory)


def is_begun(directory: str | os.PathLike[str]) -> bool:
    """Whether a run has begun in a directory, however little of it there is."""
    return (Path(directory) / CHECKPOINTS).is_dir()


def to_resume(name: str, run: str, run_dir: str | None) -> Path:
    """The directory that `--resume RUN` means: that run, or that of `--run-dir`, or the network's newest.

    Raises:
        UserError: there is no such run.
    """
    if run and run_dir:
        raise argument_problem("--resume", f"names {run}, and --run-dir {run_dir}; give one of them")
    if run_dir:
        return Path(run_dir)
    if run and not is_begun(run):
        raise file_problem(run, "is not the directory of a run, so there is nothing to resume")
    found = Path(run) if run else latest(name)
    if found is None:
        raise file_problem(Path("runs") / name, "has no run to resume; name one with --resume RUN")
    return found


def latest(name: str) -> Path | None:
    """The newest run of a network under `runs/`."""
    begun = [path for path in (Path("runs") / name).glob("*") if is_begun(path)]
    return max(begun, key=lambda path: path.stat().st_mtime, default=None)

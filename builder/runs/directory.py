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
from builder.runs.advice import resume_command, start_from
from builder.runs.comparison import MAY_CHANGE, check_same_spec, with_recorded_batch
from builder.runs.extension import check_extension
from builder.runs.names import CHECKPOINTS, LOCK, MODEL, SPEC, TRIALS


def check_free(directory: str | os.PathLike[str], option: str = "--run-dir") -> None:
    """Refuses a directory that holds anything.

    Args:
        option: the option that names the directory.

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
            path, f"is not empty, and a run never overwrites another; name a new directory with {option}"
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


def is_training(directory: Path) -> bool:
    """Whether a process trains in a run directory at this moment."""
    try:
        with (directory / LOCK).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # there is no lock, or no way to tell
        return False
    return False


# -- resuming --------------------------------------------------------------------------------------------------------


def check_can_train(spec: Spec, directory: str | os.PathLike[str] | None, resume: bool, extend: bool = False) -> None:
    """Reports, before TensorFlow is imported, why a spec cannot be trained in a directory.

    Args:
        extend: whether more epochs than the run began with may change the curve of its learning rate.

    Raises:
        SpecError: the spec has no `train` section.
        FileError: the run to resume is one of another spec, or the directory for a new run is not free.
    """
    recipe_of(spec)
    if directory is None:
        return
    if resumes(directory, resume):
        spec = with_recorded_batch(Path(directory), spec)
        check_same_spec(Path(directory), spec, (*MAY_CHANGE, "train.epochs"))
        check_extension(Path(directory), spec, extend)
    else:
        check_free(directory)


def resumes(directory: str | os.PathLike[str] | None, resume: bool) -> bool:
    """Whether a training resumes a run that has begun in a directory, rather than beginning one. Without a run there,
    a training that may resume begins one."""
    return resume and directory is not None and is_begun(directory)


def is_begun(directory: str | os.PathLike[str]) -> bool:
    """Whether a run has begun in a directory, however little of it there is."""
    return (Path(directory) / CHECKPOINTS).is_dir()


def find_spec(spec: str | None, resume: str | None, run_dir: str | None) -> tuple[str, str | None]:
    """The spec and the directory that a command means: `SPEC --run-dir DIR`, `SPEC --resume RUN`, and, as a run and a
    search have their spec with them, `--resume RUN` or `RUN --resume`.

    Args:
        spec: what stands in the place of a spec, if anything.
        resume: the value of `--resume`, empty if it has none; None without the option.
        run_dir: the value of `--run-dir`.

    Returns:
        The path of the spec, and the directory; None for a new one, or with `--resume` for the newest.

    Raises:
        UserError: neither a spec nor a run is named, several runs are, or the run has no spec.
    """
    if resume is None and spec is not None:
        if is_begun(spec):
            message = (
                f"is a run; resume it with {spec} --resume, or train its spec in a new run with {Path(spec) / SPEC}"
            )
            raise file_problem(spec, message)
        return spec, run_dir
    if resume and Path(resume).is_file():  # a file of the run
        resume = os.fspath(Path(resume).parent)
    is_run = spec is not None and (Path(spec) / SPEC).is_file()  # other folders may have the name of a shipped spec
    named = list(filter(None, (spec if is_run else None, resume, run_dir)))
    if len({os.path.realpath(one) for one in named}) > 1:
        raise argument_problem("--resume", f"two directories are named, {named[0]} and {named[1]}; give one of them")
    directory = named[0] if named else None
    if spec is not None and not is_run:
        return spec, directory
    if resume is None or directory is None:
        raise argument_problem("SPEC", "is missing; name a spec, or a run to resume with --resume RUN")
    path = Path(directory) / SPEC
    if not Path(directory).exists():
        raise file_problem(directory, "there is no such run")
    if not path.is_file():
        raise file_problem(directory, f"has no {SPEC}, so there is nothing to resume; name a spec and --run-dir")
    return str(path), directory


def to_resume(name: str, run: str | None, run_dir: str | None) -> Path:
    """The directory that a training resumes: the one that is named, or the network's newest.

    Args:
        run: a directory that has to be that of a run.
        run_dir: a directory in which a run may also begin.

    Raises:
        FileError: there is no such run.
    """
    if run and (Path(run) / TRIALS).is_dir():
        raise file_problem(run, f"is a search; resume it with {resume_command('tune', run)}")
    if run and (Path(run) / MODEL).is_file() and not is_begun(run):
        raise file_problem(
            run,
            f"has no {CHECKPOINTS}/ to resume from; {start_from(run)}",
        )
    if run and not is_begun(run):
        raise file_problem(run, "is not the directory of a run, so there is nothing to resume")
    found = Path(run_dir) if run_dir else latest(name)
    if found is None:
        raise file_problem(Path("runs") / name, "has no run to resume; name one with --resume RUN")
    return found


def latest(name: str) -> Path | None:
    """The newest run of a network under `runs/`."""
    begun = [path for path in (Path("runs") / name).glob("*") if is_begun(path)]
    return max(begun, key=lambda path: path.stat().st_mtime, default=None)

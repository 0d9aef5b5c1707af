"""The directory of a run: claimed once, written atomically, and a record of where the result comes from.

No TensorFlow, so that a wrong directory is told at once.
"""

from __future__ import annotations

import contextlib
import csv
import errno
import fcntl
import io
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from archspec import Problem, Spec, SpecError
from archspec.errors import Where, file_problem
from archspec.recipe import Train


def recipe_of(spec: Spec) -> Train:
    """A spec's `train` section.

    Raises:
        SpecError: there is none.
    """
    if spec.train is None:
        message = "there is no 'train' section; add one, such as train: {data: digits}"
        raise SpecError([Problem(Where("train", spec.tree.span), message)])
    return spec.train


def address(spec: Spec, *keys: str) -> Where:
    """Where a value of the resolved spec stands; one that has its default, where the mapping stands that lacks it."""
    tree = spec.tree
    for key in keys:
        tree = tree.value.get(key, tree) if isinstance(tree.value, dict) else tree
    return Where(".".join(keys), tree.span)


def check_free(directory: str | os.PathLike[str]) -> None:
    """Refuses a directory that holds anything.

    Raises:
        SpecError: it is not a directory, is not empty, or cannot be read.
    """
    path = Path(directory)
    try:
        taken = any(path.iterdir())
    except FileNotFoundError:
        return
    except OSError as error:
        raise file_problem(path, f"cannot hold a run: {error.strerror}") from None
    if taken:
        raise file_problem(
            path, "is not empty, and a run never overwrites another; name a new directory with --run-dir"
        )


def claim(directory: str | os.PathLike[str] | None, name: str) -> Path:
    """Makes a run's directory, with `checkpoints/` in it; of two processes that want the same, one gets it.

    Args:
        directory: the run's own directory, new or empty; by default `runs/<name>/<YYYYMMDD-HHMMSS>/`.
        name: the network's name.

    Raises:
        SpecError: it holds something already, or cannot be made.
    """
    path = Path(directory) if directory else _unused(Path("runs") / name)
    check_free(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
        (path / "checkpoints").mkdir()
    except FileExistsError:
        raise file_problem(path, "was taken by another run this moment; name a new directory with --run-dir") from None
    except OSError as error:
        raise file_problem(path, f"cannot be made: {error.strerror}") from None
    return path


def _unused(parent: Path) -> Path:
    """A directory named by the time, with a number behind it if several runs start in one second."""
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
    candidates = (parent / (stamp if number == 1 else f"{stamp}-{number}") for number in range(1, 1000))
    return next(path for path in candidates if not path.exists())


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path to write to, which takes the place of `path` when the block ends, at once, and goes if it fails.

    Raises:
        SpecError: the disk is full, or the directory cannot be written.
    """
    temporary = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())  # else the name may outlive a power cut, and the content not
        os.replace(temporary, path)
    except OSError as error:
        raise file_problem(path, f"cannot be written: {error.strerror or error}; what was there is whole") from None
    finally:
        with contextlib.suppress(OSError):  # it is not there, and a disk that is read-only says so before
            temporary.unlink()


def check_writable(folder: Path) -> None:
    """Looks whether a folder can be written to, or made where it is not there; nothing is made.

    Raises:
        OSError: it cannot.
    """
    nearest = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    if not nearest.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def write_text(path: Path, text: str) -> None:
    """Writes a text file atomically."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")  # names of files may not be UTF-8


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Writes a JSON file atomically."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def write_metrics(path: Path, rows: Sequence[Mapping[str, float]]) -> None:
    """Writes `metrics.csv`, a row an epoch, atomically.

    `loss`, `accuracy` and `top5_accuracy` are means over the epoch's training pictures, the L2 penalty left out;
    `learning_rate` is that of the epoch's last step; `seconds` are for training and validation, `images_per_second` for
    training alone.
    """
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, text.getvalue())


COLUMNS = (
    "epoch",
    "step",
    "loss",
    "accuracy",
    "top5_accuracy",
    "val_loss",
    "val_accuracy",
    "val_top5_accuracy",
    "learning_rate",
    "seconds",
    "images_per_second",
)


# -- going on --------------------------------------------------------------------------------------------------------


def goes_on(spec: Spec, directory: str | os.PathLike[str] | None, resume: bool) -> bool:
    """Whether a training goes on with a run that has begun in a directory, rather than beginning one.

    Raises:
        SpecError: the run is one of another spec, or the directory is not free for a new one.
    """
    if directory is None:
        return False
    if resume and is_begun(directory):
        check_same_spec(Path(directory), spec)
        return True
    check_free(directory)
    return False


def is_begun(directory: str | os.PathLike[str]) -> bool:
    """Whether a run has begun in a directory, however little of it there is."""
    return (Path(directory) / "checkpoints").is_dir()


def to_resume(name: str, run: str, run_dir: str | None) -> Path:
    """The directory that `--resume RUN` means: that run, or that of `--run-dir`, or the network's newest.

    Raises:
        SpecError: there is no such run.
    """
    if run and run_dir:
        raise file_problem("--resume", f"names {run}, and --run-dir {run_dir}; give one of them")
    if run_dir:
        return Path(run_dir)
    if run and not is_begun(run):
        raise file_problem(run, "is not the directory of a run, so there is nothing to go on with")
    found = Path(run) if run else latest(name)
    if found is None:
        raise file_problem(Path("runs") / name, "has no run to go on with; name one with --resume RUN")
    return found


def latest(name: str) -> Path | None:
    """The newest run of a network under `runs/`."""
    begun = [path for path in (Path("runs") / name).glob("*") if is_begun(path)]
    return max(begun, key=lambda path: path.stat().st_mtime, default=None)


NAMED = 3
"""How many differences an error names."""
MAY_CHANGE = ("train.distribute", "train.checkpoints", "train.cache", "train.xla")
"""What a resumed run may have otherwise: it decides where and how fast a training runs, not what comes out."""


def check_same_spec(directory: Path, spec: Spec, may_change: tuple[str, ...] = MAY_CHANGE) -> None:
    """Refuses to go on with a run of another spec.

    Args:
        may_change: paths that may be otherwise.

    Raises:
        SpecError: naming the first differences.
    """
    try:
        text = (directory / "spec.yaml").read_text(encoding="utf-8")
    except FileNotFoundError:  # stopped before it was written
        return
    try:
        before = flat(text)
    except yaml.YAMLError:
        raise damaged(directory / "spec.yaml") from None
    if changed := differences(before, flat(spec.to_yaml()), may_change):
        raise file_problem(
            directory,
            f"is a run of another spec: {changed}; to go on give the same spec, which is "
            f"{directory / 'spec.yaml'}; another one needs a new run, which may take the weights with init_from",
        )


def flat(text: str) -> dict[str, str]:
    """Every scalar of a resolved spec's file, as it is written there, by its path.

    Raises:
        yaml.YAMLError: it cannot be read.
    """
    return dict(_leaves(yaml.load(text, yaml.BaseLoader)))  # noqa: S506


def differences(before: Mapping[str, str], now: Mapping[str, str], but: tuple[str, ...]) -> str:
    """What differs between two specs in words, empty where nothing does; paths that begin as one of `but` do not
    count."""
    changed = [path for path in {**before, **now} if before.get(path) != now.get(path) and not path.startswith(but)]
    return few_of([f"{path} was {before.get(path, 'absent')}, is {now.get(path, 'absent')}" for path in changed])


def few_of(shown: Sequence[str]) -> str:
    """The first of some differences, and how many more there are."""
    return "; ".join(shown[:NAMED]) + (f", and {len(shown) - NAMED} more" if len(shown) > NAMED else "")


def damaged(path: Path) -> SpecError:
    """A file of a run that is written anew where it is missing."""
    return file_problem(path, "is damaged; delete it, and it is written anew when the run goes on")


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every scalar of a parsed file by its path; empty mappings and lists count as one."""
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    empty = True
    for key, child in children:
        empty = False
        yield from _leaves(child, f"{path}[{key}]" if isinstance(key, int) else f"{path}.{key}".lstrip("."))
    if empty:
        yield path, str(value)


@contextlib.contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Keeps a run directory to this process; the lock goes with the process, however it ends.

    Raises:
        SpecError: another process has it.
    """
    with contextlib.ExitStack() as stack:
        try:
            file = stack.enter_context((directory / ".lock").open("w"))
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise file_problem(directory, "is in use: another process trains in it at this moment") from None
        except OSError as error:
            raise file_problem(directory, f"cannot be written: {error.strerror}") from None
        yield

"""The directory of a run: claimed once, written atomically, and a record of where the result comes from."""

from __future__ import annotations

import contextlib
import csv
import fcntl
import io
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from archspec import Spec
from archspec.errors import file_problem

if TYPE_CHECKING:  # this module does without TensorFlow, so that a wrong directory is told at once
    from builder.data import Data

PACKAGES = ("tensorflow", "keras", "tensorflow-datasets", "numpy")


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
    """A path to write to, which takes the place of `path` when the block ends, at once, and goes if it fails."""
    temporary = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Writes a text file atomically."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


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
    before, now = (dict(_leaves(yaml.load(one, yaml.BaseLoader))) for one in (text, spec.to_yaml()))  # noqa: S506
    changed = [path for path in {**before, **now} if before.get(path) != now.get(path)]
    changed = [path for path in changed if not path.startswith(may_change)]
    if changed:
        shown = [f"{path} was {before.get(path, 'absent')}, is {now.get(path, 'absent')}" for path in changed[:3]]
        more = f", and {len(changed) - 3} more" if len(changed) > 3 else ""
        raise file_problem(
            directory,
            f"is a run of another spec: {'; '.join(shown)}{more}; to go on give the same spec, which is "
            f"{directory / 'spec.yaml'}; another one needs a new run, which may take the weights with init_from",
        )


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
    with (directory / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise file_problem(directory, "is in use: another process trains in it at this moment") from None
        yield


# -- where it came from ----------------------------------------------------------------------------------------------


def describe(directory: Path, spec: Spec, data: Data, devices: Sequence[str], seed: int) -> None:
    """Writes `spec.yaml` and `environment.json`; of a run that goes on, notes that it does.

    Raises:
        SpecError: the data are no longer those that the run began with.
    """
    path = directory / "environment.json"
    about = {
        "name": data.name,
        "train": data.train_count,
        "validation": data.validation_count,
        "classes": list(data.class_names),
        "pixel_mean": list(data.pixels.mean),
        "pixel_std": list(data.pixels.std),
        "fingerprint": data.fingerprint,
    }
    now = environment(devices, seed, about)
    if path.exists():
        first = json.loads(path.read_text(encoding="utf-8"))
        if first["data"]["fingerprint"] != data.fingerprint:
            raise file_problem(directory, "was trained on other data: their fingerprints differ; start a new run")
        now = {
            **first,
            "resumed": [*first.get("resumed", []), {key: now[key] for key in ("started", "command", "devices")}],
        }
    else:
        write_text(directory / "spec.yaml", spec.to_yaml())
    write_json(path, now)


def environment(devices: Sequence[str], seed: int, data: Mapping[str, Any]) -> dict[str, Any]:
    """What a run ran on and with, for `environment.json`."""
    return {
        "started": datetime.now().astimezone().isoformat(timespec="seconds"),
        "command": sys.argv,
        "directory": os.getcwd(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: _version(name) for name in PACKAGES},
        "devices": list(devices),
        "cpus": os.cpu_count(),
        "git_commit": git_commit(Path(__file__).parent.parent),
        "seed": seed,
        "data": dict(data),
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:  # tensorflow-cpu and other builds have names of their own
        return None


def git_commit(root: Path) -> str | None:
    """The commit of a checkout, `+` behind it if files were changed since; None where there is no git repository."""
    if not (root / ".git").exists():
        return None

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(root), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout.strip()

    try:
        return git("rev-parse", "HEAD") + ("+" if git("status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.SubprocessError):
        return None

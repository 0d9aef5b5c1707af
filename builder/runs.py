"""The directory of a run: claimed once, written atomically, and a record of where the result comes from."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from archspec.errors import file_problem

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


COLUMNS = (
    "epoch",
    "loss",
    "accuracy",
    "val_loss",
    "val_accuracy",
    "learning_rate",
    "seconds",
    "images_per_second",
)


@dataclass
class Metrics:
    """`metrics.csv`, a row an epoch: always whole, whenever one looks.

    `loss` and `accuracy` are means over the epoch's training pictures, the L2 penalty left out; `learning_rate` is that
    of the epoch's last step; `seconds` are for training and validation, `images_per_second` for training alone.
    """

    path: Path
    rows: list[dict[str, float]] = field(default_factory=list)

    def add(self, row: Mapping[str, float]) -> None:
        self.rows.append({column: _rounded(row[column]) for column in COLUMNS})
        with replacing(self.path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(self.rows)


def _rounded(value: float) -> float:
    """To 7 digits, as float32 holds no more."""
    return value if isinstance(value, int) else float(f"{value:.7g}")


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

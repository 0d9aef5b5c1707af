"""The folder of a network's exports, as TensorFlow Serving has it: one numbered folder for each, whole or not there."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from archspec.errors import file_problem
from builder.runs.run import REPORT
from builder.system.files import check_writable


def check_folder(folder: Path, network: str) -> None:
    """Refuses a folder that is something else, holds the exports of another network, or cannot be written to.

    Raises:
        FileError: so it is.
    """
    try:
        exists = folder.exists()
        inside = sorted(path for path in folder.iterdir() if not path.name.startswith(".")) if exists else []
        check_writable(folder)
    except OSError as error:
        raise file_problem(folder, f"cannot hold exports: {error.strerror}; name a new folder with --out") from error
    versions = [path for path in inside if is_export(path)]
    if inside and not versions:
        raise file_problem(
            folder, f"exists and is not a folder of exports: it holds {inside[0].name}; name a new folder with --out"
        )
    for version in versions:
        other = _network_of(version)
        if other not in (None, network):
            raise file_problem(folder, f"holds exports of '{other}', not of '{network}'; name a new folder with --out")


def is_export(path: Path) -> bool:
    """Whether it is one numbered export."""
    return path.name.isdecimal() and (path / REPORT).is_file()


def _network_of(version: Path) -> str | None:
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        return str(json.loads((version / REPORT).read_text(encoding="utf-8"))["network"])
    return None


@contextlib.contextmanager
def new_version(folder: Path) -> Iterator[list[Path]]:
    """A folder to write an export into, hidden until the block ends, and gone if it fails.

    Gives a list that holds it. When the block ends without an error it becomes `folder/<number>`, one more than the
    last, which is then the list's.
    """
    new = [path for path in (folder, *folder.parents) if not path.exists()]
    temporary = folder / f".{os.getpid()}-{secrets.token_hex(4)}.export"  # in containers all processes have one number
    place = [temporary]
    try:
        temporary.mkdir(parents=True)
        yield place
        place[0] = _renamed(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        with contextlib.suppress(OSError):  # one that something is in stays
            for path in new:
                path.rmdir()


def _renamed(temporary: Path, folder: Path) -> Path:
    """Gives it the next number, or the one after that if another export takes it at this moment."""
    while True:
        numbers = [int(path.name) for path in folder.iterdir() if path.name.isdecimal()]
        target = folder / str(max(numbers, default=0) + 1)
        try:
            os.rename(temporary, target)  # fails where there is a folder that holds anything
            return target
        except OSError:
            if not target.exists():
                raise

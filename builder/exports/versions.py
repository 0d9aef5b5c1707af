"""The folder of a network's exports, as TensorFlow Serving expects it: numbered folders, each complete or absent."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from archspec.errors import file_problem
from builder.runs.names import EXPORT
from builder.system.files import check_writable, read_json


def check_folder(folder: Path, network: str) -> None:
    """Refuses a folder that is something else, holds the exports of another network, or is not writable.

    Raises:
        FileError: the folder cannot hold exports of this network.
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
    """Whether a folder is one numbered export."""
    return path.name.isdecimal() and (path / EXPORT).is_file()


def _network_of(version: Path) -> str | None:
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        return str(read_json(version / EXPORT)["network"])
    return None


@dataclass
class Version:
    """One numbered export.

    Attributes:
        path: the folder to write to. Inside `with new_version(...)` it is a hidden one; after the block it is
            `folder/<number>`.
    """

    path: Path


@contextlib.contextmanager
def new_version(folder: Path) -> Iterator[Version]:
    """Makes a hidden folder to write an export into, and removes it if the block fails.

    When the block ends without an error the folder becomes `folder/<number>`, one more than the last.

    Raises:
        OSError: the folder cannot be made or renamed.
    """
    absent = [path for path in (folder, *folder.parents) if not path.exists()]
    # The random part matters in containers, where every process may have the same number.
    hidden = folder / f".{os.getpid()}-{secrets.token_hex(4)}.export"
    version = Version(hidden)
    try:
        hidden.mkdir(parents=True)
        yield version
        version.path = _numbered(hidden, folder)
    finally:
        shutil.rmtree(hidden, ignore_errors=True)
        with contextlib.suppress(OSError):  # a folder that holds something stays
            for path in absent:
                path.rmdir()


def _numbered(hidden: Path, folder: Path) -> Path:
    """Renames a folder to the next number, or to the one after that if another export takes it at this moment."""
    while True:
        numbers = [int(path.name) for path in folder.iterdir() if path.name.isdecimal()]
        target = folder / str(max(numbers, default=0) + 1)
        try:
            os.rename(hidden, target)  # fails if the target is a folder that holds anything
            return target
        except OSError:
            if not target.exists():
                raise

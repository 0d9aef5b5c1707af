"""Writes files atomically: a reader sees the old file or the new one, never half of one."""

from __future__ import annotations

import contextlib
import errno
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from archspec.errors import file_problem
from archspec.files import read_text
from builder.system.limits import MOST_JSON


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yields a temporary path to write to. When the block ends it replaces `path` atomically; if the block fails it is
    removed.

    Raises:
        FileError: the disk is full, or the directory cannot be written.
    """
    temporary = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())  # else the name may survive a power cut, and the content not
        os.replace(temporary, path)
    except OSError as error:
        raise file_problem(path, f"cannot be written: {error.strerror or error}; what was there is whole") from error
    finally:
        with contextlib.suppress(OSError):  # it was moved; a read-only disk has raised its error above
            temporary.unlink()


def check_writable(folder: Path) -> None:
    """Checks that a folder can be written to, or made if it does not exist. Nothing is made.

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
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")  # file names may not be UTF-8


def read_json(path: Path) -> Any:
    """The value in a JSON file.

    Raises:
        OSError: the file cannot be read, is not a regular file, or is too large.
        ValueError: it is damaged.
    """
    try:
        return json.loads(read_text(path, MOST_JSON))
    except RecursionError:
        raise ValueError("its lists are nested too deeply") from None


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Writes a JSON file atomically."""
    write_text(path, json_text(value))


def json_text(value: Mapping[str, Any]) -> str:
    """A value as the text of a JSON file."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"

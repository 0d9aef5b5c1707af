"""The journal of a search: a line for each decision, from which a search that was killed is resumed."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from archspec.errors import FileError, file_problem
from archspec.files import read_bytes

NAME = "journal.jsonl"


class Journal:
    """The decisions of a search, each of them on the disk before anything follows from it.

    A line that was half written when the machine went down is removed, and so is everything after it.

    Attributes:
        events: the decisions so far, each a mapping with `event` and `trial`.

    Raises:
        FileError: the file cannot be read or repaired.
    """

    def __init__(self, path: Path):
        self.path = path
        self.events: list[dict[str, Any]] = []
        try:
            text = read_bytes(path) if path.exists() else b""
            whole = 0
            for line in text.splitlines(keepends=True):
                event = _parsed(line)
                if event is None:
                    break
                self.events.append(event)
                whole += len(line)
            if whole < len(text):
                os.truncate(path, whole)
        except OSError as error:
            raise _unwritable(path, error) from error

    def add(self, event: Mapping[str, Any]) -> None:
        """Appends a decision, and waits until it is on the disk.

        Raises:
            FileError: the disk is full, or the file cannot be written.
        """
        try:
            with self.path.open("ab") as file:
                file.write(json.dumps(event).encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise _unwritable(self.path, error) from error
        self.events.append(dict(event))


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and line.endswith(b"\n") else None


def _unwritable(path: Path, error: OSError) -> FileError:
    return file_problem(path, f"cannot be written: {error.strerror}; resume the search with --resume once it can be")

"""What a sweep has decided, a line an event: all that going on with it needs, whatever killed it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from archspec.errors import FileError, file_problem

NAME = "sweep.jsonl"


class Journal:
    """Events, each on the disk before what follows from it is done.

    A line that was half written when the machine went down is cut off; so is all behind it.
    """

    def __init__(self, path: Path):
        self.path = path
        self.events: list[dict[str, Any]] = []
        try:
            text = path.read_bytes() if path.exists() else b""
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
        """Writes an event down.

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
    return file_problem(path, f"cannot be written: {error.strerror}; --resume goes on from what is there")

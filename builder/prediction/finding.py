"""Finding the pictures in files and folders."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from archspec.errors import FileError, Problem, Where
from archspec.files import SPECIAL as NOT_REGULAR
from archspec.wording import did_you_mean
from builder.pictures.files import CLOSED, DECODED, ENDINGS, SPECIAL, walk

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Found:
    """A picture to classify, or the reason why a folder cannot be searched.

    Attributes:
        path: the path of the file or folder.
        error: why the folder cannot be searched; None for a picture.
        pixels: a picture that is in memory, uint8 (height, width, channels); None for one that is in a file.
    """

    path: str
    error: str | None = None
    pixels: np.ndarray | None = None


def find(paths: Sequence[str]) -> Iterator[Found]:
    """The pictures at some paths: files as they are named, and those in folders and their sub-folders, sorted by name.

    Raises:
        FileError: a path does not exist, or a folder holds no pictures. Nothing is yielded in that case.
    """
    problems = [Problem(Where(path), problem) for path in paths if (problem := _problem(path))]
    if problems:
        raise FileError(problems)
    return (found for path in paths for found in (_inside(path) if os.path.isdir(path) else [Found(path)]))


def _problem(path: str) -> str | None:
    """Why there are no pictures at a path, or None."""
    if not path:
        return "the path of a picture is empty"
    if not os.path.exists(path):
        parent = Path(path).parent
        beside = [child.name for child in islice(parent.iterdir(), 1000)] if parent.is_dir() else []
        return f"no such file or folder{did_you_mean(Path(path).name, beside, few=0)}"
    if os.path.isdir(path) and next(_inside(path), None) is None:
        return f"has no pictures ({' '.join(DECODED)} and others); name another folder"
    return None


def _inside(folder: str) -> Iterator[Found]:
    """The pictures in a folder. A dangling link or a named pipe with a picture's name is among
    them, so that its error is reported."""
    for entry in walk(folder):
        if entry.why_not is None or (entry.status is None and entry.ending in ENDINGS):
            yield Found(entry.path)
        elif entry.why_not == SPECIAL and entry.ending in ENDINGS:
            yield Found(entry.path, f"cannot be read: {NOT_REGULAR}")
        elif entry.why_not == CLOSED:
            yield Found(entry.path, f"cannot be searched: {entry.problem}")

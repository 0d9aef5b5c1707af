"""Finding the pictures in files and folders."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from archspec.errors import FileError, Problem, Where
from archspec.wording import did_you_mean

if TYPE_CHECKING:
    import numpy as np

SUFFIXES = (
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".avif",
    ".jp2",
)  # fmt: skip
"""The endings of the files in a folder that are taken for pictures."""


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
        return f"has no pictures ({' '.join(SUFFIXES[:7])} and others); name another folder"
    return None


def _inside(folder: str) -> Iterator[Found]:
    try:
        with os.scandir(folder) as entries:
            children = sorted((one for one in entries if not one.name.startswith(".")), key=lambda one: one.name)
    except OSError as problem:
        yield Found(folder, f"cannot be searched: {problem.strerror}")
        return
    for child in children:
        if child.is_dir(follow_symlinks=False):
            yield from _inside(child.path)
        elif os.path.splitext(child.name)[1].lower() in SUFFIXES and _is_tried(child):
            yield Found(child.path)


def _is_tried(child: os.DirEntry[str]) -> bool:
    """Whether to read what has a picture's name: a file, or a broken link, whose error is reported; but not a pipe,
    from which reading might wait forever."""
    try:
        return stat.S_ISREG(child.stat().st_mode)
    except OSError:
        return True

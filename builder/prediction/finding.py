"""The pictures that files and folders name."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from archspec.errors import file_problem
from archspec.wording import did_you_mean

SUFFIXES = (
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".avif",
    ".jp2",
)  # fmt: skip
"""Of the files in a folder that are taken for pictures."""


@dataclass(frozen=True)
class Found:
    """A file, or why what stands there cannot be looked into."""

    path: str
    error: str | None = None


def find(paths: Sequence[str]) -> Iterator[Found]:
    """The pictures that paths name: files as they are, and those in folders, by name, sub-folders included.

    Raises:
        FileError: a path that is not there, or a folder without pictures; before anything is yielded.
    """
    for path in paths:
        if not os.path.exists(path):
            parent = Path(path).parent
            beside = [child.name for child in islice(parent.iterdir(), 1000)] if parent.is_dir() else []
            raise file_problem(path, f"no such file or folder{did_you_mean(Path(path).name, beside, few=0)}")
        if os.path.isdir(path) and next(_inside(path), None) is None:
            raise file_problem(path, f"has no pictures ({' '.join(SUFFIXES[:7])} and others); name another folder")
    return (found for path in paths for found in (_inside(path) if os.path.isdir(path) else [Found(path)]))


def _inside(folder: str) -> Iterator[Found]:
    try:
        with os.scandir(folder) as entries:
            children = sorted((one for one in entries if not one.name.startswith(".")), key=lambda one: one.name)
    except OSError as problem:
        yield Found(folder, f"cannot be looked into: {problem.strerror}")
        return
    for child in children:
        if child.is_dir(follow_symlinks=False):
            yield from _inside(child.path)
        elif os.path.splitext(child.name)[1].lower() in SUFFIXES and _is_tried(child):
            yield Found(child.path)


def _is_tried(child: os.DirEntry[str]) -> bool:
    """Whether it is a file, or a link that leads nowhere, which is reported; a pipe would be waited for."""
    try:
        return stat.S_ISREG(child.stat().st_mode)
    except OSError:
        return True

"""The files that are pictures, by their names, and the walk that finds them in a folder: the same for training,
prediction and preview."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from archspec.wording import counted, first_few

DECODED = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".gif", ".bmp", ".webp")
"""The endings of the formats that TensorFlow decodes, in training, prediction and serving."""
BY_PILLOW = (".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm", ".avif", ".jp2")
"""The endings of the formats that Pillow decodes, in prediction."""
UNREADABLE = (".heic", ".heif", ".jxl")
"""The endings of pictures that neither decodes."""
ENDINGS = (*DECODED, *BY_PILLOW, *UNREADABLE)
"""The endings of the files in a folder that are taken for pictures."""
NAMED = 3
"""How many of the unused files of a kind are named."""

OTHER, DANGLING, CIRCLE, SPECIAL, OUTSIDE, CLOSED = (
    "file that is no picture by its name",
    "dangling link",
    "circular link",
    "special file",
    "picture outside the folders of classes",
    "folder that cannot be searched",
)
"""Why an entry of a folder is no picture to read."""
PLURALS = {
    OTHER: "files that are no pictures by their names",
    OUTSIDE: "pictures outside the folders of classes",
    CLOSED: "folders that cannot be searched",
}


@dataclass(frozen=True)
class Entry:
    """A file below a folder, or a folder that is not searched.

    Attributes:
        path: the path, which begins with that of the folder searched.
        status: the status of the file itself, not of a link to it; None if there is none.
        why_not: None for a picture; for others the reason, one of those above.
        problem: the operating system's words for it.
    """

    path: str
    status: os.stat_result | None = None
    why_not: str | None = None
    problem: str = ""

    @property
    def ending(self) -> str:
        return ending(self.path)


def ending(path: str) -> str:
    """The ending of a file's name, in lower case, with its dot."""
    return os.path.splitext(path)[1].lower()


def walk(folder: str, below: bool = True) -> Iterator[Entry]:
    """The files in a folder and in all folders below it, sorted by name. Links are followed, except to a folder that
    holds them; names that begin with a dot are hidden, and left out.

    Args:
        folder: the folder.
        below: whether to search the folders in it.
    """
    resolved = Path(os.path.realpath(folder))
    yield from _walk(folder, below, tuple(_identity(os.stat(one)) for one in resolved.parents))


Identity = tuple[int, int]
"""The device and inode of a folder."""


def _identity(status: os.stat_result) -> Identity:
    return status.st_dev, status.st_ino


def _walk(folder: str, below: bool, around: tuple[Identity, ...]) -> Iterator[Entry]:
    """The entries of a folder inside others."""
    try:
        here = (*around, _identity(os.stat(folder)))
        with os.scandir(folder) as entries:
            children = sorted((one for one in entries if not one.name.startswith(".")), key=_by_name)
    except OSError as problem:
        yield Entry(folder, why_not=CLOSED, problem=problem.strerror or "")
        return
    for child in children:
        yield from _entries(child, below, here)


def _entries(child: os.DirEntry[str], below: bool, around: tuple[Identity, ...]) -> Iterator[Entry]:
    """The entry of a file, or all entries of a folder."""
    try:
        status = os.stat(child.path)
    except OSError as problem:
        reason = CIRCLE if problem.errno == errno.ELOOP else DANGLING
        yield Entry(child.path, why_not=reason, problem=problem.strerror or "")
        return
    if stat.S_ISDIR(status.st_mode):
        if below and _identity(status) in around:
            yield Entry(child.path, status, CIRCLE)
        elif below:
            yield from _walk(child.path, below, around)
    elif not stat.S_ISREG(status.st_mode):  # from a pipe, reading might wait forever
        yield Entry(child.path, status, SPECIAL)
    else:
        yield Entry(child.path, status, None if ending(child.name) in ENDINGS else OTHER)


def _by_name(entry: os.DirEntry[str]) -> bytes:
    return os.fsencode(entry.name)


def unused(folder: str, used: int, entries: Sequence[Entry]) -> str:
    """The line that counts and names the files of a folder that are not used.

    Args:
        folder: the folder.
        used: the number of files that are used.
        entries: those that are not.
    """
    by_reason: dict[str, list[str]] = {}
    for entry in entries:
        name = shown(os.path.relpath(entry.path, folder))
        by_reason.setdefault(entry.why_not or OTHER, []).append(name)
    kinds = [
        f"{counted(len(names), reason, PLURALS.get(reason, ''))} ({', '.join(first_few(names, NAMED))})"
        for reason, names in by_reason.items()
    ]
    every = counted(used + len(entries), "file")
    are = "is" if len(entries) == 1 else "are"
    return f"{len(entries):,} of {every} in {shown(folder)} {are} not used: {', '.join(kinds)}"


def shown(path: str) -> str:
    r"""A path as it can be printed and written: bytes that are not UTF-8 as `\xe9`."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def is_utf8(name: str) -> bool:
    """Whether a file's name, as Python has it from the operating system, is UTF-8."""
    return shown(name) == name

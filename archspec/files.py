"""Opening files that somebody else may have made: regular files only, as from others reading might never end."""

from __future__ import annotations

import errno
import os
import re
import stat
from typing import BinaryIO

SPECIAL = "it is not a regular file"
"""Why a named pipe, a device or a socket is not read; the operating system has no message for it."""
KINDS = {stat.S_IFIFO: "a named pipe", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device", stat.S_IFSOCK: "a socket"}
STREAM = re.compile(r"/dev/(stdin|fd/\d+)|/proc/self/fd/\d+")
"""The paths of what a process was started with: its standard input, and what a shell writes for `<(command)`."""


def open_regular(path: str | os.PathLike[str], streams: bool = False) -> BinaryIO:
    """Opens a file for reading. From a named pipe, reading would wait until somebody writes; a device may be endless.

    Args:
        path: the file.
        streams: whether the process's standard input, and what a shell connects to it, may be read too.

    Raises:
        OSError: it cannot be opened, is a directory, or is not a regular file; `strerror` says which.
    """
    if streams and STREAM.fullmatch(os.fspath(path)):
        return open(path, "rb")
    try:
        number = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno == errno.ENXIO:  # a socket
            raise OSError(errno.EINVAL, f"{SPECIAL}, but {KINDS[stat.S_IFSOCK]}", os.fspath(path)) from None
        raise
    except ValueError as error:  # a NUL byte
        raise OSError(errno.EINVAL, str(error), os.fspath(path)) from None
    mode = os.fstat(number).st_mode
    if stat.S_ISREG(mode):
        return os.fdopen(number, "rb")
    os.close(number)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(path))
    raise OSError(errno.EINVAL, f"{SPECIAL}, but {KINDS.get(stat.S_IFMT(mode), 'something else')}", os.fspath(path))


def check_regular(path: str | os.PathLike[str]) -> int:
    """The size of a file in bytes, before a library opens it by its path.

    Raises:
        OSError: see `open_regular`.
    """
    with open_regular(path) as file:
        return os.fstat(file.fileno()).st_size


def read_bytes(path: str | os.PathLike[str], most: int | None = None) -> bytes:
    """The content of a file.

    Args:
        path: the file.
        most: the bytes that it may have.

    Raises:
        OSError: see `open_regular`, or the file is larger.
    """
    with open_regular(path) as file:
        if most is not None and os.fstat(file.fileno()).st_size > most:
            raise OSError(errno.EFBIG, f"it is larger than {most:,} bytes", os.fspath(path))
        return file.read() if most is None else file.read(most)


def read_text(path: str | os.PathLike[str], most: int | None = None) -> str:
    """The content of a text file in UTF-8, with its line ends as `\\n`.

    Raises:
        OSError: see `read_bytes`.
        UnicodeDecodeError: it is no text in UTF-8.
    """
    return read_bytes(path, most).decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")

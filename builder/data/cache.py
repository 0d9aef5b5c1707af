"""A cache on disk for facts about files that are slow to compute."""

from __future__ import annotations

import contextlib
import hashlib
import os
import zipfile
from collections.abc import Callable

import numpy as np

from archspec.files import open_regular
from builder.system.user_cache import folder

VERSION = 4
"""Increased when a cached fact is computed in another way."""


def cached(key: str, compute: Callable[[], dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """The arrays that `compute` returns, read from the file of an earlier call with this key if there is one.

    The files are in `$XDG_CACHE_HOME/convspec` (`~/.cache/convspec`) and may be deleted at any time. If that folder
    cannot be written, nothing is cached.
    """
    path = folder() / f"{hashlib.sha256(f'{VERSION} {key}'.encode(errors='surrogateescape')).hexdigest()[:32]}.npz"
    with contextlib.suppress(OSError, ValueError, EOFError, zipfile.BadZipFile), open_regular(path) as file:
        arrays = np.load(file, allow_pickle=False)
        return {name: arrays[name] for name in arrays.files}
    found = compute()
    temporary = path.with_name(f".{os.getpid()}.{path.name}")
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as written:
            np.savez_compressed(written, **found)  # type: ignore[arg-type]
        temporary.replace(path)
    return found


def stamp(status: os.stat_result) -> tuple[int, ...]:
    """What changes when a file is replaced or written: its size, its times of change and its inode.

    Copying and unpacking may restore the first time, that of the contents, but not the second, that of the inode.
    """
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino

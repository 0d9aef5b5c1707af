"""Memory: how much of it is free, and arrays that TensorFlow reads without copying."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import tensorflow as tf

ALIGNMENT = 64
"""TensorFlow can share an array whose address is a multiple of this many bytes."""


def free_memory() -> int:
    """The bytes that this process may still allocate without swapping.

    That is what the machine has available (files that the system caches in memory count as free), or what is left under
    a container's limit, whichever is less.
    """
    return min(_available(), _left_by_limit(Path("/sys/fs/cgroup")))


def _available() -> int:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):  # not Linux: half of the installed memory
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2


def _left_by_limit(group: Path) -> int:
    """The bytes left under the limit of a Linux control group (version 2); a huge number if there is no limit."""
    try:
        limit, used = (group / "memory.max").read_text().strip(), int((group / "memory.current").read_text())
        statistics = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        return max(0, int(limit) - used + int(statistics["inactive_file"]))
    except (OSError, ValueError, KeyError):  # no limit: the files are absent, or hold the word `max`
        return 2**63


def aligned(shape: tuple[int, ...]) -> np.ndarray:
    """An uninitialised uint8 array that `shared` does not have to copy."""
    size = int(np.prod(shape))
    room = np.empty(size + ALIGNMENT, np.uint8)
    start = -room.ctypes.data % ALIGNMENT
    return room[start : start + size].reshape(shape)


def shared(array: np.ndarray) -> tf.Tensor:
    """The array as a tensor, in the same memory if the array's address allows it."""
    if not array.size or array.ctypes.data % ALIGNMENT or not array.flags.c_contiguous or not array.flags.writeable:
        return tf.constant(array)
    return tf.experimental.dlpack.from_dlpack(array.__dlpack__())

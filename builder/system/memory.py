"""How much memory is free."""

from __future__ import annotations

import os
from pathlib import Path


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

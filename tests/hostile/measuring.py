"""How long something takes, and how much memory beyond what the process has already."""

import contextlib
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PEAK = 5
"""What the kernel is told to set back: the highest memory so far (proc(5), clear_refs)."""


@dataclass
class Cost:
    """Seconds of processor time, and megabytes at the highest; zero where the kernel does not say."""

    seconds: float = 0.0
    megabytes: float = 0.0


@contextlib.contextmanager
def measured() -> Iterator[Cost]:
    """Measures a block; the result is complete after it."""
    cost = Cost()
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text(str(PEAK))
    before, start = _peak(), time.process_time()
    try:
        yield cost
    finally:
        cost.seconds, cost.megabytes = time.process_time() - start, _peak() - before


def _peak() -> float:
    with contextlib.suppress(OSError):
        found = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
        return int(found[1]) / 1024 if found else 0.0
    return 0.0

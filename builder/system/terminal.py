"""What is said while work goes on: one live line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

REFRESH_SECONDS = 0.5
PLAIN_SECONDS = 60.0
"""Where there is no terminal, an epoch that takes longer says so often how far it is,"""
WATCHED_SECONDS = 10.0
"""and work before the first epoch so often."""


def is_live(say: Callable[[str], None]) -> bool:
    """Whether what is said goes to a terminal, where a line may be written over."""
    return say is print and sys.stdout is not None and sys.stdout.isatty()


def show(text: str) -> None:
    """Writes over the live line."""
    width = shutil.get_terminal_size().columns - 1
    print(f"\r{text[:width]:<{width}}", end="", flush=True)


def clear() -> None:
    """Takes the live line away."""
    width = shutil.get_terminal_size().columns - 1
    print(f"\r{'':{width}}\r", end="", flush=True)


def watched(
    parts: Iterable[tuple[Any, ...]], count: int, what: str, say: Callable[[str], None]
) -> Iterator[tuple[Any, ...]]:
    """Batches as they come, with how far they are of `count` pictures: `what: 512 of 1,000`."""
    live, done, shown = is_live(say), 0, time.monotonic()
    try:
        for part in parts:
            yield part
            done += len(part[0])
            if time.monotonic() - shown > (REFRESH_SECONDS if live else WATCHED_SECONDS):
                shown = time.monotonic()
                (show if live else say)(f"{what}: {done:,} of {count:,}")
    finally:
        if live:
            clear()


def clock(seconds: float) -> str:
    """A duration as people read it: 0:07, 12:30, 3:05:00, 2 d 04:00."""
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    if days:
        return f"{days} d {hour:02}:{minute:02}"
    return f"{hour}:{minute:02}:{second:02}" if hour else f"{minute}:{second:02}"

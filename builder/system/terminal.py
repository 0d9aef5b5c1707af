"""Lines of progress: one live line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import inspect
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias

Say: TypeAlias = Callable[[str], None]
"""Takes a line of progress, as `print` does."""
REFRESH_SECONDS = 0.5
"""Seconds between updates of the live line."""
PLAIN_SECONDS = 60.0
"""Seconds between progress lines of an epoch where there is no terminal."""
WATCHED_SECONDS = 10.0
"""Seconds between progress lines of work before the first epoch where there is no terminal."""


def silent(line: str) -> None:
    """A `Say` that drops its lines."""


def is_live(say: Say) -> bool:
    """Whether `say` writes to a terminal, where a line may be written over."""
    return inspect.unwrap(say) is print and sys.stdout is not None and sys.stdout.isatty()


def bold(text: str) -> str:
    """A text in bold on a terminal, if colours are wanted (https://no-color.org)."""
    return _styled(text, 1)


def green(text: str) -> str:
    """A text in green likewise."""
    return _styled(text, 32)


def _styled(text: str, code: int) -> str:
    return text if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" else f"\x1b[{code}m{text}\x1b[0m"


def show(text: str) -> None:
    """Writes over the live line."""
    width = shutil.get_terminal_size().columns - 1
    print(f"\r{text[:width]:<{width}}", end="", flush=True)


def clear() -> None:
    """Removes the live line."""
    width = shutil.get_terminal_size().columns - 1
    print(f"\r{'':{width}}\r", end="", flush=True)


def watched(parts: Iterable[tuple[Any, ...]], count: int, what: str, say: Say) -> Iterator[tuple[Any, ...]]:
    """Passes batches on, and reports how many of `count` pictures have passed: `what: 512 of 1,000`."""
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
    """A duration for people: 0:07, 12:30, 3:05:00, 2 d 04:00."""
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    if days:
        return f"{days} d {hour:02}:{minute:02}"
    return f"{hour}:{minute:02}:{second:02}" if hour else f"{minute}:{second:02}"

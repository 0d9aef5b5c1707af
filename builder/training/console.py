"""What a training says: one live line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
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


class Console:
    """Lines of progress, for a training of `epochs` epochs of `steps` steps of `batch_size` pictures."""

    def __init__(self, say: Callable[[str], None], epochs: int, steps: int, batch_size: int):
        self.say = say
        self.epochs, self.steps, self.batch_size = epochs, steps, batch_size
        self.live = is_live(say)
        self.shown = time.monotonic()

    def line(self, text: str) -> None:
        """A line that stays."""
        self.clear()
        self.say(text)

    def progress(self, step: int, metrics: Mapping[str, float], rate: float) -> None:
        """How far it is: `step` of all steps, the epoch's metrics so far, and the images per second."""
        now = time.monotonic()
        if now - self.shown < (REFRESH_SECONDS if self.live else PLAIN_SECONDS):
            return
        self.shown = now
        epoch, within = divmod(step - 1, self.steps)
        remaining = (self.epochs * self.steps - step) * self.batch_size / rate
        text = (
            f"epoch {epoch + 1:{len(str(self.epochs))}}/{self.epochs}  step {within + 1}/{self.steps}  "
            f"loss {metrics['loss']:.4f}  accuracy {metrics['accuracy']:.4f}  {rate:.0f} images/s  "
            f"ETA {clock(remaining)}"
        )
        if self.live:
            show(text)
        else:
            self.say(text)

    def clear(self) -> None:
        if self.live:
            clear()

    def epoch(self, row: Mapping[str, float], best: bool) -> None:
        """The line of a whole epoch."""
        self.line(
            f"epoch {row['epoch']:{len(str(self.epochs))}}/{self.epochs}  loss {row['loss']:.4f}  "
            f"accuracy {row['accuracy']:.4f}  val_loss {row['val_loss']:.4f}  val_accuracy {row['val_accuracy']:.4f}  "
            f"learning_rate {row['learning_rate']:.3g}  {row['seconds']:.1f} s  {row['images_per_second']:.0f} images/s"
            + ("  best" if best else "")
        )


def clock(seconds: float) -> str:
    """A duration as people read it: 0:07, 12:30, 3:05:00, 2 d 04:00."""
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    if days:
        return f"{days} d {hour:02}:{minute:02}"
    return f"{hour}:{minute:02}:{second:02}" if hour else f"{minute}:{second:02}"

"""The progress of a training in lines: one live line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Mapping

from builder.system.terminal import PLAIN_SECONDS, REFRESH_SECONDS, Say, clear, clock, is_live, show


class Console:
    """Writes lines of progress, for a training of `epochs` epochs of `steps` steps of `batch_size` pictures."""

    def __init__(self, say: Say, epochs: int, steps: int, batch_size: int):
        self.say = say
        self.epochs, self.steps, self.batch_size = epochs, steps, batch_size
        self.live = is_live(say)
        self.shown = time.monotonic()

    def line(self, text: str) -> None:
        """Writes a line that stays, in place of the live one."""
        self.clear()
        self.say(text)

    def progress(self, step: int, metrics: Mapping[str, float], rate: float) -> None:
        """Shows the progress now and then: `step` of all steps, the epoch's metrics so far, and the images per
        second."""
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
        """Removes the live line, if there is one."""
        if self.live:
            clear()

    def epoch(self, row: Mapping[str, float], best: bool) -> None:
        """Writes the line of a completed epoch, from its row of `metrics.csv`."""
        self.line(
            f"epoch {row['epoch']:{len(str(self.epochs))}}/{self.epochs}  loss {row['loss']:.4f}  "
            f"accuracy {row['accuracy']:.4f}  val_loss {row['val_loss']:.4f}  val_accuracy {row['val_accuracy']:.4f}  "
            f"learning_rate {row['learning_rate']:.3g}  {row['seconds']:.1f} s  {row['images_per_second']:.0f} images/s"
            + ("  best" if best else "")
        )

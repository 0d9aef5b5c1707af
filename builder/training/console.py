"""What a training says: one live line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from builder.system.terminal import PLAIN_SECONDS, REFRESH_SECONDS, clear, clock, is_live, show


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

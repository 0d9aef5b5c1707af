"""The progress of a training: a table with a line for each epoch, and one live line on a terminal."""

from __future__ import annotations

import time
from collections.abc import Mapping

from archspec.recipe import Train
from builder.system.terminal import PLAIN_SECONDS, REFRESH_SECONDS, Say, bold, clear, clock, green, is_live, show

BEST = "*"
"""Marks the epochs that were the best so far."""
NUMBER = 5
"""The columns of an epoch's number, with that of all epochs if it fits."""
HEADER = "  loss  accuracy  val_loss  val_accuracy      rate  seconds  images/s"
"""The names of an epoch's numbers; `rate` is the learning rate."""


class Console:
    """Writes the lines of a training of `steps_per_epoch` steps an epoch. Those of epochs have less than 80 columns."""

    def __init__(self, say: Say, recipe: Train, steps_per_epoch: int):
        self.say = say
        self.epochs, self.batch_size, self.steps = recipe.epochs, recipe.global_batch, steps_per_epoch
        self.live = is_live(say)
        self.shown = time.monotonic()
        self.has_header = False

    def line(self, text: str) -> None:
        """Writes a line that stays, in place of the live one."""
        self.clear()
        self.say(text)

    def progress(self, step: int, metrics: Mapping[str, float], rate: float | None) -> None:
        """Shows the progress now and then: `step` of all steps, the epoch's metrics so far, and the images per
        second, if they are known already."""
        now = time.monotonic()
        if now - self.shown < (REFRESH_SECONDS if self.live else PLAIN_SECONDS):
            return
        self.shown = now
        epoch, within = divmod(step - 1, self.steps)
        remaining = (self.epochs * self.steps - step) * self.batch_size
        text = (
            f"{self._number(epoch + 1)}  step {within + 1}/{self.steps}  loss {metrics['loss']:.4f}  "
            f"accuracy {metrics['accuracy']:.4f}"
            + (f"  {rate:.0f} images/s  ETA {clock(remaining / rate)}" if rate else "")
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
        """Writes the line of a completed epoch, from its row of `metrics.csv`; before the first one a header."""
        if not self.has_header:
            self.has_header = True
            header = f"{'epoch':>{NUMBER}}  {HEADER}"
            self.line(bold(header) if self.live else header)
        number = self._number(int(row["epoch"]))
        number = number if len(number) <= NUMBER else str(int(row["epoch"]))
        text = (
            f"{number:>{NUMBER}}  {row['loss']:6.4f}  {row['accuracy']:8.4f}  "
            f"{row['val_loss']:8.4f}  {row['val_accuracy']:12.4f}  {row['learning_rate']:8.3g}  "
            f"{row['seconds']:7.1f}  {row['images_per_second']:8.0f}"
        ) + (f" {BEST}" if best else "")
        self.line(green(text) if self.live and best else text)

    def _number(self, epoch: int) -> str:
        """An epoch's number among all: ` 3/60`."""
        return f"{epoch:{len(str(self.epochs))}}/{self.epochs}"

"""The result of a training, as `builder.train` returns it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import keras

from archspec.recipe.monitor import MONITORS
from builder.runs.run import open_run
from builder.training.progress import Progress

HISTORY = (*MONITORS, "learning_rate")


@dataclass(frozen=True)
class Result:
    """The result of a training.

    Attributes:
        run_dir: the run's directory.
        epochs: how many were completed, over all trainings of the run.
        best_epoch: the epoch whose weights `model.keras` has.
        val_loss, val_accuracy: of `model.keras`, measured once more after its conversion to stock layers; if it is not
            written yet, of the best epoch.
        seconds: of this training, from the first step to the last validation; 0 if the run was complete already.
        history: for each metric and `learning_rate` a list of its values, one for each epoch, as Keras's
            `History.history`. For a resumed run it includes the epochs before the interruption.
    """

    run_dir: Path
    epochs: int
    best_epoch: int
    val_loss: float
    val_accuracy: float
    seconds: float
    history: Mapping[str, list[float]] = field(repr=False)

    @cached_property
    def model(self) -> keras.Model:
        """The best model, opened from `model.keras`: from pictures, uint8 or the same values as floats, of shape
        (batch, height, width, channels), to logits, float32 (batch, classes).

        Raises:
            FileError: there is none yet (see `until` of `train`), or it is damaged.
        """
        return open_run(self.run_dir).model


def result_of(
    directory: Path, progress: Progress, seconds: float, measured: tuple[float, float] | None = None
) -> Result:
    """The result of a training, with the validation loss and accuracy of `model.keras` if they were measured."""
    best = progress.best or {}
    loss, accuracy = measured or (best["val_loss"], best["val_accuracy"])
    return Result(directory, progress.epochs, int(best["epoch"]), loss, accuracy, seconds, history(progress.rows))


def history(rows: Sequence[Mapping[str, float]]) -> dict[str, list[float]]:
    """The values of each metric and of the learning rate, epoch by epoch."""
    return {name: [row[name] for row in rows] for name in HISTORY}

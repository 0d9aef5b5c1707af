"""What a run writes for people: metrics, curves, and the best model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import tensorflow as tf

from archspec import Spec
from builder.data.batches import validation_batches
from builder.network.model import build, transfer_weights
from builder.pictures.normalisation import from_pixels
from builder.runs import checkpoints
from builder.runs.checkpoints import BEST
from builder.runs.metrics import write_metrics
from builder.system.files import replacing
from builder.system.tensors import read_tensors
from builder.training import curves
from builder.training.loop import Setup
from builder.training.progress import Progress, Sums
from builder.training.steps import evaluation_steps


class RunOutputs:
    """What the chief writes for people: metrics, curves, and the best model."""

    def __init__(self, directory: Path, spec: Spec, network: keras.Model, parts: Setup, say: Callable[[str], None]):
        self.directory, self.spec, self.network, self.parts, self.say = directory, spec, network, parts, say

    def begin(self, progress: Progress) -> None:
        """Brings what may be older or newer than the checkpoint to its state."""
        self.board = curves.Board(self.directory / "tensorboard", progress.rows)
        write_metrics(self.directory / "metrics.csv", progress.rows)

    def epoch(self, rows: Sequence[dict[str, float]]) -> None:
        """Adds the last epoch."""
        write_metrics(self.directory / "metrics.csv", rows)
        self.board.add(rows[-1])

    def finish(self, progress: Progress) -> tuple[float, float]:
        """Writes `learning_curve.png`, and `model.keras` with the best weights, in stock layers and float32.

        Returns:
            Its validation loss and accuracy.
        """
        parts, recipe, data = self.parts, self.parts.recipe, self.parts.data
        best = progress.best or {}
        curves.draw(self.directory / "learning_curve.png", self.spec.name, progress.rows, best)
        path = self.directory / "checkpoints" / BEST
        checkpoints.restore(parts.weights, read_tensors(path)[0], path)
        portable = build(self.spec, "portable")
        transfer_weights(self.network, portable)
        saved = from_pixels(portable, data.normalisation)
        with replacing(self.directory / "model.keras") as temporary:
            saved.save(temporary)
        batches = iter(validation_batches(data, recipe, recipe.batch_size))
        steps = evaluation_steps(saved, recipe, tf.distribute.get_strategy())
        sums = Sums()
        for row in steps(batches, tf.constant(-(-data.validation_count // recipe.batch_size))).numpy():
            sums.add(*map(float, row))
        means = sums.means()
        self.say(f"best epoch {best['epoch']}: val_loss {means['loss']:.4f}  val_accuracy {means['accuracy']:.4f}")
        self.say(f"saved {self.directory / 'model.keras'}")
        return means["loss"], means["accuracy"]

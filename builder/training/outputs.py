"""The files that a training writes for people: metrics, curves, and the best model."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

import tensorflow as tf

from archspec.commands import as_started
from archspec.drawing import draw_graphs
from archspec.errors import UserError
from builder.data import samples
from builder.data.batches import validation_batches
from builder.explanation import filters
from builder.network.model import build, transfer_weights
from builder.pictures.normalisation import from_pixels
from builder.runs import checkpoints, names
from builder.runs.metrics import write_metrics
from builder.system.files import replacing, write_text
from builder.system.tensors import read_tensors
from builder.system.terminal import Say
from builder.training.board import Board
from builder.training.progress import Progress, Sums
from builder.training.setup import Setup
from builder.training.steps import evaluation_steps


class RunOutputs:
    """Writes `network.svg`, `metrics.csv`, `tensorboard/`, `learning_curve.png`, `filters.png` and `model.keras`; the
    chief's alone.

    It begins by writing the epochs so far, `rows`, as the files of an interrupted run may be older or newer than the
    checkpoint that it resumes from.
    """

    def __init__(self, directory: Path, setup: Setup, rows: Sequence[dict[str, float]], say: Say):
        self.directory, self.setup, self.say = directory, setup, say
        self.board = Board(directory / names.TENSORBOARD, rows)
        write_metrics(directory / names.METRICS, rows)
        self._draw_network()

    def _draw_network(self) -> None:
        try:
            drawing = draw_graphs([self.setup.spec.graph])
        except UserError as error:  # it is too large to be drawn, which does not keep it from being trained
            self.say(f"hint: there is no {names.NETWORK}; {error}")
            return
        write_text(self.directory / names.NETWORK, drawing.svg())

    def add_epoch(self, rows: Sequence[dict[str, float]]) -> None:
        """Writes the last epoch of `rows`, which are those of all epochs."""
        write_metrics(self.directory / names.METRICS, rows)
        self.board.add(rows[-1])

    def finish(self, progress: Progress) -> tuple[float, float]:
        """Writes `learning_curve.png`, `filters.png`, and `model.keras` with the best weights, in stock layers and
        float32.

        Returns:
            Its validation loss and accuracy.
        """
        spec, recipe, data = self.setup.spec, self.setup.recipe, self.setup.data
        from builder.training.learning_curve import (
            draw,
        )  # Matplotlib takes a third of a second, and is needed here alone

        best = progress.best or {}
        draw(self.directory / names.LEARNING_CURVE, spec.name, progress.rows, best, recipe)
        path = self.directory / names.CHECKPOINTS / names.BEST
        best_weights = read_tensors(path)[0]
        checkpoints.restore(self.setup.state.weights, best_weights, path)
        filters.draw(self.directory / names.FILTERS, spec, best_weights)
        portable = build(spec, "portable", "float32")
        transfer_weights(self.setup.network, portable)
        saved = from_pixels(portable, data.normalisation)
        with replacing(self.directory / names.MODEL) as temporary:
            saved.save(temporary)
        height, width, channels = spec.graph.input.shape
        samples.keep(self.directory / names.PICTURES, data.validation, (height, width, channels), recipe.resizing)
        batches = iter(validation_batches(data, recipe, recipe.global_batch))
        steps = evaluation_steps(saved, recipe, tf.distribute.get_strategy())
        sums = Sums()
        sums.add_batches(steps(batches, tf.constant(-(-data.validation_count // recipe.global_batch))).numpy())
        means = sums.means()
        # The monitor decides, and between equals the validation loss.
        monitor = recipe.checkpoints.best
        why = f"{'lowest' if monitor.endswith('loss') else 'highest'} {monitor}"
        measured = f"val_loss {means['loss']:.4f}  val_accuracy {means['accuracy']:.4f}"
        self.say(f"best epoch {best['epoch']} ({why}): {measured}")
        self.say(f"saved {self.directory / names.MODEL} and {names.LEARNING_CURVE}")
        self.say("next:")
        for tool, argument in (("evaluate", ""), ("predict", " PICTURES"), ("export", "")):
            self.say(as_started(f"  python tools/{tool}.py {shlex.quote(str(self.directory))}{argument}"))
        return means["loss"], means["accuracy"]

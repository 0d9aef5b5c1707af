"""Learning curves, as a picture and for TensorBoard."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import tensorflow as tf

from archspec.recipe.monitor import METRICS
from builder.system.files import replacing

MARGINS = {"left": 0.06, "right": 0.985, "bottom": 0.14, "top": 0.83, "wspace": 0.22}
"""The margins of the picture, as shares of its size."""


class Board:
    """TensorBoard's event files of a run: `train` and `validation`, a value for each epoch.

    They begin with the epochs in `rows`. Files that are there already are deleted first: those of an interrupted run
    may contain epochs that come after its checkpoint.
    """

    def __init__(self, directory: Path, rows: Sequence[Mapping[str, float]]):
        shutil.rmtree(directory, ignore_errors=True)
        places = {name: os.fsencode(directory / name) for name in ("train", "validation")}  # names may not be UTF-8
        self.writers = {name: tf.summary.create_file_writer(place) for name, place in places.items()}
        for row in rows:
            self.add(row)

    def add(self, row: Mapping[str, float]) -> None:
        """Adds an epoch."""
        for name, prefix in (("train", ""), ("validation", "val_")):
            with self.writers[name].as_default(step=int(row["epoch"])):
                for metric in METRICS:
                    tf.summary.scalar(metric, row[prefix + metric])
                if name == "train":
                    tf.summary.scalar("learning_rate", row["learning_rate"])
                    tf.summary.scalar("images_per_second", row["images_per_second"])
            self.writers[name].flush()


def draw(path: Path, title: str, rows: Sequence[Mapping[str, float]], best: Mapping[str, float]) -> None:
    """Writes a PNG of loss, error and learning rate by epoch; `best` is the row of the epoch whose weights are
    saved."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # a third of a second, needed once
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator, NullFormatter

    epochs = [row["epoch"] for row in rows]
    figure = Figure(figsize=(10, 3.6), dpi=120)
    # Measuring all text to lay it out takes three times as long as drawing, which short trials of a sweep would notice.
    loss, error, rate = figure.subplots(1, 3, gridspec_kw=MARGINS)
    loss.plot(epochs, [row["loss"] for row in rows], label="training", color="C0")
    loss.plot(epochs, [row["val_loss"] for row in rows], label="validation", color="C1")
    loss.plot(best["epoch"], best["val_loss"], "o", color="C1", markersize=5, label="best epoch")
    loss.set(title="loss", yscale="log")
    low, high = loss.get_ylim()
    loss.yaxis.set_major_formatter("{x:g}")
    loss.yaxis.set_minor_formatter("{x:g}" if high < 10 * low else NullFormatter())
    error.plot(epochs, [100 * (1 - row["accuracy"]) for row in rows], color="C0")
    error.plot(epochs, [100 * (1 - row["val_accuracy"]) for row in rows], color="C1")
    error.plot(best["epoch"], 100 * (1 - best["val_accuracy"]), "o", color="C1", markersize=5)
    error.set(title=f"top-1 error, %  (best epoch: {100 * (1 - best['val_accuracy']):.2f})", ylim=(0, None))
    rate.plot(epochs, [row["learning_rate"] for row in rows], color="C2")
    rate.set(title="learning rate", ylim=(0, None))
    rate.ticklabel_format(axis="y", scilimits=(-2, 3))
    for axes in (loss, error, rate):
        axes.set_xlabel("epoch")
        axes.grid(alpha=0.3)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    loss.legend(frameon=False)
    figure.suptitle(title)
    with replacing(path) as temporary:
        FigureCanvasAgg(figure).print_png(temporary)

"""TensorBoard's event files of a run."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import tensorflow as tf

from archspec.recipe.monitor import METRICS


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

"""The result of an evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from builder.evaluation.metrics import ClassMetrics, Macro, Metrics, by_class, confusion, macro


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The result of an evaluation.

    Attributes:
        members: the metrics of each run, by its directory.
        ensemble: for several runs, the metrics of the `mean of probabilities` and of the `majority vote`; else empty.
        labels: the labels of the validation pictures, int64 (pictures,).
        log_probabilities: the logarithms of class probabilities of the run, or of the mean over all runs, float32
            (pictures, classes).
        class_names: the names of the classes, by label.
        directory: where the files are; None if none were written.
    """

    members: Mapping[str, Metrics]
    ensemble: Mapping[str, Metrics]
    labels: np.ndarray
    log_probabilities: np.ndarray
    class_names: tuple[str, ...]
    directory: Path | None

    @property
    def metrics(self) -> Metrics:
        """The metrics of the run; for several runs those of their mean."""
        return next(iter((self.ensemble or self.members).values()))

    @property
    def predicted(self) -> np.ndarray:
        """The most probable class of each picture, int64 (pictures,)."""
        return self.log_probabilities.argmax(1)

    @property
    def confusion(self) -> np.ndarray:
        """The number of pictures by class (rows) and predicted class (columns), int64 (classes, classes)."""
        return confusion(self.labels, self.predicted, len(self.class_names))

    @property
    def classes(self) -> list[ClassMetrics]:
        """The metrics of each class, by label."""
        return by_class(self.confusion, self.class_names)

    @property
    def macro(self) -> Macro:
        """The means of recall, precision and F1 over the classes."""
        return macro(self.classes)

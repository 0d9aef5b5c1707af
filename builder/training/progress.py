"""How far a training has come: what a checkpoint keeps beside the variables."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from archspec.recipe import Train
from archspec.recipe.monitor import Watch
from archspec.recipe.schedules import Plateau


@dataclass
class Sums:
    """Sums over the pictures that an epoch has trained on, or a validation has seen."""

    loss: float = 0.0
    correct: float = 0.0
    top5_correct: float = 0.0
    pictures: float = 0.0

    def add(self, loss: float, correct: float, top5_correct: float, pictures: float) -> None:
        self.loss += loss
        self.correct += correct
        self.top5_correct += top5_correct
        self.pictures += pictures

    def means(self, prefix: str = "") -> dict[str, float]:
        """Loss, accuracy (top-1) and top-5 accuracy, under the names that metrics have."""
        sums = {"loss": self.loss, "accuracy": self.correct, "top5_accuracy": self.top5_correct}
        return {f"{prefix}{name}": value / max(self.pictures, 1) for name, value in sums.items()}


@dataclass
class Progress:
    """What a training knows beside its variables; `step` counts all steps done, over all epochs.

    Attributes:
        rows: of the epochs that were trained and validated, as `metrics.csv` has them.
        sums: of the epoch under way.
        seconds: that the epoch under way has taken.
        best: the row of the best epoch.
        plateau, stopping: what the learning rate's plateau and early stopping remember.
    """

    step: int = 0
    rows: list[dict[str, float]] = field(default_factory=list)
    sums: Sums = field(default_factory=Sums)
    seconds: float = 0.0
    best: dict[str, float] | None = None
    plateau: Watch = field(default_factory=Watch)
    stopping: Watch = field(default_factory=Watch)

    @property
    def epochs(self) -> int:
        """How many are complete, validation included."""
        return len(self.rows)

    def is_complete(self, recipe: Train) -> bool:
        """Whether all epochs are done, or early stopping's patience has run out."""
        return self.epochs >= recipe.epochs or self.stopping.ran_out > 0

    def add(self, row: dict[str, float], better: bool, recipe: Train) -> None:
        """Closes an epoch with its row."""
        self.rows.append(row)
        if better:
            self.best = row
        if isinstance(recipe.schedule, Plateau):
            self.plateau = self.plateau.update(recipe.schedule, row[recipe.schedule.monitor])
        if recipe.early_stopping is not None:
            self.stopping = self.stopping.update(recipe.early_stopping, row[recipe.early_stopping.monitor])
        self.sums, self.seconds = Sums(), 0.0

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Progress:
        watches = {name: Watch(**value[name]) for name in ("plateau", "stopping")}
        return cls(**{**value, **watches, "sums": Sums(**value["sums"])})

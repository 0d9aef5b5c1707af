"""The progress of a training: what a checkpoint holds besides the variables."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from archspec.recipe import Train
from archspec.recipe.monitor import METRICS, Watch, unimproved
from archspec.recipe.schedules import Plateau


@dataclass
class Sums:
    """Sums of each metric over the pictures that an epoch has trained on so far, or that a validation has seen."""

    values: dict[str, float] = field(default_factory=lambda: dict.fromkeys(METRICS, 0.0))
    pictures: float = 0.0

    def add(self, values: Iterable[float], pictures: float) -> None:
        """Adds a batch: its sums in the order of METRICS, and its number of pictures."""
        for name, value in zip(METRICS, values, strict=True):
            self.values[name] += value
        self.pictures += pictures

    def add_batches(self, rows: Iterable[Iterable[float]]) -> None:
        """Adds batches as evaluation steps give them, (batches, metrics + 1)."""
        for row in rows:
            *values, pictures = map(float, row)
            self.add(values, pictures)

    def means(self, prefix: str = "") -> dict[str, float]:
        """The mean of each metric over the pictures, by the metric's name after `prefix`."""
        return {f"{prefix}{name}": value / max(self.pictures, 1) for name, value in self.values.items()}


@dataclass
class Progress:
    """The progress of a training.

    Attributes:
        step: steps done, over all epochs.
        rows: the rows of `metrics.csv`, for the epochs that were trained and validated.
        sums: the metrics of the unfinished epoch.
        seconds: the time that the unfinished epoch has taken.
        best: the row of the best epoch.
        plateau: the state of the learning rate's plateau.
    """

    step: int = 0
    rows: list[dict[str, float]] = field(default_factory=list)
    sums: Sums = field(default_factory=Sums)
    seconds: float = 0.0
    best: dict[str, float] | None = None
    plateau: Watch = field(default_factory=Watch)

    @property
    def epochs(self) -> int:
        """How many epochs are complete, validation included."""
        return len(self.rows)

    def is_complete(self, recipe: Train) -> bool:
        """Whether all epochs are done, or early stopping's patience has run out."""
        return self.epochs >= recipe.epochs or self.is_stopped(recipe)

    def stopping(self, recipe: Train) -> Watch:
        """The state of a recipe's early stopping. It follows from the rows, so that the rule may change when a run is
        resumed."""
        rule = recipe.early_stopping
        return Watch() if rule is None else unimproved(rule, (row[rule.monitor] for row in self.rows))

    def is_stopped(self, recipe: Train) -> bool:
        """Whether early stopping's patience has run out."""
        return self.stopping(recipe).ran_out > 0

    def add(self, row: dict[str, float], better: bool, recipe: Train) -> None:
        """Ends an epoch with its row."""
        self.rows.append(row)
        if better:
            self.best = row
        if isinstance(recipe.schedule, Plateau):
            self.plateau = self.plateau.update(recipe.schedule, row[recipe.schedule.monitor])
        self.sums, self.seconds = Sums(), 0.0

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Progress:
        return cls(**{**value, "plateau": Watch(**value["plateau"]), "sums": Sums(**value["sums"])})

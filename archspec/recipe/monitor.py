"""Metrics watched from epoch to epoch: which direction is better, and how long one has not improved."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Protocol

from archspec.fields.scalars import Choice

ACCURACIES = {"accuracy": 1, "top5_accuracy": 5}
"""Each accuracy with its k: the share of the pictures whose class is among the k that the network finds likeliest. One
more needs a row here and nothing else: it is then computed, written to `metrics.csv`, drawn and monitored."""
METRICS = ("loss", *ACCURACIES)
"""The measurements of an epoch, on the training pictures and, with `val_` before the name, on the validation
pictures."""
MONITORS = (*METRICS, *(f"val_{name}" for name in METRICS))
Monitor = Annotated[str, Choice(MONITORS), "The metric that is watched from epoch to epoch."]


def improved(monitor: str, value: float, best: float | None, min_delta: float = 0.0) -> bool:
    """Whether a value is better than the best so far (None if there is none), by at least `min_delta`.

    Losses improve downwards, accuracies upwards. An equal value is no improvement, and neither is NaN or infinity.
    """
    if value != value or value in (float("inf"), float("-inf")):
        return False
    if best is None:
        return True
    gain = best - value if monitor.endswith("loss") else value - best
    return gain > 0 and gain >= min_delta


class Patient(Protocol):
    """A rule that waits for improvements: a plateau schedule, or early stopping."""

    @property
    def monitor(self) -> str: ...
    @property
    def patience(self) -> int: ...
    @property
    def min_delta(self) -> float: ...


@dataclass(frozen=True, kw_only=True)
class Watch:
    """The state of a monitor after some epochs. It consists of plain numbers, so that a checkpoint can hold it:
    `Watch(**json.loads(json.dumps(asdict(watch)))) == watch`.

    Attributes:
        best: the best value so far.
        waited: epochs since it improved, or since patience last ran out.
        ran_out: how often patience ran out: the drops of a plateau; early stopping ends at 1 (see `unimproved`).
    """

    best: float | None = None
    waited: int = 0
    ran_out: int = 0

    def update(self, rule: Patient, value: float) -> Watch:
        """The state after another epoch, with this value of the monitor."""
        if improved(rule.monitor, value, self.best, rule.min_delta):
            return Watch(best=value, ran_out=self.ran_out)
        if self.waited + 1 < rule.patience:
            return Watch(best=self.best, waited=self.waited + 1, ran_out=self.ran_out)
        return Watch(best=self.best, ran_out=self.ran_out + 1)


def unimproved(rule: Patient, values: Iterable[float]) -> Watch:
    """The state after epochs with these values of the monitor, where the first time that patience runs out is the end.
    It is out if the last improvement is that long ago, by whatever rule the epochs were trained."""
    best, waited = None, 0
    for value in values:
        if improved(rule.monitor, value, best, rule.min_delta):
            best, waited = value, 0
        else:
            waited += 1
    return Watch(best=best, waited=waited, ran_out=int(waited >= rule.patience))

"""Learning rates: what a spec may say, and the rate at a step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from archspec.forms import FieldError, MapOf, Number
from archspec.recipe.numbers import Factor, NonNegative, Positive
from archspec.schema import Count, record_of


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """What every schedule has.

    Attributes:
        base: the rate that the schedule starts from.
        warmup: epochs (fractions too) of a linear rise to it.
        scale_with_batch: a batch size that `base` is meant for; the rate is then base * batch_size / scale_with_batch
            (Goyal et al. 2017, arXiv:1706.02677).
    """

    base: Positive
    warmup: NonNegative = 0.0
    scale_with_batch: Count | None = None


@dataclass(frozen=True, kw_only=True)
class Constant(Schedule):
    """One rate throughout."""


@dataclass(frozen=True, kw_only=True)
class Step(Schedule):
    """`base`, then the given rates from the given epochs on: `drop: {82: 0.01, 123: 0.001}`; 30.5 is an epoch too."""

    drop: Annotated[
        tuple[tuple[float, float], ...],
        MapOf(Number(above=0), Number(above=0), "a mapping from epochs to rates ({82: 0.01})"),
    ]

    def __post_init__(self) -> None:
        epochs = [epoch for epoch, _ in self.drop]
        if epochs != sorted(set(epochs)):
            raise FieldError("drop", "the epochs of the drops must rise")


@dataclass(frozen=True, kw_only=True)
class Plateau(Schedule):
    """`base`, times `factor` whenever the validation metric has not improved by `min_delta` for `patience` epochs.

    AlexNet and VGG were trained so, by hand: "divide by ten when the validation error stopped improving".
    """

    factor: Factor = 0.1
    patience: Count = 5
    min_delta: NonNegative = 1e-4
    minimum: NonNegative = 0.0
    monitor: str = "val_accuracy"


@dataclass(frozen=True, kw_only=True)
class Cosine(Schedule):
    """`base` falling to `final` along half a cosine by the last epoch (Loshchilov, Hutter 2016, arXiv:1608.03983)."""

    final: NonNegative = 0.0


@dataclass(frozen=True, kw_only=True)
class Polynomial(Schedule):
    """`final + (base - final) * (1 - progress) ** power`."""

    power: Positive = 1.0
    final: NonNegative = 0.0


@dataclass(frozen=True, kw_only=True)
class OneCycle(Schedule):
    """From base / `start_divisor` up to `base` over a share `rise` of the training, then down to base / `end_divisor`,
    both along half a cosine (Smith and Topin 2017, arXiv:1708.07120)."""

    rise: Factor = 0.3
    start_divisor: Positive = 25.0
    end_divisor: Positive = 1e4


SCHEDULES = {
    "constant": record_of(Constant, "constant"),
    "step": record_of(Step, "step"),
    "plateau": record_of(Plateau, "plateau"),
    "cosine": record_of(Cosine, "cosine"),
    "polynomial": record_of(Polynomial, "polynomial"),
    "one_cycle": record_of(OneCycle, "one_cycle"),
}

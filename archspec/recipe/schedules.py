"""Schedules of the learning rate: their fields in a spec, and the rate at a step.

`schedule.rate(step, training)` computes the rate. A kind of schedule gives the curve (`shape`); warm-up and scaling
with the batch size are common to all.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, ClassVar

from archspec.fields.base import FieldError
from archspec.fields.containers import MapOf
from archspec.fields.records import Count, record_of
from archspec.fields.scalars import Number
from archspec.recipe.monitor import Monitor
from archspec.recipe.numbers import Factor, NonNegative, Positive

Divisor = Annotated[float, Number(min=1)]


@dataclass(frozen=True, kw_only=True)
class Training:
    """The lengths that a rate depends on: pictures in a global batch, steps in an epoch, and epochs."""

    batch_size: int
    steps_per_epoch: int
    epochs: int


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """The base of all schedules.

    Attributes:
        base: the rate that the schedule starts from.
        warmup: epochs of a linear rise to it; fractions are allowed.
        warmup_rate: a rate to hold during the warm-up instead, as ResNet-110 was trained ("constant warm-up", Goyal et
            al. 2017, section 2.2).
        scale_with_batch: the batch size that the rates are meant for; all rates are multiplied by
            batch_size / scale_with_batch (Goyal et al. 2017, arXiv:1706.02677, section 2.1).
        depends_on_length: whether the rate of an epoch depends on how many there are.
    """

    depends_on_length: ClassVar[bool] = False

    base: Positive
    warmup: NonNegative = 0.0
    warmup_rate: Positive | None = None
    scale_with_batch: Count | None = None

    def __post_init__(self) -> None:
        if self.warmup_rate is not None and not self.warmup:
            raise FieldError("warmup_rate", "warmup_rate needs the number of its epochs, such as warmup: 1")

    def rate(self, step: int, training: Training, drops: int = 0) -> float:
        """The learning rate of a step.

        A linear warm-up multiplies the schedule's rate by `(step + 1) / steps`, so that its first step is not wasted on
        a rate of 0 and its last step has the full rate.

        Args:
            step: counted from 0, over all epochs.
            training: the lengths of the training.
            drops: how often a plateau schedule has dropped so far (`archspec.recipe.monitor.Watch.ran_out`).
        """
        warmup_steps = self.warmup * training.steps_per_epoch
        if step < warmup_steps and self.warmup_rate is not None:
            rate = self.warmup_rate
        else:
            falling_steps = max(training.epochs * training.steps_per_epoch - warmup_steps, 1)
            progress = min(max((step - warmup_steps) / falling_steps, 0.0), 1.0)
            rate = self.shape(step / training.steps_per_epoch, progress, drops)
            rate *= min((step + 1) / warmup_steps, 1.0) if warmup_steps else 1.0
        return rate * training.batch_size / self.scale_with_batch if self.scale_with_batch else rate

    def shape(self, epoch: float, progress: float, drops: int) -> float:
        """The rate without warm-up and scaling.

        Args:
            epoch: the epochs done so far, with fractions.
            progress: the share of the training after the warm-up that is done, from 0 to 1.
            drops: as in `rate`.
        """
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class Constant(Schedule):
    """One rate for the whole training.

    Example:
        learning_rate: {constant: {base: 0.1, warmup: 5}}
    """

    def shape(self, epoch: float, progress: float, drops: int) -> float:
        return self.base


@dataclass(frozen=True, kw_only=True)
class Step(Schedule):
    """Starts at `base`, and takes other rates from given epochs on: `drop: {82: 0.01, 123: 0.001}`. An epoch may be a
    fraction, such as 30.5.

    Example:
        learning_rate: {step: {base: 0.1, drop: {30: 0.01, 60: 0.001}}}

    Attributes:
        drop: the rates from given epochs on, the epochs in rising order.
    """

    drop: Annotated[
        tuple[tuple[float, float], ...],
        MapOf(Number(above=0), Number(above=0), "a mapping from epochs to rates ({82: 0.01})", True, is_table=True),
    ]

    def __post_init__(self) -> None:
        super().__post_init__()
        epochs = [epoch for epoch, _ in self.drop]
        if epochs != sorted(set(epochs)):
            raise FieldError("drop", "the epochs must be in rising order")

    def shape(self, epoch: float, progress: float, drops: int) -> float:
        return next((rate for start, rate in reversed(self.drop) if epoch >= start), self.base)


@dataclass(frozen=True, kw_only=True)
class Plateau(Schedule):
    """Starts at `base`, and multiplies the rate by `factor` whenever the monitor has not improved by `min_delta` for
    `patience` epochs, but never below `minimum`.

    AlexNet and VGG were trained like this, by hand: "divide by ten when the validation error stopped improving".

    Example:
        learning_rate: {plateau: {base: 0.01, patience: 5}}

    Attributes:
        factor: what the rate is multiplied by.
        patience: epochs without an improvement before that.
        min_delta: the smallest change of the monitor that counts.
        minimum: the lowest rate.
    """

    factor: Factor = 0.1
    patience: Count = 5
    min_delta: NonNegative = 1e-4
    minimum: NonNegative = 0.0
    monitor: Monitor = "val_accuracy"

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_below_base("minimum", self.minimum, self.base)

    def shape(self, epoch: float, progress: float, drops: int) -> float:
        return max(self.base * self.factor**drops, self.minimum)


@dataclass(frozen=True, kw_only=True)
class Cosine(Schedule):
    """Falls from `base` to `final` along half a cosine until the last epoch (Loshchilov and Hutter 2016,
    arXiv:1608.03983).

    Example:
        learning_rate: {cosine: {base: 0.1, warmup: 5}}

    Attributes:
        final: the rate at the end.
    """

    depends_on_length: ClassVar[bool] = True

    final: NonNegative = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_below_base("final", self.final, self.base)

    def shape(self, epoch: float, progress: float, drops: int) -> float:
        return _half_cosine(self.base, self.final, progress)


@dataclass(frozen=True, kw_only=True)
class Polynomial(Schedule):
    """Falls as `final + (base - final) * (1 - progress) ** power`; a power of 1 is a straight line.

    Example:
        learning_rate: {polynomial: {base: 0.1, power: 2}}

    Attributes:
        power: the exponent.
        final: the rate at the end.
    """

    depends_on_length: ClassVar[bool] = True

    power: Positive = 1.0
    final: NonNegative = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_below_base("final", self.final, self.base)

    def shape(self, epoch: float, progress: float, drops: int) -> float:
        return float(self.final + (self.base - self.final) * (1 - progress) ** self.power)


@dataclass(frozen=True, kw_only=True)
class OneCycle(Schedule):
    """Rises from base / `start_divisor` to `base` over a share `rise` of the training, then falls to base /
    `end_divisor`, both along half a cosine (Smith and Topin 2017, arXiv:1708.07120).

    Example:
        learning_rate: {one_cycle: {base: 0.4}}

    Attributes:
        rise: the share of the training in which the rate rises.
        start_divisor: the first rate is `base` divided by it.
        end_divisor: the last rate is `base` divided by it.
    """

    depends_on_length: ClassVar[bool] = True

    rise: Factor = 0.3
    start_divisor: Divisor = 25.0
    end_divisor: Divisor = 1e4

    def shape(self, epoch: float, progress: float, drops: int) -> float:
        if progress < self.rise:
            return _half_cosine(self.base / self.start_divisor, self.base, progress / self.rise)
        return _half_cosine(self.base, self.base / self.end_divisor, (progress - self.rise) / (1 - self.rise))


def _half_cosine(start: float, end: float, progress: float) -> float:
    return end + (start - end) * 0.5 * (1 + math.cos(math.pi * progress))


def _check_below_base(name: str, rate: float, base: float) -> None:
    if rate > base:
        raise FieldError(
            name, f"{name}={rate:g} is above base={base:g}, and this schedule's rate falls; give at most base"
        )


SCHEDULES = {
    "constant": record_of(Constant, "constant"),
    "step": record_of(Step, "step"),
    "plateau": record_of(Plateau, "plateau"),
    "cosine": record_of(Cosine, "cosine"),
    "polynomial": record_of(Polynomial, "polynomial"),
    "one_cycle": record_of(OneCycle, "one_cycle"),
}

"""How a space is searched: keras-tuner's tuners, their options under keras-tuner's names and with its defaults."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from archspec.fields.records import Count, record_of
from archspec.fields.scalars import Integer, Number
from archspec.recipe.numbers import NonNegative, Seed

Times = Annotated[int, Integer(min=0, max=1000)]


@dataclass(frozen=True, kw_only=True)
class Tuner:
    """What every tuner has.

    Attributes:
        seed: of the values that are drawn, and of each trial's training.
        executions_per_trial: trainings of each candidate, of which the mean counts.
        max_retries_per_trial: how often a trial that failed runs again.
        max_consecutive_failed_trials: failed trials in a row that end the search.
    """

    seed: Seed = 0
    executions_per_trial: Count = 1
    max_retries_per_trial: Times = 0
    max_consecutive_failed_trials: Count = 3

    def trainings(self, epochs: int, candidates: int | None) -> Iterator[tuple[int, int]]:
        """What is trained at most, as (number of trainings, epochs of each).

        Args:
            epochs: those of `train`.
            candidates: how many there are, or None for more than any search tries.
        """
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class Trials(Tuner):
    """A tuner of at most `max_trials` candidates, each trained to the end."""

    max_trials: Count | None = 10

    def trainings(self, epochs: int, candidates: int | None) -> Iterator[tuple[int, int]]:
        trials = min(n for n in (self.max_trials, candidates, MANY) if n is not None)
        yield trials * self.executions_per_trial, epochs


MANY = 10**9


@dataclass(frozen=True, kw_only=True)
class RandomSearch(Trials):
    """Candidates drawn at random (Bergstra and Bengio 2012, "Random search for hyper-parameter optimization")."""

    max_trials: Count = 10


@dataclass(frozen=True, kw_only=True)
class GridSearch(Trials):
    """Every candidate, ten values of each continuous range; `max_trials` of them where that is given."""

    max_trials: Count | None = None


@dataclass(frozen=True, kw_only=True)
class Hyperband(Tuner):
    """Many candidates for a few epochs, the best `1 / factor` of them for `factor` times as many, and so on (Li et al.
    2018, arXiv:1603.06560).

    Attributes:
        max_epochs: of one candidate; by default those of `train`.
        hyperband_iterations: times through the whole algorithm.
    """

    max_epochs: Count | None = None
    factor: Annotated[int, Integer(min=2, max=1000)] = 3
    hyperband_iterations: Count = 1

    def brackets(self, epochs: int) -> Iterator[list[tuple[int, int]]]:
        """Each bracket's rounds as (candidates, epochs that each has had by the end of it), as keras-tuner 1.4 has
        them.

        Args:
            epochs: those of `train`, for where `max_epochs` is not given.
        """
        most = self.max_epochs or epochs
        last = math.ceil(1 + math.log(most, self.factor))
        for bracket in reversed(range(_divisions(most, self.factor))):
            yield [
                (
                    math.ceil(last / (bracket + 1) * self.factor ** (bracket - round_)),
                    math.ceil(most / self.factor ** (bracket - round_)),
                )
                for round_ in range(bracket + 1)
            ]

    def trainings(self, epochs: int, candidates: int | None) -> Iterator[tuple[int, int]]:
        for rounds in self.brackets(epochs):
            before = 0
            for size, until in rounds:
                yield size * self.executions_per_trial * self.hyperband_iterations, until - before
                before = until


def _divisions(epochs: float, factor: int) -> int:
    """How often epochs can be divided by `factor` before less than one is left, and once more."""
    count = 0
    while epochs >= 1:
        epochs, count = epochs / factor, count + 1
    return count


@dataclass(frozen=True, kw_only=True)
class Bayesian(Trials):
    """Candidates where a Gaussian process expects most (keras-tuner's BayesianOptimization).

    Attributes:
        num_initial_points: trials drawn at random first; by default three for each name of the space.
        alpha: noise expected of the objective, on the kernel's diagonal.
        beta: the larger, the more is explored.
    """

    max_trials: Count = 10
    num_initial_points: Count | None = None
    alpha: Annotated[float, Number(above=0)] = 1e-4
    beta: NonNegative = 2.6


TUNERS = {
    "random_search": record_of(RandomSearch, "random_search"),
    "grid_search": record_of(GridSearch, "grid_search"),
    "hyperband": record_of(Hyperband, "hyperband"),
    "bayesian": record_of(Bayesian, "bayesian"),
}

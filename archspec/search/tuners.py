"""keras-tuner's tuners, which choose the candidates of a search: their options, under its names and with its defaults.

To add a tuner, define its dataclass and its row in `TUNERS` here, and its oracle in `builder/sweep/tuners/oracles.py`.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Self

from archspec.fields.records import Count, record_of
from archspec.fields.scalars import Integer, Number
from archspec.recipe.numbers import NonNegative, Seed

Times = Annotated[int, Integer(min=0, max=1000)]


@dataclass(frozen=True, kw_only=True)
class Tuner:
    """The options and facts that every tuner has.

    Attributes:
        seed: seed of the values that are drawn, and of each trial's training.
        executions_per_trial: how often each candidate is trained; the mean of the objectives counts.
        max_retries_per_trial: how often a failed trial runs again.
        max_consecutive_failed_trials: how many trials in a row may fail before the search ends.
        free_on_resume: names of the options that may change when a search is resumed: they decide how much is tried,
            not what is tried next.
        in_rounds: whether candidates are trained in rounds of growing length. Only those trained longest can be
            compared then, as the learning rates of the others have not fallen to their end.
    """

    seed: Seed = 0
    executions_per_trial: Count = 1
    max_retries_per_trial: Times = 0
    max_consecutive_failed_trials: Count = 3

    free_on_resume: ClassVar[tuple[str, ...]] = ("max_retries_per_trial", "max_consecutive_failed_trials")
    in_rounds: ClassVar[bool] = False

    @property
    def own_epochs(self) -> int | None:
        """The epochs of a whole training, if this tuner sets them in place of `train.epochs`."""
        return None

    def trainings(self, epochs: int, candidates: int | None) -> Iterator[tuple[int, int]]:
        """Yields (number of trainings, epochs of each) for every round; together the most that is trained.

        Args:
            epochs: `train.epochs`.
            candidates: how many candidates there are, or None for more than any search tries.
        """
        raise NotImplementedError

    def planned(self, epochs: int, candidates: int | None) -> int | None:
        """The greatest number of trials, or None if nothing limits it.

        Args:
            epochs: `train.epochs`.
            candidates: how many candidates are inside the budget, or None if that is not known.
        """
        raise NotImplementedError

    def with_trials(self, count: int) -> Self:
        """Returns this tuner with at most `count` trials.

        Raises:
            ValueError: the number of trials follows from other options.
        """
        raise NotImplementedError

    def oracle_options(self, epochs: int) -> dict[str, Any]:
        """The arguments of keras-tuner's oracle for trainings of `epochs` epochs."""
        options = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        del options["executions_per_trial"]
        return options | {"seed": self.seed + 1}  # keras-tuner takes 0 for no seed


@dataclass(frozen=True, kw_only=True)
class Trials(Tuner):
    """A tuner that trains at most `max_trials` candidates, each of them to the end.

    Attributes:
        max_trials: the number of candidates that are trained; null, for a grid, for all of them.
    """

    max_trials: Count | None = 10

    free_on_resume: ClassVar[tuple[str, ...]] = (*Tuner.free_on_resume, "max_trials")

    def trainings(self, epochs: int, candidates: int | None) -> Iterator[tuple[int, int]]:
        trials = min(n for n in (self.max_trials, candidates, MANY) if n is not None)
        yield trials * self.executions_per_trial, epochs

    def planned(self, epochs: int, candidates: int | None) -> int | None:
        return min((n for n in (self.max_trials, candidates) if n is not None), default=None)

    def with_trials(self, count: int) -> Self:
        return dataclasses.replace(self, max_trials=count)


MANY = 10**9


@dataclass(frozen=True, kw_only=True)
class RandomSearch(Trials):
    """Candidates drawn at random (Bergstra and Bengio 2012, "Random search for hyper-parameter optimization").

    Example:
        tuner: {random_search: {max_trials: 30}}
    """

    max_trials: Count = 10


@dataclass(frozen=True, kw_only=True)
class GridSearch(Trials):
    """Every candidate in order, with ten values of each continuous range; the first `max_trials` if that is given.

    Example:
        tuner: grid_search
    """

    max_trials: Count | None = None


@dataclass(frozen=True, kw_only=True)
class Hyperband(Tuner):
    """Many candidates for a few epochs, the best `1 / factor` of them for `factor` times as many, and so on (Li et al.
    2018, arXiv:1603.06560).

    Example:
        tuner: {hyperband: {max_epochs: 27}}

    Attributes:
        max_epochs: epochs of a candidate that reaches the last round; `train.epochs` by default.
        factor: how many times fewer candidates, and more epochs, each round has than the one before.
        hyperband_iterations: how often the whole algorithm runs.
    """

    max_epochs: Count | None = None
    factor: Annotated[int, Integer(min=2, max=1000)] = 3
    hyperband_iterations: Count = 1

    in_rounds: ClassVar[bool] = True

    @property
    def own_epochs(self) -> int | None:
        return self.max_epochs

    def brackets(self, epochs: int) -> Iterator[list[tuple[int, int]]]:
        """Yields the rounds of each bracket as (candidates, epochs of each by the end of the round), as keras-tuner 1.4
        computes them.

        Args:
            epochs: `train.epochs`, which counts if `max_epochs` is not given.
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

    def planned(self, epochs: int, candidates: int | None) -> int | None:
        return sum(count for count, _ in self.trainings(epochs, None)) // self.executions_per_trial

    def with_trials(self, count: int) -> Self:
        raise ValueError("hyperband's number of trials follows from max_epochs, factor and hyperband_iterations")

    def oracle_options(self, epochs: int) -> dict[str, Any]:
        return super().oracle_options(epochs) | {"max_epochs": self.max_epochs or epochs}


def _divisions(epochs: float, factor: int) -> int:
    """How often epochs can be divided by `factor` until less than one is left."""
    count = 0
    while epochs >= 1:
        epochs, count = epochs / factor, count + 1
    return count


@dataclass(frozen=True, kw_only=True)
class Bayesian(Trials):
    """Candidates where a Gaussian process expects the best objective (keras-tuner's BayesianOptimization).

    Example:
        tuner: {bayesian: {max_trials: 40}}

    Attributes:
        num_initial_points: how many trials are drawn at random first; by default three for each name of the space.
        alpha: variance of the noise expected in the objective, added to the diagonal of the kernel.
        beta: weight of the uncertainty; a larger value explores more.
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


def tuner_name(tuner: Tuner) -> str:
    """The name of a tuner in a spec: `random_search`."""
    return next(name for name, record in TUNERS.items() if record.build is type(tuner))

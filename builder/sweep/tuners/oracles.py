"""keras-tuner's oracles, which choose what is tried, with what `builder.sweep.tuners.resumable` adds."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import keras_tuner
import numpy as np
import threadpoolctl
from keras_tuner.engine.trial import TrialStatus
from keras_tuner.oracles import (
    BayesianOptimizationOracle,
    GridSearchOracle,
    HyperbandOracle,
    RandomSearchOracle,
)

from archspec.search import Bayesian, GridSearch, Hyperband, RandomSearch, Search
from archspec.search.tuners import Trials
from builder.sweep.tuners.hyperparameters import candidate, hyperparameters
from builder.sweep.tuners.resumable import ResumableOracle

FEASIBLE = 100
"""Candidates among which the Gaussian process chooses where what it likes best is not inside the budget."""


class _Random(ResumableOracle, RandomSearchOracle):
    pass


class _Grid(ResumableOracle, GridSearchOracle):
    def recall(self, trial_id: str) -> None:
        self.populate_space(trial_id)

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        first = not self.start_order
        response: dict[str, Any] = super().populate_space(trial_id)
        values = response.get("values")
        if first and not self.judge.accepts(candidate(self.space, values or {})):
            values = self._get_next_combination(values)
            status = TrialStatus.RUNNING if values else TrialStatus.STOPPED
            return {"status": status, "values": values}
        return response

    def _get_next_combination(self, values: Any) -> Any:
        following = super()._get_next_combination(values)
        # What was tried before is told apart by keras-tuner itself.
        while not (
            following is None or self._duplicate(following) or self.judge.accepts(candidate(self.space, following))
        ):
            following = super()._get_next_combination(following)
        return following


class _Hyperband(ResumableOracle, HyperbandOracle):
    def recall(self, trial_id: str) -> None:
        self.populate_space(trial_id)


class _Bayesian(ResumableOracle, BayesianOptimizationOracle):
    def populate_space(self, trial_id: str) -> dict[str, Any]:
        self._random_state = np.random.RandomState(self.seed + len(self.trials))  # the same after a resume
        self._proposed = False
        # Matrices this small are slower on several cores, which the trials need besides.
        with threadpoolctl.threadpool_limits(1), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the fit's convergence, which nobody can act on
            response: dict[str, Any] = super().populate_space(trial_id)
            values = response.get("values") or {}
            if self._proposed and (self._duplicate(values) or not self.judge.accepts(candidate(self.space, values))):
                values = self._best_feasible()
                status = TrialStatus.STOPPED if values is None else TrialStatus.RUNNING
                return {"status": status, "values": values}
        return response

    def _vector_to_values(self, vector: Any) -> Any:
        self._proposed = True
        return super()._vector_to_values(vector)

    def _best_feasible(self) -> dict[str, Any] | None:
        """Of random candidates inside the budget, the one with the best bound."""
        drawn = [values for _ in range(FEASIBLE) if (values := self._random_values()) is not None]
        if not drawn:
            return None
        vectors = np.array([self._vector(values) for values in drawn])
        mean, deviation = self.gpr.predict(vectors, return_std=True)
        return drawn[int(np.argmin(mean - self.beta * deviation))]

    def _vector(self, values: Mapping[str, Any]) -> list[float]:
        return [one.value_to_prob(values.get(one.name, one.default)) for one in self._nonfixed_space()]


def oracle(search: Search, epochs: int) -> Any:
    """The oracle of a search's tuner; `begin` starts it.

    Args:
        epochs: those of `train`, for Hyperband.
    """
    tuner = search.tuner
    options: dict[str, Any] = {
        "objective": keras_tuner.Objective(search.objective.name, search.objective.direction),
        "hyperparameters": hyperparameters(search.space),
        "allow_new_entries": False,
        "tune_new_entries": False,
        "seed": tuner.seed + 1,  # keras-tuner takes 0 for none
        "max_retries_per_trial": tuner.max_retries_per_trial,
        "max_consecutive_failed_trials": tuner.max_consecutive_failed_trials,
    }
    match tuner:
        case RandomSearch():
            made = _Random(**options, max_trials=tuner.max_trials)
        case GridSearch():
            made = _Grid(**options, max_trials=tuner.max_trials)
        case Hyperband():
            shape = {"factor": tuner.factor, "hyperband_iterations": tuner.hyperband_iterations}
            made = _Hyperband(**options, max_epochs=tuner.max_epochs or epochs, **shape)
        case Bayesian():
            process = {"num_initial_points": tuner.num_initial_points, "alpha": tuner.alpha, "beta": tuner.beta}
            made = _Bayesian(**options, max_trials=tuner.max_trials, **process)
    return made


def planned(search: Search, epochs: int, candidates: int | None) -> int | None:
    """How many trials there will be at most, None where only the tuner knows."""
    if isinstance(search.tuner, Hyperband):
        return sum(count for count, _ in search.tuner.trainings(epochs, None)) // search.tuner.executions_per_trial
    assert isinstance(search.tuner, Trials)
    most = [count for count in (search.tuner.max_trials, candidates) if count is not None]
    return min(most, default=None)

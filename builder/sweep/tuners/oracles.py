"""keras-tuner's oracles, which choose the candidates, each made resumable and kept inside the budget."""

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

from archspec.search import Search
from archspec.search.tuners import Bayesian, GridSearch, Hyperband, RandomSearch, Tuner
from builder.sweep.tuners.hyperparameters import hyperparameters
from builder.sweep.tuners.resumable import ResumableOracle

FEASIBLE = 100
"""How many candidates the Gaussian process chooses from when its first choice is outside the budget."""


class _RandomSearch(ResumableOracle, RandomSearchOracle):
    pass


class _GridSearch(ResumableOracle, GridSearchOracle):
    def replay_values(self, trial_id: str) -> None:
        self.populate_space(trial_id)

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        is_first = not self.start_order
        response: dict[str, Any] = super().populate_space(trial_id)
        values = response.get("values")
        if is_first and not self._accepts(values or {}):
            values = self._get_next_combination(values)
            status = TrialStatus.RUNNING if values else TrialStatus.STOPPED
            return {"status": status, "values": values}
        return response

    def _get_next_combination(self, values: Any) -> Any:
        following = super()._get_next_combination(values)
        # keras-tuner itself skips values that were tried before.
        while not (following is None or self._duplicate(following) or self._accepts(following)):
            following = super()._get_next_combination(following)
        return following


class _Hyperband(ResumableOracle, HyperbandOracle):
    def replay_values(self, trial_id: str) -> None:
        self.populate_space(trial_id)


class _Bayesian(ResumableOracle, BayesianOptimizationOracle):
    def populate_space(self, trial_id: str) -> dict[str, Any]:
        self._random_state = np.random.RandomState(self.seed + len(self.trials))  # the same after a resume
        self._is_modelled = False
        # Matrices this small are slower on several cores, which the trials need anyway.
        with threadpoolctl.threadpool_limits(1), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about the convergence of the fit, which a user cannot change
            response: dict[str, Any] = super().populate_space(trial_id)
            values = response.get("values") or {}
            if self._is_modelled and (self._duplicate(values) or not self._accepts(values)):
                values = self._best_feasible()
                status = TrialStatus.STOPPED if values is None else TrialStatus.RUNNING
                return {"status": status, "values": values}
        return response

    def _vector_to_values(self, vector: Any) -> Any:
        self._is_modelled = True  # keras-tuner calls this for the choice of the Gaussian process only
        return super()._vector_to_values(vector)

    def _best_feasible(self) -> dict[str, Any] | None:
        """The values with the best confidence bound among random ones inside the budget; None if there are none."""
        drawn = [values for _ in range(FEASIBLE) if (values := self._random_values()) is not None]
        if not drawn:
            return None
        vectors = np.array([self._vector(values) for values in drawn])
        mean, deviation = self.gpr.predict(vectors, return_std=True)
        return drawn[int(np.argmin(mean - self.beta * deviation))]

    def _vector(self, values: Mapping[str, Any]) -> list[float]:
        return [one.value_to_prob(values.get(one.name, one.default)) for one in self._nonfixed_space()]


ORACLES: Mapping[type[Tuner], type[ResumableOracle]] = {
    RandomSearch: _RandomSearch,
    GridSearch: _GridSearch,
    Hyperband: _Hyperband,
    Bayesian: _Bayesian,
}
"""The oracle of each tuner, made with the tuner's `oracle_options`."""


def make_oracle(search: Search, epochs: int) -> ResumableOracle:
    """Makes the oracle of a search's tuner; its `begin` starts or resumes it.

    Args:
        search: the `search` section.
        epochs: `train.epochs`.
    """
    return ORACLES[type(search.tuner)](
        objective=keras_tuner.Objective(search.objective.name, search.objective.direction),
        hyperparameters=hyperparameters(search.space),
        allow_new_entries=False,
        tune_new_entries=False,
        **search.tuner.oracle_options(epochs),
    )

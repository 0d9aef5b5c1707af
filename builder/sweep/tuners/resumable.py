"""What keeps keras-tuner's oracles inside a budget, and writes down what they decide so that they go on.

keras-tuner's own files cannot be gone on with after a crash (GridSearch never, the others from the last whole write),
so a sweep has a journal: each decision is a line, and going on is making the same decisions again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from keras_tuner.engine.trial import Trial, TrialStatus

from archspec.candidates.survey import EVERY
from archspec.search import Space
from builder.sweep.tuners.candidate_filter import CandidateFilter
from builder.sweep.tuners.hyperparameters import candidate, encoded
from builder.sweep.tuners.journal import Journal

TRIES = 5_000
"""Candidates drawn at random, before there is said to be no further one."""
MEASURED_TRIES = 200
"""The same where each may have to be measured."""
TUNER = "tuner/"
MOST_LOST = 3
"""How often a trial is given to another worker after one died."""

if TYPE_CHECKING:
    from keras_tuner import Oracle
else:
    Oracle = object


class ResumableOracle(Oracle):
    """A mixin for an oracle of keras-tuner: a budget, a journal, and workers that may die."""

    ongoing_trials: dict[str, Any]
    space: Space
    judge: CandidateFilter
    journal: Journal

    def begin(
        self,
        space: Space,
        judge: CandidateFilter,
        journal: Journal,
        has_workers: bool,
        on_create: Callable[[Trial], object],
    ) -> None:
        """Starts, or goes on where the journal ends.

        Args:
            has_workers: other processes train, and may be at their trials still.
            on_create: takes each new trial before anybody else has it.
        """
        self.space, self.judge, self.journal = space, judge, journal
        self.lock = threading.RLock()
        self.seen: dict[str, float] = {}
        self._told: dict[str, Any] | None = None
        self._lost: dict[str, int] = {}
        self.verbose = 0
        for event in journal.events:
            self._replay(event)
        self.on_create = on_create
        if has_workers:
            self.tuner_ids.update(self.ongoing_trials)
            self.seen = dict.fromkeys(self.ongoing_trials, time.monotonic())
        else:
            self._retry_queue += [trial.trial_id for trial in self.ongoing_trials.values()]
            self.ongoing_trials.clear()

    def save(self) -> None:
        """The journal has it."""

    def _save_trial(self, trial: Trial) -> None:
        """The journal has it."""

    # -- trials --------------------------------------------------------------------------------------------------------

    def create_trial(self, tuner_id: str) -> Trial:
        with self.lock:
            self.seen[tuner_id] = time.monotonic()
            if tuner_id in self.ongoing_trials:
                return self.ongoing_trials[tuner_id]
            self.tuner_ids.add(tuner_id)
            if self._retry_queue:
                self.journal.add({"event": "again", "trial": self._retry_queue[0], "tuner": tuner_id})
                return self._again(self._retry_queue[0], tuner_id)
            status, values = self._next()
            if status != TrialStatus.RUNNING:
                if status == TrialStatus.STOPPED:
                    self.tuner_ids.discard(tuner_id)
                return Trial(self.hyperparameters.copy(), "", status)
            trial_id = self._next_id()
            state = {"seed_state": self._seed_state, "rejected": dict(self.judge.rejected)}
            self.journal.add({"event": "create", "trial": trial_id, "tuner": tuner_id, "values": values, **state})
            trial = self._added(trial_id, tuner_id, values)
            self.on_create(trial)
            return trial

    def _next(self) -> tuple[str, dict[str, Any]]:
        """What to do next, and with which values; nothing ends while a trial runs that may have to run again."""
        at_end = TrialStatus.IDLE if self.ongoing_trials else TrialStatus.STOPPED
        if self.failures_in_a_row >= self.max_consecutive_failed_trials:
            return TrialStatus.STOPPED, {}
        if self.max_trials and len(self.trials) >= self.max_trials:
            return at_end, {}
        response = self.populate_space(self._next_id())
        status = response["status"]
        return (at_end if status == TrialStatus.STOPPED else status), response.get("values") or {}

    def _next_id(self) -> str:
        return f"{len(self.trials) + 1:04d}"

    def _added(self, trial_id: str, tuner_id: str, values: dict[str, Any]) -> Trial:
        space = self.hyperparameters.copy()
        space.values = values
        trial = Trial(hyperparameters=space, trial_id=trial_id, status=TrialStatus.RUNNING)
        self._record_values(trial)
        self.judge.choose(candidate(self.space, values))
        self.ongoing_trials[tuner_id] = self.trials[trial_id] = trial
        self.start_order.append(trial_id)
        return trial

    def _again(self, trial_id: str, tuner_id: str) -> Trial:
        self._retry_queue.remove(trial_id)
        trial = self.trials[trial_id]
        trial.status = TrialStatus.RUNNING
        self.ongoing_trials[tuner_id] = trial
        return trial

    def update_trial(self, trial_id: str, metrics: Mapping[str, float], step: int = 0) -> Trial:
        with self.lock:
            # Once more after a crash, or by another worker: the last one counts.
            self.trials[trial_id].metrics.metrics.clear()
            metrics = dict(metrics)
            trial = super().update_trial(trial_id, metrics, step)
            self.journal.add({"event": "update", "trial": trial_id, "metrics": metrics})
            return trial

    def end_trial(self, trial: Trial) -> None:
        with self.lock:
            # Told twice: by a worker that was taken for dead, or that has not heard the answer of a chief that died.
            if all(one.trial_id != trial.trial_id for one in self.ongoing_trials.values()):
                return
            self.journal.add({"event": "end", "trial": trial.trial_id, "status": trial.status})
            super().end_trial(trial)

    def get_trial(self, trial_id: str) -> Trial:
        """Also how a worker shows that it is alive."""
        with self.lock:
            for tuner_id, trial in self.ongoing_trials.items():
                if trial.trial_id == trial_id:
                    self.seen[tuner_id] = time.monotonic()
            return self.trials[trial_id]

    def give_up_silent(self, seconds: float) -> list[tuple[str, str]]:
        """Takes the trials from workers not heard of for so long; each as (worker, trial)."""
        with self.lock:
            now = time.monotonic()
            late = [tuner for tuner in self.tuner_ids if now - self.seen.get(tuner, now) > seconds]
            taken = []
            for tuner_id in late:
                self.tuner_ids.discard(tuner_id)
                trial = self.ongoing_trials.get(tuner_id)
                if trial is not None:
                    self.journal.add({"event": "lost", "trial": trial.trial_id, "tuner": tuner_id})
                    self._lose(tuner_id)
                    taken.append((tuner_id, trial.trial_id))
            return taken

    def _lose(self, tuner_id: str) -> None:
        trial = self.ongoing_trials.pop(tuner_id)
        self._lost[trial.trial_id] = self._lost.get(trial.trial_id, 0) + 1
        if self._lost[trial.trial_id] <= MOST_LOST:
            self._retry_queue.append(trial.trial_id)
        else:
            trial.status = TrialStatus.FAILED
            self.end_order.append(trial.trial_id)

    # -- failures ------------------------------------------------------------------------------------------------------

    def _check_consecutive_failures(self) -> None:
        """An error in the midst of ending a trial would lose it; `_next` asks instead."""

    @property
    def failures_in_a_row(self) -> int:
        count = 0
        for trial_id in reversed(self.end_order):
            if self.trials[trial_id].status != TrialStatus.FAILED:
                break
            count += 1
        return count

    def _retry(self, trial: Trial) -> bool:
        if trial.status != TrialStatus.INVALID:
            return False
        if self._run_times[trial.trial_id] > self.max_retries_per_trial:
            trial.status = TrialStatus.FAILED
            return False
        self._retry_queue.append(trial.trial_id)
        return True

    # -- what is drawn -------------------------------------------------------------------------------------------------

    def _random_values(self) -> dict[str, Any] | None:
        if self._told is not None:
            return {name: value for name, value in self._told.items() if not name.startswith(TUNER)}
        for _ in range(TRIES if self.judge.checker.search.budget.latency_ms is None else MEASURED_TRIES):
            values = super()._random_values()
            if values is None:
                break
            if self.judge.accepts(candidate(self.space, values)):
                return values
        return self._last_values()

    def _last_values(self) -> dict[str, Any] | None:
        """Values not tried yet, where drawing finds none and all candidates can be looked through."""
        if self.space.continuous or self.space.grid_size() > EVERY:
            return None
        for one in self.space.grid():
            values = encoded(self.space, one)
            if not self._duplicate(values) and self.judge.accepts(one):
                return values
        return None

    # -- going on ------------------------------------------------------------------------------------------------------

    def _replay(self, event: Mapping[str, Any]) -> None:
        kind, trial_id = event["event"], event["trial"]
        if kind == "create":
            self._told = dict(event["values"])
            self.recall(trial_id)
            self._told = None
            self._added(trial_id, event["tuner"], dict(event["values"]))
            self._seed_state = event["seed_state"]
            self.judge.rejected.clear()
            self.judge.rejected.update(event["rejected"])
        elif kind == "again":
            self.ongoing_trials = {key: one for key, one in self.ongoing_trials.items() if one.trial_id != trial_id}
            if trial_id not in self._retry_queue:
                self._retry_queue.append(trial_id)
            self._again(trial_id, event["tuner"])
        elif kind == "update":
            self.trials[trial_id].metrics.metrics.clear()
            super().update_trial(trial_id, dict(event["metrics"]))
        elif kind == "end":
            trial = self.trials[trial_id]
            trial.status = event["status"]
            super().end_trial(trial)
        elif kind == "lost":
            self._lose(event["tuner"])

    def recall(self, trial_id: str) -> None:
        """Makes a decision of the journal once more, for what the oracle remembers of it; `_told` are its values."""

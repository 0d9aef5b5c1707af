"""What is added to keras-tuner's oracles: the budget, workers that may die, and a journal from which they resume.

keras-tuner's own files do not allow a search to be resumed after a crash: GridSearch never, the others only from their
last complete write. A search therefore has a journal with a line for each decision. To resume it is to take the same
decisions again.
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
from builder.sweep.tuners.hyperparameters import candidate, values_of
from builder.sweep.tuners.journal import Journal

TRIES = 5_000
"""How many candidates are drawn at random before the space counts as exhausted."""
MEASURED_TRIES = 200
"""How many if the budget limits the latency, which takes long to measure."""
TUNER = "tuner/"
"""The beginning of the names of values that are keras-tuner's own notes."""
MOST_LOST = 3
"""How many workers may die with the same trial before it fails."""

if TYPE_CHECKING:
    from keras_tuner import Oracle
else:
    Oracle = object


class ResumableOracle(Oracle):
    """A mixin for an oracle of keras-tuner that keeps a journal, accepts what the budget allows, and outlives workers.

    Attributes:
        space: the space of the search.
        candidate_filter: decides which candidates become trials.
        journal: the decisions so far.
    """

    ongoing_trials: dict[str, Any]
    space: Space
    candidate_filter: CandidateFilter
    journal: Journal

    def begin(
        self,
        space: Space,
        candidate_filter: CandidateFilter,
        journal: Journal,
        has_workers: bool,
        on_create: Callable[[Trial], object],
    ) -> None:
        """Starts a search, or resumes it where its journal ends.

        Args:
            space: the space of the search.
            candidate_filter: decides which candidates become trials.
            journal: the decisions so far.
            has_workers: whether other processes train, which may still be running the trials that have not ended.
            on_create: called with each new trial before any worker gets it.
        """
        self.space, self.candidate_filter, self.journal = space, candidate_filter, journal
        self.lock = threading.RLock()
        self.last_seen: dict[str, float] = {}
        self._replayed_values: dict[str, Any] | None = None
        self._times_lost: dict[str, int] = {}
        self.verbose = 0
        for event in journal.events:
            self._replay(event)
        self.on_create = on_create
        if has_workers:
            self.tuner_ids.update(self.ongoing_trials)
            self.last_seen = dict.fromkeys(self.ongoing_trials, time.monotonic())
        else:
            self._retry_queue += [trial.trial_id for trial in self.ongoing_trials.values()]
            self.ongoing_trials.clear()

    def save(self) -> None:
        """Does nothing: the journal has it."""

    def _save_trial(self, trial: Trial) -> None:
        """Does nothing: the journal has it."""

    # -- trials --------------------------------------------------------------------------------------------------------

    def create_trial(self, tuner_id: str) -> Trial:
        """Returns the trial of a worker: the one that it has, one that is to run again, or a new one.

        Its status tells a worker without a trial to ask again (IDLE), or that the search has ended (STOPPED).
        """
        with self.lock:
            self.last_seen[tuner_id] = time.monotonic()
            if tuner_id in self.ongoing_trials:
                return self.ongoing_trials[tuner_id]
            self.tuner_ids.add(tuner_id)
            if self._retry_queue:
                self.journal.add({"event": "retry", "trial": self._retry_queue[0], "tuner": tuner_id})
                return self._retried(self._retry_queue[0], tuner_id)
            status, values = self._next()
            if status != TrialStatus.RUNNING:
                if status == TrialStatus.STOPPED:
                    self.tuner_ids.discard(tuner_id)
                return Trial(self.hyperparameters.copy(), "", status)
            trial_id = self._next_id()
            state = {"seed_state": self._seed_state, "rejected": dict(self.candidate_filter.rejected)}
            self.journal.add({"event": "create", "trial": trial_id, "tuner": tuner_id, "values": values, **state})
            trial = self._created(trial_id, tuner_id, values)
            self.on_create(trial)
            return trial

    def _next(self) -> tuple[str, dict[str, Any]]:
        """The status and values of the next trial. The search does not end while a trial runs that may have to run
        again."""
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

    def _created(self, trial_id: str, tuner_id: str, values: dict[str, Any]) -> Trial:
        space = self.hyperparameters.copy()
        space.values = values
        trial = Trial(hyperparameters=space, trial_id=trial_id, status=TrialStatus.RUNNING)
        self._record_values(trial)
        self.candidate_filter.add(candidate(self.space, values))
        self.ongoing_trials[tuner_id] = self.trials[trial_id] = trial
        self.start_order.append(trial_id)
        return trial

    def _retried(self, trial_id: str, tuner_id: str) -> Trial:
        self._retry_queue.remove(trial_id)
        trial = self.trials[trial_id]
        trial.status = TrialStatus.RUNNING
        self.ongoing_trials[tuner_id] = trial
        return trial

    def update_trial(self, trial_id: str, metrics: Mapping[str, float], step: int = 0) -> Trial:
        """Records the metrics of a trial; those of its last attempt count."""
        with self.lock:
            self.trials[trial_id].metrics.metrics.clear()  # of an attempt before a crash, or by another worker
            metrics = dict(metrics)
            trial = super().update_trial(trial_id, metrics, step)
            self.journal.add({"event": "update", "trial": trial_id, "metrics": metrics})
            return trial

    def end_trial(self, trial: Trial) -> None:
        """Ends a trial, or puts it in the queue to run again."""
        with self.lock:
            # A trial may end twice: for a worker that was taken for dead, or one whose chief died before it answered.
            if all(one.trial_id != trial.trial_id for one in self.ongoing_trials.values()):
                return
            self.journal.add({"event": "end", "trial": trial.trial_id, "status": trial.status})
            super().end_trial(trial)

    def get_trial(self, trial_id: str) -> Trial:
        """Returns a trial. Workers call this to show that they are alive."""
        with self.lock:
            for tuner_id, trial in self.ongoing_trials.items():
                if trial.trial_id == trial_id:
                    self.last_seen[tuner_id] = time.monotonic()
            return self.trials[trial_id]

    def drop_silent_workers(self, seconds: float) -> list[tuple[str, str]]:
        """Drops the workers that have been silent for so long, and puts their trials in the queue to run again.

        Returns:
            (worker, trial) for each trial that was taken from a worker.
        """
        with self.lock:
            now = time.monotonic()
            silent = [tuner for tuner in self.tuner_ids if now - self.last_seen.get(tuner, now) > seconds]
            taken = []
            for tuner_id in silent:
                self.tuner_ids.discard(tuner_id)
                trial = self.ongoing_trials.get(tuner_id)
                if trial is not None:
                    self.journal.add({"event": "lost", "trial": trial.trial_id, "tuner": tuner_id})
                    self._lose(tuner_id)
                    taken.append((tuner_id, trial.trial_id))
            return taken

    def _lose(self, tuner_id: str) -> None:
        trial = self.ongoing_trials.pop(tuner_id)
        self._times_lost[trial.trial_id] = self._times_lost.get(trial.trial_id, 0) + 1
        if self._times_lost[trial.trial_id] <= MOST_LOST:
            self._retry_queue.append(trial.trial_id)
        else:
            trial.status = TrialStatus.FAILED
            self.end_order.append(trial.trial_id)

    # -- failures ------------------------------------------------------------------------------------------------------

    def _check_consecutive_failures(self) -> None:
        """Does nothing: an error raised while a trial ends would lose it. `_next` counts the failures instead."""

    @property
    def failures_in_a_row(self) -> int:
        """How many of the trials that ended last have failed."""
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

    # -- values --------------------------------------------------------------------------------------------------------

    def _accepts(self, values: Mapping[str, Any]) -> bool:
        return self.candidate_filter.accepts(candidate(self.space, values))

    def _random_values(self) -> dict[str, Any] | None:
        if self._replayed_values is not None:
            return {name: value for name, value in self._replayed_values.items() if not name.startswith(TUNER)}
        is_measured = self.candidate_filter.checker.search.budget.latency_ms is not None
        for _ in range(MEASURED_TRIES if is_measured else TRIES):
            values = super()._random_values()
            if values is None:
                break
            if self._accepts(values):
                return values
        return self._untried_values()

    def _untried_values(self) -> dict[str, Any] | None:
        """Values not tried yet, found by going through all candidates if they are few enough; None if there are none.

        Drawing at random may miss the last ones.
        """
        if self.space.continuous or self.space.grid_size() > EVERY:
            return None
        for one in self.space.grid():
            values = values_of(self.space, one)
            if not self._duplicate(values) and self.candidate_filter.accepts(one):
                return values
        return None

    # -- resuming ------------------------------------------------------------------------------------------------------

    def _replay(self, event: Mapping[str, Any]) -> None:
        """Takes a decision of the journal again."""
        kind, trial_id = event["event"], event["trial"]
        if kind == "create":
            self._replayed_values = dict(event["values"])
            self.replay_values(trial_id)
            self._replayed_values = None
            self._created(trial_id, event["tuner"], dict(event["values"]))
            self._seed_state = event["seed_state"]
            self.candidate_filter.rejected.clear()
            self.candidate_filter.rejected.update(event["rejected"])
        elif kind == "retry":
            self.ongoing_trials = {key: one for key, one in self.ongoing_trials.items() if one.trial_id != trial_id}
            if trial_id not in self._retry_queue:
                self._retry_queue.append(trial_id)
            self._retried(trial_id, event["tuner"])
        elif kind == "update":
            self.trials[trial_id].metrics.metrics.clear()
            super().update_trial(trial_id, dict(event["metrics"]))
        elif kind == "end":
            trial = self.trials[trial_id]
            trial.status = event["status"]
            super().end_trial(trial)
        elif kind == "lost":
            self._lose(event["tuner"])

    def replay_values(self, trial_id: str) -> None:
        """Chooses the values of a trial again, for what the oracle itself remembers of that choice.

        `_random_values` returns the values of the journal meanwhile. An oracle with a memory of its own overrides this.
        """

"""From the values that an oracle proposes to the task of a process: specs, seeds and directories of executions."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from archspec import Spec, analyse, load
from archspec.candidates.check import Checker
from archspec.recipe import MONITORS, Train
from archspec.recipe.fine_tuning import InitFrom
from archspec.search import Candidate, Search, WarmStart
from builder.runs import names
from builder.sweep.processes.task import Task
from builder.sweep.records import COMPLETED, DIVERGED, Execution, Files, Trial
from builder.sweep.results import Results
from builder.sweep.tuners.hyperparameters import candidate
from builder.system.files import write_text


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is searched, and where its files are.

    Attributes:
        spec: the spec that is searched, with the epochs of its tuner; see `with_tuner_epochs`.
        checker: checks its candidates.
        files: the directory of the search.
    """

    spec: Spec
    checker: Checker
    files: Files

    @property
    def search(self) -> Search:
        return self.checker.search

    @property
    def recipe(self) -> Train:
        assert self.spec.train is not None
        return self.spec.train

    def trial(self, proposed: Any) -> Trial:
        """The record of keras-tuner's trial `proposed`, written when it is first asked for."""
        known = self.files.read_trial(proposed.trial_id)
        if known is not None:
            return known
        values: Mapping[str, Any] = proposed.hyperparameters.values
        chosen = candidate(self.search.space, values)
        verdict = self.checker.check(chosen)
        assert verdict.measures is not None
        previous_id = values.get("tuner/trial_id")
        previous = self.files.read_trial(str(previous_id)) if previous_id else None
        recipe = self.checker.networks.recipe(chosen) or self.recipe
        trial = Trial(
            id=proposed.trial_id,
            values=dict(chosen.values),
            trainable_parameters=verdict.measures.trainable_parameters,
            macs=verdict.measures.macs,
            root=previous.root if previous else proposed.trial_id,
            until=min(int(values.get("tuner/epochs", recipe.epochs)), recipe.epochs),
            latency_ms=verdict.latency_ms,
        )
        self.files.write_trial(trial)
        return trial

    def completed(self, trial: Trial, number: int) -> Execution | None:
        """The execution, if it has completed and needs no training."""
        record = self.files.execution(self.files.record(trial, number))
        return record if record is not None and record.state == COMPLETED else None

    def task(self, trial: Trial, number: int, data_dir: str | None) -> Task:
        """The task of an execution, after its last attempt, if that failed, was put aside.

        A training that diverged starts again with another seed. Any other is resumed from its last checkpoint.
        """
        files, epochs = self.files, self._epochs(trial)
        failures = self._put_aside(trial, number)
        path = files.spec(trial, number)
        if not path.exists():
            write_text(path, self._execution_spec(trial, number, failures).to_yaml())
        return Task(
            trial=trial.id,
            number=number,
            spec=path.absolute(),
            run_dir=files.run(trial, number).absolute(),
            record=files.record(trial, number).absolute(),
            log=files.log(trial, number).absolute(),
            data_dir=data_dir,
            until=trial.until if trial.until < epochs else None,
            from_epoch=self._from_epoch(trial),
            seed=_seed(path),
            objective=self.search.objective.name,
            sizes=trial.sizes,
        )

    def _epochs(self, trial: Trial) -> int:
        recipe = self.checker.networks.recipe(Candidate(trial.values))
        return (recipe or self.recipe).epochs

    def _from_epoch(self, trial: Trial) -> int:
        """How many epochs the earlier trials with the same run have had."""
        if trial.root == trial.id:
            return 0
        earlier = [one.until for one in self.files.trials() if one.root == trial.root and one.id < trial.id]
        return max(earlier, default=0)

    def _put_aside(self, trial: Trial, number: int) -> int:
        """Renames the files of the last attempt if it failed; returns how many attempts have failed."""
        record = self.files.record(trial, number)
        before = len(list(record.parent.glob(f"run-{number}.failed-*.json")))
        last = self.files.execution(record)
        if last is None:
            record.unlink(missing_ok=True)
        if last is None or last.state == COMPLETED:
            return before
        failed = before + 1
        if last.state == DIVERGED:
            for path in (self.files.run(trial, number), self.files.spec(trial, number)):
                if path.exists():
                    path.rename(path.with_name(f"run-{number}.failed-{failed}{path.suffix}"))
        record.rename(record.with_name(f"run-{number}.failed-{failed}.json"))
        return failed

    def _execution_spec(self, trial: Trial, number: int, failures: int) -> Spec:
        recipe = self.checker.networks.recipe(Candidate(trial.values)) or self.recipe
        tuner = self.search.tuner
        seed = recipe.seed + tuner.seed + number - 1 + failures * tuner.executions_per_trial
        changes: dict[str, Any] = {**trial.values, "train.seed": seed}
        if self.search.objective.name in MONITORS:
            changes["train.checkpoints.best"] = self.search.objective.name
        warm = self.search.warm_start
        source = self._warm_start(trial, warm) if warm is not None else None
        if warm is not None and source is not None:
            changes["train.init_from"] = {"run": str(source.absolute()), "layers": list(warm.layers)}
        return self.checker.networks.base.with_values(changes)

    def _warm_start(self, trial: Trial, warm: WarmStart) -> Path | None:
        """The run of the best smaller network so far that shares layers with the trial's network."""
        wanted = _layers(self.checker.networks.base.with_values(trial.values), warm)
        smaller = [
            one
            for one in Results.read(self.files, self.search).finished()
            if one.trial.trainable_parameters < trial.trainable_parameters
        ]
        while smaller:
            best = Results.best_of(smaller, self.search)
            run = self.files.run(best.trial, best.execution.number)
            # Hyperband's shorter rounds leave no model.
            has_model = (run / names.MODEL).exists()
            if has_model and wanted & _layers(load(self.files.spec(best.trial, best.execution.number)), warm):
                return run
            smaller.remove(best)
        return None


def _layers(spec: Spec, warm: WarmStart) -> set[tuple[Any, ...]]:
    """The layers that a warm start may copy, by their names and the shapes of their weights."""
    init = InitFrom(run="", layers=warm.layers)
    return {
        (layer.name, layer.label, layer.trainable_parameters, layer.non_trainable_parameters)
        for layer in analyse(spec).layers
        if layer.trainable_parameters + layer.non_trainable_parameters and init.asks_for(layer.name)
    }


def with_tuner_epochs(spec: Spec) -> Spec:
    """Returns the spec with the epochs that its tuner sets, if it does, as `train.epochs`: learning rate schedules end
    with them.

    Raises:
        SpecError: the recipe does not fit that many epochs.
    """
    epochs = spec.search.tuner.own_epochs if spec.search is not None else None
    return spec if epochs is None or spec.train is None else spec.with_values({"train.epochs": epochs})


def _seed(path: Path) -> int:
    recipe = load(path).train
    return recipe.seed if recipe is not None else 0


def values_in_a_line(values: Mapping[str, Any]) -> str:
    """Values by the last part of their paths: `n=2 base=0.1`."""
    return " ".join(f"{name.rsplit('.', 1)[-1]}={value_text(value)}" for name, value in values.items())


def value_text(value: Any) -> str:
    """A value of a candidate, numbers in four figures."""
    return f"{value:.4g}" if isinstance(value, float) else value if isinstance(value, str) else json.dumps(value)

"""From what an oracle chose to what a process trains: candidates' specs, seeds and directories."""

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
from archspec.search import Candidate, Hyperband, Search, WarmStart
from builder.runs import names
from builder.sweep.records import COMPLETED, DIVERGED, Execution, Files, Trial
from builder.sweep.results import Results
from builder.sweep.tuners.hyperparameters import candidate
from builder.system.files import write_text


@dataclasses.dataclass(frozen=True)
class Plan:
    """A sweep's spec, and where its files are."""

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

    def trial(self, chosen: Any) -> Trial:
        """What keras-tuner's trial means, written down."""
        known = self.files.read_trial(chosen.trial_id)
        if known is not None:
            return known
        values: Mapping[str, Any] = chosen.hyperparameters.values
        one = candidate(self.search.space, values)
        verdict = self.checker.check(one)
        assert verdict.measures is not None
        before = values.get("tuner/trial_id")
        continued = self.files.read_trial(str(before)) if before else None
        recipe = self.checker.networks.recipe(one) or self.recipe
        trial = Trial(
            id=chosen.trial_id,
            values=dict(one.values),
            trainable_parameters=verdict.measures.parameters,
            macs=verdict.measures.macs,
            root=continued.root if continued else chosen.trial_id,
            until=min(int(values.get("tuner/epochs", recipe.epochs)), recipe.epochs),
            latency_ms=verdict.latency_ms,
        )
        self.files.write_trial(trial)
        return trial

    def is_done(self, trial: Trial, number: int) -> Execution | None:
        """An execution that needs no training any more."""
        record = self.files.execution(self.files.record(trial, number))
        return record if record is not None and record.state == COMPLETED else None

    def task(self, trial: Trial, number: int, data_dir: str | None) -> dict[str, Any]:
        """All that the process of an execution needs to know; what failed before is put aside.

        A training that diverged starts anew with another seed. Any other goes on from its last checkpoint.
        """
        files, epochs = self.files, self._epochs(trial)
        failures = self._put_aside(trial, number)
        path = files.spec(trial, number)
        if not path.exists():
            write_text(path, self._execution_spec(trial, number, failures).to_yaml())
        spec_seed = _seed(path)
        return {
            "trial": trial.id,
            "number": number,
            "spec": str(path.absolute()),
            "run_dir": str(files.run(trial, number).absolute()),
            "record": str(files.record(trial, number).absolute()),
            "log": str(files.log(trial, number).absolute()),
            "data_dir": data_dir,
            "until": trial.until if trial.until < epochs else None,
            "from_epoch": self._from_epoch(trial),
            "seed": spec_seed,
            "objective": self.search.objective.name,
            "known": {"trainable_parameters": trial.trainable_parameters, "macs": trial.macs},
        }

    def _epochs(self, trial: Trial) -> int:
        recipe = self.checker.networks.recipe(Candidate(trial.values))
        return (recipe or self.recipe).epochs

    def _from_epoch(self, trial: Trial) -> int:
        if trial.root == trial.id:
            return 0
        earlier = [one.until for one in self.files.trials() if one.root == trial.root and one.id < trial.id]
        return max(earlier, default=0)

    def _put_aside(self, trial: Trial, number: int) -> int:
        """How often this execution failed before; the last failure's files get a number."""
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
        one = Candidate(trial.values)
        recipe = self.checker.networks.recipe(one) or self.recipe
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
        """The run of the best smaller network so far that has layers which the trial's takes."""
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
    """The layers that a warm start may take, by name and shape of their weights."""
    init = InitFrom(run="", layers=warm.layers)
    return {
        (layer.name, layer.op, layer.trainable_parameters, layer.non_trainable_parameters)
        for layer in analyse(spec).layers
        if layer.trainable_parameters + layer.non_trainable_parameters and init.asks_for(layer.name)
    }


def searched(spec: Spec) -> Spec:
    """The spec whose candidates are trained: Hyperband's `max_epochs` are those of `train`, so that schedules end with
    them.

    Raises:
        SpecError: the recipe does not fit so many epochs.
    """
    tuner = spec.search.tuner if spec.search is not None else None
    if isinstance(tuner, Hyperband) and tuner.max_epochs is not None and spec.train is not None:
        return spec.with_values({"train.epochs": tuner.max_epochs})
    return spec


def _seed(path: Path) -> int:
    recipe = load(path).train
    return recipe.seed if recipe is not None else 0


def describe(values: Mapping[str, Any]) -> str:
    """Values in a line, the last part of each path as its name."""
    return " ".join(f"{name.rsplit('.', 1)[-1]}={_short(value)}" for name, value in values.items())


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else value if isinstance(value, str) else json.dumps(value)

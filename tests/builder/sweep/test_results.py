"""What a sweep comes to: Pareto fronts, warm starts, trials on replicas, and Hyperband's rounds as one training."""

import json

import pytest

import archspec
import builder
from archspec.candidates.check import Checker
from builder.sweep import results
from builder.sweep.records import COMPLETED, DIVERGED, Execution, Files, Trial
from builder.sweep.results import Results
from builder.training.trainer import train
from tests.builder.sweep.sweeps import table, write

FOUND = {
    "0001": (100, 9, 0.5),
    "0002": (200, 4, 0.7),
    "0003": (200, 8, 0.8),
    "0004": (300, 16, 0.8),
    "0005": (400, 2, 0.9),
}
"""Parameters, MACs and objective of made-up trials."""


@pytest.fixture
def made_up(tmp_path):
    files, search = Files(tmp_path), Checker(archspec.load(write(tmp_path))).search
    (tmp_path / "spec.yaml").write_text((tmp_path / "tiny.yaml").read_text())
    for name, (parameters, macs, objective) in FOUND.items():
        trial = Trial(name, {"width": 4, "rate": 0.1}, parameters, macs, name, 2)
        files.write_trial(trial)
        files.spec(trial, 1).write_text((tmp_path / "tiny.yaml").read_text())
        record(files, trial, COMPLETED, objective)
    failed = Trial("0006", {"width": 2, "rate": 0.1}, 10, 1, "0006", 2)
    files.write_trial(failed)
    record(files, failed, DIVERGED, None)
    return files, search


def record(files, trial, state, objective):
    execution = {"trial": trial.id, "number": 1, "state": state, "objective": objective, "epochs": 2, "best_epoch": 1}
    files.record(trial, 1).write_text(json.dumps(execution))
    assert files.execution(files.record(trial, 1)) == Execution(**execution)


def test_the_fronts_are_what_no_smaller_or_equal_trial_beats(made_up):
    fronts = Results.read(*made_up).fronts()
    assert [one.trial.id for one in fronts["trainable_parameters"]] == ["0001", "0003", "0005"]
    assert [one.trial.id for one in fronts["macs"]] == ["0005"]


def test_the_fronts_are_written_as_specs(made_up, tmp_path):
    (tmp_path / "pareto").mkdir()
    (tmp_path / "pareto/0002.yaml").write_text("from before it was beaten")
    results.write(Results.read(*made_up))
    assert sorted(path.stem for path in (tmp_path / "pareto").iterdir()) == ["0001", "0003", "0005"]
    text = (tmp_path / "pareto/0005.yaml").read_text()
    assert text.startswith("# On the Pareto front of val_accuracy against trainable parameters and macs.\n# Trial 0005")
    assert archspec.load(tmp_path / "pareto/0005.yaml").name == "tiny"
    assert "val_accuracy 0.9 in epoch 1 of 2" in (tmp_path / "best.yaml").read_text()


def test_hyperbands_rounds_are_one_training(tmp_path):
    """Weights, momentum and schedule: the best's metrics are those of its spec trained in one go."""
    spec = write(tmp_path, tuner={"hyperband": {"max_epochs": 2, "factor": 2}})
    found = builder.tune(archspec.load(spec), tmp_path / "sweep", say=lambda line: None)
    continued = [one for one in found.outcomes if one.trial.root != one.trial.id]
    assert [(one.trial.until, one.execution.epochs) for one in continued] == [(2, 2)]
    files, (outcome,) = found.files, continued
    train(archspec.load(files.spec(outcome.trial, 1)), tmp_path / "alone", say=lambda line: None)
    rounds, alone = (
        [line.split(",")[:9] for line in (run / "metrics.csv").read_text().splitlines()]
        for run in (files.run(outcome.trial, 1), tmp_path / "alone")
    )
    assert rounds == alone


def test_warm_starts_take_from_the_best_smaller_network_with_shared_layers_on_two_replicas(tmp_path):
    """Of width 6 nothing fits into 8; its dense layer's input is another, so that one of another kernel is taken."""
    space = {"width": {"choice": [4, 6]}, "model.layers[0].conv.kernel": {"choice": [3, 5]}}
    spec = write(tmp_path, 1, tuner="grid_search", space=space, warm_start=True)
    changes = {"train.distribute": {"mirrored": {"replicas": 2}}}
    builder.tune(archspec.load(spec, changes), tmp_path / "sweep", say=lambda line: None)
    rows = table(tmp_path / "sweep")
    assert [(row["width"], row["model.layers[0].conv.kernel"], row["state"]) for row in rows] == [
        ("4", "3", "completed"),
        ("4", "5", "completed"),
        ("6", "3", "completed"),
        ("6", "5", "completed"),
    ]
    files = Files(tmp_path / "sweep")
    specs = [archspec.load(files.spec(trial, 1)).train.init_from for trial in files.trials()]
    sources = [one and one.run for one in specs]
    assert sources == [
        None,
        str(files.directory.absolute() / "trials/0001/run-1"),
        None,
        str(files.directory.absolute() / "trials/0003/run-1"),
    ]
    log = (files.trial("0004") / "run-1.log").read_text()
    assert "weights from" in log
    assert ", 2 replicas" in log

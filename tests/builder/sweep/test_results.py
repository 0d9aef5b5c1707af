"""The results of a search, and its Pareto fronts."""

import json

import pytest

import archspec
from archspec.candidates.check import Checker
from builder.sweep import results
from builder.sweep.records import COMPLETED, DIVERGED, Execution, Files, Trial
from builder.sweep.results import Results
from tests.builder.sweep.searches import write

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

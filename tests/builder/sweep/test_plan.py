"""From candidates to trainings: Hyperband's rounds as one training, and warm starts."""

import pytest

import archspec
import builder
from builder.sweep.records import Files
from builder.training.trainer import train
from tests.builder.sweep.searches import table, write

pytestmark = pytest.mark.usefixtures("forked_servers")


def test_hyperbands_rounds_are_one_training(tmp_path):
    """Weights, momentum and schedule: the best's metrics are those of its spec trained in one go."""
    spec = write(tmp_path, tuner={"hyperband": {"max_epochs": 2, "factor": 2}})
    found = builder.tune(archspec.load(spec), tmp_path / "search", say=lambda line: None)
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
    """No layer of width 6 fits another width, nor does its dense layer, so the source differs in its kernel alone."""
    space = {"width": {"choice": [4, 6]}, "model.layers[0].conv.kernel": {"choice": [3, 5]}}
    spec = write(tmp_path, 1, tuner="grid_search", space=space, warm_start=True)
    changes = {"train.distribute": {"mirrored": {"replicas": 2}}}
    builder.tune(archspec.load(spec, changes), tmp_path / "search", say=lambda line: None)
    rows = table(tmp_path / "search")
    assert [(row["width"], row["model.layers[0].conv.kernel"], row["state"]) for row in rows] == [
        ("4", "3", "completed"),
        ("4", "5", "completed"),
        ("6", "3", "completed"),
        ("6", "5", "completed"),
    ]
    files = Files(tmp_path / "search")
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

"""A search compared: its trials are runs like others."""

import pytest

import builder


def test_a_search_stands_for_the_runs_of_its_trials(finished):
    _, directory, results, _ = finished
    found = builder.compare(directory)
    assert [one.name for one in found.records] == [f"{directory}/{one.trial.id}" for one in results.outcomes]
    for record, outcome in zip(found.records, results.outcomes, strict=True):
        assert record.is_complete and record.epochs == outcome.execution.epochs
        assert record.best["epoch"] == outcome.execution.best_epoch
        assert 1 - record.error == pytest.approx(outcome.objective)
        assert record.analysis.trainable_parameters == outcome.trial.trainable_parameters
    paths = {"params.width", "params.rate", "train.learning_rate.cosine.base"}  # the last is what the rate is used for
    assert {one.name for one in found.facts} == paths

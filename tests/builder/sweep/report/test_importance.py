"""How much of the objective's variation each name of a space explains."""

from itertools import product

import pytest

import archspec
from archspec.candidates.check import Checker
from builder.sweep.records import COMPLETED, Execution, Files, Trial
from builder.sweep.report.figures import figures
from builder.sweep.report.importance import FEWEST, importance
from builder.sweep.results import Outcome, Results
from tests.builder.sweep.searches import write

SPACE = {
    "width": {"int": [2, 12]},
    "rate": {"float": [0.001, 100], "log": True},
    "train.optimizer": {"choice": ["sgd", "adam", "rmsprop"]},
    "train.deterministic": {"bool": True, "when": {"train.optimizer": ["sgd"]}},
}
WIDTHS, RATES = range(2, 13, 2), [10.0**power for power in range(-3, 3)]
OPTIMIZERS = SPACE["train.optimizer"]["choice"]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Made-up trials on a grid: the objective is the sum of the width's effect and of that of the rate's logarithm,
    which is half as large, so that their variances are as 4 to 1; the optimizer has no effect."""
    folder = tmp_path_factory.mktemp("importance")
    search = Checker(archspec.load(write(folder, space=SPACE))).search
    outcomes = []
    for (i, width), (j, rate), optimizer in product(enumerate(WIDTHS), enumerate(RATES), OPTIMIZERS):
        values = {"width": width, "rate": rate, "train.optimizer": optimizer}
        if optimizer == "sgd":
            values["train.deterministic"] = bool((i + j) % 2)
        name = f"{len(outcomes) + 1:04}"
        trial = Trial(name, values, trainable_parameters=100 * width, macs=10 * width, root=name, until=2)
        record = Execution(name, 1, COMPLETED, seed=0, objective=(2 * i + j) / 15, epochs=2, best_epoch=1)
        outcomes.append(Outcome(trial, [record], 1, "max"))
    return Results(Files(folder), search, outcomes, {})


def test_the_shares_are_those_of_the_variance(results):
    shares = importance(results)
    assert list(shares) == list(SPACE)
    assert shares["width"] == pytest.approx(0.8, abs=0.05)
    assert shares["rate"] == pytest.approx(0.2, abs=0.05)
    assert shares["train.optimizer"] < 0.01 and shares["train.deterministic"] < 0.01


def test_the_report_draws_them_once_there_are_enough_trials(results):
    figure = figures(results)["importance"]
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()][-2:] == ["rate", "width"]
    assert axes.texts[-1].get_text() in ("78 %", "79 %", "80 %", "81 %", "82 %")
    few = Results(results.files, results.search, results.outcomes[: FEWEST - 1], {})
    assert "importance" not in figures(few)

"""The candidates that oracles choose: inside the budget, and the same again from any point of the journal."""

import pytest

import archspec
from archspec import search
from archspec.candidates.check import Checker
from archspec.search.tuners import Bayesian
from builder.sweep.tuners import oracles
from builder.sweep.tuners.candidate_filter import CandidateFilter
from builder.sweep.tuners.hyperparameters import candidate, decode, encode, hyperparameters
from builder.sweep.tuners.journal import Journal
from tests.builder.sweep.searches import TUNER_CASES

SPACE = {
    "n": {"int": [1, 3]},
    "width": {"int": [4, 32], "step": 4},
    "train.optimizer": {"choice": ["sgd", {"adam": {}}]},
    "train.batch_size": {"choice": [32, 64], "when": {"n": [1, 2]}},
}
TUNERS = {name: {name: case.many} for name, case in TUNER_CASES.items()}


def started(tuner, path, space=None, parameters=100_000):
    budget = {"trainable_parameters": parameters}
    changes = {"search.tuner": tuner, "search.space": space or SPACE, "search.budget": budget}
    spec = archspec.load("specs/digits.yaml", changes)
    checker = Checker(spec)
    oracle = oracles.make_oracle(spec.search, spec.train.epochs)
    oracle.begin(
        spec.search.space, CandidateFilter(checker, checker.networks.spec), Journal(path), False, lambda trial: None
    )
    return oracle, checker


def searched(oracle, stop=None):
    """Runs trials with made-up objectives, until the search ends or `stop` of them have; returns their values."""
    while stop is None or len(oracle.end_order) < stop:
        trial = oracle.create_trial("a")
        if trial.status != "RUNNING":
            assert trial.status == "STOPPED"
            break
        values = trial.hyperparameters.values
        objective = -((values["n"] - 2) ** 2) - (values["width"] - 16) ** 2 / 100 + values.get("tuner/epochs", 0) / 50
        oracle.update_trial(trial.trial_id, {"val_accuracy": objective})
        trial.status = "COMPLETED"
        oracle.end_trial(trial)
    return [(trial_id, oracle.trials[trial_id].hyperparameters.values) for trial_id in oracle.start_order]


def test_every_tuner_has_an_oracle_and_is_tested():
    assert {record.build for record in search.TUNERS.values()} == set(oracles.ORACLES)
    assert search.TUNERS.keys() == TUNERS.keys()


@pytest.mark.parametrize("name", TUNERS)
def test_a_resumed_search_tries_the_same(name, tmp_path):
    oracle, checker = started(TUNERS[name], tmp_path / "whole")
    whole = searched(oracle)
    for _, values in whole:
        assert checker.check(candidate(checker.search.space, values)).inside
    for stop in (1, len(whole) // 2, len(whole) - 1):
        path = tmp_path / f"stopped{stop}"
        searched(started(TUNERS[name], path)[0], stop)
        with path.open("ab") as file:
            file.write(b'{"event": "create", "trial": "00')  # the machine went down
        resumed, _ = started(TUNERS[name], path)
        assert searched(resumed) == whole
        assert resumed.candidate_filter.rejected == oracle.candidate_filter.rejected


def test_a_trial_that_has_not_ended_runs_first_after_a_resume(tmp_path):
    oracle, _ = started(TUNERS["random_search"], tmp_path / "journal")
    begun = oracle.create_trial("a")
    again, _ = started(TUNERS["random_search"], tmp_path / "journal")
    assert again.create_trial("b").trial_id == begun.trial_id == "0001"
    once_more, _ = started(TUNERS["random_search"], tmp_path / "journal")
    assert once_more.create_trial("a").trial_id == "0001"


def test_a_space_is_searched_to_its_last_candidate(tmp_path):
    space = {"n": {"int": [1, 2]}, "width": {"choice": [4, 8]}}
    oracle, _ = started({"random_search": {"max_trials": 50}}, tmp_path / "journal", space)
    assert len({tuple(sorted(values.items())) for _, values in searched(oracle)}) == 4


def test_the_same_network_is_tried_once(tmp_path):
    space = {"width": {"choice": [4, 8]}, "n": {"choice": [1]}, "train.optimizer": {"choice": [{"sgd": {}}, "sgd"]}}
    oracle, _ = started({"grid_search": {}}, tmp_path / "journal", space)
    assert len(searched(oracle)) == 2
    assert oracle.candidate_filter.rejected["same"] == 2


def test_a_grid_whose_first_point_is_over_the_budget_begins_with_the_next(tmp_path):
    space = {"width": {"choice": [16, 8, 4]}, "n": {"choice": [2]}}  # the spec's own width is tried first
    oracle, _ = started({"grid_search": {}}, tmp_path / "journal", space, parameters=20_000)
    assert [values["width"] for _, values in searched(oracle)] == [8, 4]


def test_what_the_gaussian_process_wants_beyond_the_budget_is_replaced_by_something_inside(tmp_path, monkeypatch):
    """Most networks are over the budget, and the objective is best for the widths among them."""
    replaced, bayesian = [], oracles.ORACLES[Bayesian]
    best_feasible = bayesian._best_feasible

    def noted(self):
        replaced.append(best_feasible(self))
        return replaced[-1]

    monkeypatch.setattr(bayesian, "_best_feasible", noted)
    oracle, checker = started(TUNERS["bayesian"], tmp_path / "journal", parameters=12_000)
    tried = [values for _, values in searched(oracle)]
    assert replaced and all(values in tried for values in replaced)
    assert len({str(values) for values in tried}) == len(tried) == 6
    assert all(checker.check(candidate(checker.search.space, values)).inside for values in tried)


def test_a_silent_workers_trial_goes_to_another(tmp_path):
    oracle, _ = started(TUNERS["random_search"], tmp_path / "journal")
    trial_id = oracle.create_trial("a").trial_id
    assert oracle.drop_silent_workers(60) == []
    oracle.last_seen["a"] -= 61
    assert oracle.drop_silent_workers(60) == [("a", trial_id)]
    assert oracle.create_trial("b").trial_id == trial_id
    for _ in range(3):
        oracle.last_seen["b"] -= 61
        oracle.drop_silent_workers(60)
        oracle.create_trial("b")
    assert oracle.trials[trial_id].status == "FAILED"


def test_a_worker_that_was_taken_for_dead_takes_no_trial_from_others(tmp_path):
    oracle, _ = started(TUNERS["random_search"], tmp_path / "journal")
    slow = oracle.create_trial("a")
    oracle.last_seen["a"] -= 61
    oracle.drop_silent_workers(60)
    assert oracle.create_trial("b").trial_id == slow.trial_id
    other = oracle.create_trial("c")
    oracle.update_trial(slow.trial_id, {"val_accuracy": 0.5})
    slow.status = "COMPLETED"
    for _ in range(2):  # by a, and by b
        oracle.end_trial(slow)
    assert oracle.end_order == [slow.trial_id]
    assert oracle.ongoing_trials == {"c": other}


def test_values_as_keras_tuner_has_them():
    stepped = {"float": [0, 0.3], "step": 0.1}  # 0.3 // 0.1 is 2
    space = archspec.load("specs/digits.yaml", {"search.space": {**SPACE, "train.weight_decay": stepped}}).search.space
    known = {one.name: one for one in hyperparameters(space).space}
    for one in space.dimensions:
        points = list(one.domain.values())
        assert [decode(one.domain, encode(one.domain, point)) for point in points] == points
        assert [decode(one.domain, value) for value in known[one.name].values] == points

"""Budgets: which candidates are within them, which each limit excludes, and the survey of a whole search."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

import archspec
from archspec.candidates.check import Checker, Tally
from archspec.candidates.report import to_json, to_text
from archspec.candidates.survey import survey
from archspec.search import Candidate
from archspec.search.tuners import Hyperband, RandomSearch
from tests.archspec.searches import spec_with

ROOT = Path(__file__).parents[2]
SPACE: dict[str, Any] = {"n": {"int": [1, 4]}, "width": {"int": [2, 9]}}


def all_costs(spec: archspec.Spec) -> list[archspec.Analysis]:
    return [
        archspec.analyse(spec.with_values({"n": n, "width": width}))
        for n, width in itertools.product(range(1, 5), range(2, 10))
    ]


def test_what_is_inside_and_what_each_limit_excludes() -> None:
    limits = {"trainable_parameters": 8000, "macs": 100_000, "training_activation_bytes": 2_000_000}
    spec = spec_with({"space": SPACE, "budget": limits})
    found = survey(spec)
    expected = [
        {
            "trainable_parameters": one.trainable_parameters > 8000,
            "macs": one.macs > 100_000,
            "training_activation_bytes": one.training_bytes(32) > 2_000_000,
        }
        for one in all_costs(spec)
    ]
    assert found.every
    assert (found.size, found.tally.checked, found.tally.invalid) == (32, 32, 0)
    assert found.tally.inside == sum(not any(over.values()) for over in expected) > 0
    assert found.tally.over == {name: sum(over[name] for over in expected) for name in limits}
    alone = {name: sum(over[name] and sum(over.values()) == 1 for over in expected) for name in limits}
    assert found.tally.over_alone == {name: count for name, count in alone.items() if count}
    inside = [one for one, over in zip(all_costs(spec), expected, strict=True) if not any(over.values())]
    sizes = [one.trainable_parameters for one in inside]
    assert found.smallest.measures is not None
    assert found.largest.measures is not None
    assert (found.smallest.measures.trainable_parameters, found.largest.measures.trainable_parameters) == (
        min(sizes),
        max(sizes),
    )


def test_a_limit_is_inclusive() -> None:
    spec = spec_with({"space": SPACE})
    macs = archspec.analyse(spec.with_values({"n": 2, "width": 5})).macs
    for limit, inside in ((macs, True), (macs - 1, False)):
        verdict = Checker(spec_with({"space": SPACE, "budget": {"macs": limit}})).check(Candidate({"n": 2, "width": 5}))
        assert verdict.inside is inside
        assert verdict.over == (() if inside else ("macs",))


def test_activations_are_those_of_the_candidates_own_batch_and_precision() -> None:
    space = {"train.batch_size": {"choice": [16, 64]}, "train.precision": {"choice": ["float32", "mixed_bfloat16"]}}
    spec = spec_with({"space": space, "budget": {"training_activation_bytes": 10**9}})
    checker, elements = Checker(spec), archspec.analyse(spec).activation_elements
    for batch, precision, size in ((16, "float32", 4), (64, "float32", 4), (64, "mixed_bfloat16", 2)):
        verdict = checker.check(Candidate({"train.batch_size": batch, "train.precision": precision}))
        assert verdict.cost("training_activation_bytes") == elements * batch * size


def test_latency_is_measured_last_and_once_per_network() -> None:
    space = {**SPACE, "rate": {"float": [0.1, 0.2]}}
    spec = spec_with({"space": space, "budget": {"latency_ms": 5, "trainable_parameters": 5000}})
    asked: list[int] = []

    def latency(candidate: archspec.Spec) -> float:
        asked.append(candidate.params["width"])
        return 2.0 * candidate.params["width"]

    checker = Checker(spec, latency)
    verdicts = [
        checker.check(Candidate({"n": 1, "width": width, "rate": rate}))
        for width in (2, 3, 9)
        for rate in (0.1, 0.15, 0.2)
    ]
    assert [verdict.over for verdict in verdicts[::3]] == [(), ("latency_ms",), ("trainable_parameters",)]
    assert [verdict.latency_ms for verdict in verdicts[::3]] == [4, 6, None]
    assert asked == [2, 3]
    assert Checker(spec).check(Candidate({"n": 1, "width": 3, "rate": 0.1})).inside


def test_invalid_candidates_are_counted_with_their_mistake() -> None:
    spec = spec_with({"space": {"groups": {"int": [1, 8]}}})
    checker, tally = Checker(spec), Tally()
    verdicts = [tally.add(checker.check(Candidate({"groups": groups}))) for groups in range(1, 9)]
    assert [verdict.inside for verdict in verdicts] == [8 % groups == 0 for groups in range(1, 9)]
    assert (tally.checked, tally.inside, tally.invalid) == (8, 4, 4)
    assert "groups=3 does not divide" in str(verdicts[2].error)
    assert survey(spec).tally == tally


def test_a_value_that_is_valid_only_with_others_is_not_a_mistake() -> None:
    model = {"input": [4, 4, 1], "layers": [{"conv": {"filters": "${width}", "kernel": 1}},
             {"conv": {"filters": "${width}", "kernel": 1, "groups": "${groups}"}}]}  # fmt: skip
    spec = spec_with({"space": {"groups": {"choice": [1, 3]}, "width": {"choice": [4, 6]}}}, model=model)
    found = survey(spec)
    assert (found.tally.checked, found.tally.invalid) == (4, 1)


def test_a_space_without_a_search_is_refused() -> None:
    with pytest.raises(archspec.SpecError, match="resnet50 has no 'search' section"):
        survey(archspec.load(ROOT / "specs" / "resnet50.yaml"))


# -- large spaces -----------------------------------------------------------------------------------------------------


LARGE = {"n": {"int": [1, 4]}, "width": {"int": [2, 41]}, "double": {"int": [2, 81]}, "train.seed": {"int": [0, 10**6]}}


def test_a_large_space_is_sampled_and_the_interval_contains_the_share() -> None:
    spec = spec_with({"space": LARGE, "budget": {"trainable_parameters": 20_000}})
    network = {name: entry for name, entry in LARGE.items() if name != "train.seed"}
    coarser = {**network, "width": {"int": [2, 41], "step": 3}, "double": {"int": [2, 82], "step": 5}}
    checker = Checker(spec_with({"space": coarser, "budget": {"trainable_parameters": 20_000}}))
    tally = Tally()
    for candidate in checker.search.space.grid():
        tally.add(checker.check(candidate))
    found = survey(spec, samples=500)
    assert not found.every
    assert (found.size, found.tally.checked) == (4 * 40 * 80 * (10**6 + 1), 500)
    share, low, high = found.share(found.tally.inside)
    assert low < share < high
    assert high - low < 0.09
    assert low - 0.02 < tally.inside / tally.checked < high + 0.02


def test_the_extremes_of_a_large_space_are_searched_for() -> None:
    spec = spec_with({"space": LARGE})
    found = survey(spec, samples=50)
    ends = {found.smallest: {"n": 1, "width": 2, "double": 2}, found.largest: {"n": 4, "width": 41, "double": 81}}
    for verdict, values in ends.items():
        assert verdict.measures is not None
        expected = archspec.analyse(spec.with_values(values)).trainable_parameters
        assert verdict.measures.trainable_parameters == expected


# -- cost -------------------------------------------------------------------------------------------------------------


def test_what_each_tuner_trains() -> None:
    assert list(RandomSearch(max_trials=20, executions_per_trial=3).trainings(15, None)) == [(60, 15)]
    assert list(RandomSearch(max_trials=20).trainings(15, 7)) == [(7, 15)]
    rounds = list(Hyperband(max_epochs=9, factor=3).trainings(100, None))
    assert rounds == [(9, 1), (3, 2), (1, 6), (5, 3), (2, 6), (3, 9)]  # Li et al. 2018, as keras-tuner rounds it


def test_cost_is_six_flops_per_mac_and_picture() -> None:
    spec = spec_with({"space": {"train.seed": {"int": [0, 99]}}, "tuner": {"random_search": {"max_trials": 4}}})
    macs = archspec.analyse(spec).macs
    cost = survey(spec).cost
    assert cost is not None
    assert (cost.trainings, cost.pictures) == (((4, 10),), 1437)  # scikit-learn's digits without a fixed fifth
    assert cost.flops == pytest.approx(6 * macs * 1437 * 10 * 4)
    more = survey(spec, pictures=1000).cost
    assert more is not None
    assert more.flops == pytest.approx(6 * macs * 1000 * 10 * 4)


@pytest.mark.parametrize(
    ("data", "pictures"),
    [
        ({"tfds": "cifar10"}, 50_000),
        ({"tfds": {"name": "cifar10:3.0.2"}}, 50_000),
        ({"tfds": {"name": "cifar10", "train": "train[:90%]"}}, None),
        ({"tfds": "flowers"}, None),
        ({"folder": "pictures"}, None),
    ],
)
def test_numbers_of_pictures_known_without_the_data(data: Any, pictures: int | None) -> None:
    spec = spec_with({"space": SPACE}, train={"data": data})
    found = survey(spec)
    assert found.cost is not None
    assert found.cost.pictures == pictures
    assert ("--pictures" in to_text(found)) == (pictures is None)


def test_without_a_recipe_there_is_no_cost() -> None:
    text = (
        "name: net\nparams: {w: 3}\nmodel: {input: [4], layers: [dense: '${w}']}\nsearch: {space: {w: {int: [1, 3]}}}\n"
    )
    found = survey(archspec.loads(text))
    assert found.cost is None
    assert found.tally.inside == 3


def test_a_batch_of_more_pictures_than_there_are_is_found_before_a_search() -> None:
    spec = spec_with({"space": {**SPACE, "train.batch_size": {"choice": [32, 2000]}}})
    with pytest.raises(archspec.SpecError) as caught:
        survey(spec)
    assert "train.batch_size=2000 is in no valid network: a batch of 2000 is more than digits has to train on, " + (
        "1,437 pictures"
    ) in str(caught.value)


def test_a_limit_of_a_steps_memory_needs_a_batch_with_a_number() -> None:
    space = {**SPACE, "train.batch_size": {"choice": [32, "auto"]}}
    assert survey(spec_with({"space": space})).tally.invalid == 0
    with pytest.raises(archspec.SpecError) as caught:
        survey(spec_with({"space": space, "budget": {"training_activation_bytes": 2_000_000}}))
    assert (
        "search.space.train.batch_size.choice[1]: train.batch_size=auto is in no valid network: an automatic batch has "
        "a number only when a training starts, so the limit search.budget.training_activation_bytes cannot be checked; "
        "give numbers, or leave the limit out"
    ) in str(caught.value)


def test_a_spec_that_is_no_candidate_itself_is_left_out_of_the_survey() -> None:
    space = {**SPACE, "train.batch_size": {"choice": [16, 32]}}
    spec = spec_with({"space": space, "budget": {"training_activation_bytes": 2_000_000}})
    found = survey(spec.with_values({"train.batch_size": "auto"}))
    assert "\nlargest inside" in to_text(found) and "\nthe spec " not in to_text(found)
    assert to_json(found)["own"] is None
    unlimited = survey(spec_with({"space": SPACE}).with_values({"train.batch_size": "auto"}))
    assert "auto batch" in to_text(unlimited)

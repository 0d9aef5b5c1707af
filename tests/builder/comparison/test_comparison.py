"""Runs side by side: groups of seeds, what may be claimed, states, and inputs that cannot be compared."""

import json
import math
import os
import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archspec.errors import UserError
from builder.comparison.comparison import compare
from builder.runs.directory import locked
from builder.runs.metrics import best_row
from builder.sweep.records import Execution, Files, Trial
from tests.builder.comparison.made import evaluate, make
from tests.randomised import examples

A = [(0.5, 0.020), (0.5, 0.022), (0.5, 0.024)]
B = [(0.5, 0.040), (0.5, 0.044), (0.5, 0.042)]


@pytest.fixture
def two_groups(tmp_path):
    """Three seeds each of two widths, the wider of which is better beyond doubt."""
    for name, width, errors in (("a", 8, A), ("b", 4, B)):
        for seed, some in enumerate(errors):
            make(tmp_path / name / str(seed), some, {"width": width, "train.seed": seed})
    return [tmp_path / name / str(seed) for name in "ab" for seed in range(3)]


def letters(comparison):
    return {group.letter: [one.directory.name for one in group.records] for group in comparison.groups}


def test_runs_that_differ_in_the_seed_are_a_group(two_groups):
    found = compare(two_groups)
    assert letters(found) == {"A": ["0", "1", "2"], "B": ["0", "1", "2"]}
    first, second = found.groups
    # By hand: the mean of 2.0, 2.2 and 2.4 % is 2.2 %, and their standard deviation 0.2 %.
    assert first.error.count == 3 and first.error.mean == pytest.approx(0.022)
    assert first.error.deviation == pytest.approx(0.002) == pytest.approx(second.error.deviation)
    (contrast,) = found.contrasts
    # Both variances are 0.2 % squared, so t has 4 degrees of freedom and the margin is 2.776 * 0.2 * sqrt(2 / 3) %.
    assert contrast.error.degrees == pytest.approx(4)
    assert contrast.error.low == pytest.approx(-0.02 - 2.776445 * 0.002 * math.sqrt(2 / 3), abs=1e-8)
    assert contrast.better is first
    assert "A is better than B: error 2.00 points lower, 95 % interval 1.55 to 2.45 (3 and 3 seeds)" in str(found)


def test_an_interval_with_zero_claims_nothing(tmp_path):
    for name, width, errors in (("a", 8, (0.020, 0.030)), ("b", 4, (0.021, 0.032))):
        for seed, error in enumerate(errors):
            make(tmp_path / name / str(seed), (0.5, error), {"width": width, "train.seed": seed})
    found = compare([tmp_path / name / str(seed) for name in "ab" for seed in range(2)])
    (contrast,) = found.contrasts
    assert contrast.better is None and "A and B: no difference shown; error of A minus that of B -0.15 points" in str(
        found
    )
    assert "better than" not in str(found)


@pytest.mark.parametrize("seeds", [(1, 1), (3, 1)])
def test_a_single_seed_claims_nothing(tmp_path, seeds):
    for name, width, count in zip("ab", (8, 4), seeds, strict=True):
        for seed in range(count):
            make(tmp_path / name / str(seed), (0.5, width / 100 + seed / 1000), {"width": width, "train.seed": seed})
    found = compare(
        [tmp_path / name / str(seed) for name, count in zip("ab", seeds, strict=True) for seed in range(count)]
    )
    assert "better than" not in str(found)
    if seeds == (3, 1):
        assert "A and B: nothing is claimed, as B has a single seed" in str(found)
    else:
        assert not found.contrasts and "each group has a single seed, so nothing can be said" in str(found)


def test_equal_seeds_count_once(tmp_path):
    for name, seed, error in (("a", 0, 0.02), ("b", 0, 0.04), ("c", 1, 0.05)):
        make(tmp_path / name, (0.5, error), {"train.seed": seed})
    (group,) = compare([tmp_path / name for name in "abc"]).groups
    assert group.error.count == 2 and group.error.mean == pytest.approx((0.03 + 0.05) / 2)
    assert "A has several runs with the seed 0, whose mean counts once" in str(compare([tmp_path / n for n in "abc"]))


@pytest.mark.parametrize(
    "values",
    [
        {"train.cache": "off"},
        {"train.rematerialize": True},
        {"train.checkpoints": {"keep": 1}},
        {"train.label_smoothing": 0.0},  # which is the default
        {"description": "another"},
        {"name": "other"},
    ],
)
def test_what_changes_no_number_divides_no_group(tmp_path, values):
    make(tmp_path / "a")
    make(tmp_path / "b", values={**values, "train.seed": 1})
    assert len(compare([tmp_path / "a", tmp_path / "b"]).groups) == 1


@pytest.mark.parametrize(
    "values",
    [
        {"width": 5},
        {"train.batch_size": 32},
        {"train.precision": "mixed_bfloat16"},
        {"train.label_smoothing": 0.1},
        {"train.checkpoints": {"best": "val_loss"}},
        {"train.early_stopping": {"patience": 5}},
        {"train.augment": [{"random_crop": {"pad": 1}}]},
    ],
)
def test_what_can_change_a_number_divides_groups(tmp_path, values):
    make(tmp_path / "a")
    make(tmp_path / "b", values={**values, "train.seed": 1})
    found = compare([tmp_path / "a", tmp_path / "b"])
    assert len(found.groups) == 2 and found.facts


def test_a_group_over_two_versions_says_so(tmp_path):
    make(tmp_path / "a")
    make(
        tmp_path / "b", values={"train.seed": 1}, environment={"packages": {"tensorflow": "2.20.0", "keras": "3.15.1"}}
    )
    found = compare([tmp_path / "a", tmp_path / "b"])
    expected = "the runs of A differ in more than the seed: packages.tensorflow (2.21.0 · 2.20.0)"
    assert expected in list(found.notes())


def test_only_what_differs_is_shown(two_groups):
    found = compare(two_groups)
    assert [(one.name, one.values) for one in found.facts] == [("params.width", ("8", "4"))]
    everything = found.to_json(everything=True)["fields"]
    assert everything["train.batch_size"] == {"A": "64", "B": "64"} and "packages.keras" in everything
    assert not any("somebody" in json.dumps(found.to_json(everything)) for everything in (False, True))


def test_a_default_equals_its_value(tmp_path):
    make(tmp_path / "a")
    make(tmp_path / "b", values={"train.label_smoothing": 0.1, "train.clip_norm": 1})
    facts = {one.name: one.values for one in compare([tmp_path / "a", tmp_path / "b"]).facts}
    assert facts == {"train.label_smoothing": ("0.0 (default)", "0.1"), "train.clip_norm": ("null (default)", "1")}


def test_networks_that_differ_in_many_layers_are_one_row(tmp_path):
    make(tmp_path / "a")
    layers = [{"conv": {"filters": 4, "kernel": 5}}, {"conv": {"filters": 8, "kernel": 3}}, "flatten", {"dense": 10}]
    make(tmp_path / "b", values={"model.layers": layers})
    facts = {one.name: one.values for one in compare([tmp_path / "a", tmp_path / "b"]).facts}
    assert facts["model"] == ("1 conv, 1 dense", "2 conv, 1 dense") and len(facts) == 1


# -- numbers of a run depend on the run alone ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    folder = tmp_path_factory.mktemp("many")
    paths = []
    for number in range(6):
        values = {"width": 4 + number // 2, "train.seed": number}
        paths.append(make(folder / f"run{number}", (0.5, 0.1 + number / 100), values, is_finished=number != 3))
        if number % 2:
            evaluate(paths[-1], range(number))
    make(folder / "other", (0.4, 0.3), data={"fingerprint": "e" * 64})
    return [*paths, folder / "other"]


@given(st.data())
@examples(25)
def test_a_run_is_the_same_in_any_company(many, data):
    count = data.draw(st.integers(1, len(many)))
    chosen = data.draw(st.permutations(many))[:count]
    found = compare(chosen)
    for path, record in zip(chosen, found.records, strict=True):
        (alone,) = compare(path).records
        assert record.numbers() == alone.numbers() and record.state == alone.state
        assert record.tested == alone.tested


def test_pairs_are_the_same_in_any_company(many):
    pairs = {(one.first.name, one.second.name): one.p for one in compare(many).disagreements}
    assert len(pairs) == 3
    for (first, second), p in pairs.items():
        (alone,) = compare([first, second]).disagreements
        assert alone.p == p


@given(st.lists(st.tuples(st.sampled_from([0.1, 0.2, 0.3]), st.sampled_from([1.0, 2.0])), min_size=1, max_size=6))
@examples(60)
def test_the_best_epoch_is_the_one_that_a_training_saves(rows):
    """The first with the lowest error, and of those with equal errors the first with the lowest loss."""
    table = [
        {"epoch": epoch, "val_accuracy": 1 - error, "val_loss": loss} for epoch, (error, loss) in enumerate(rows, 1)
    ]
    assert best_row(table, "val_accuracy")["epoch"] == 1 + min(
        range(len(rows)), key=lambda place: (*rows[place], place)
    )


# -- states ----------------------------------------------------------------------------------------------------------


def test_runs_without_a_result_are_shown_and_do_not_count(tmp_path):
    complete = make(tmp_path / "complete", (0.5, 0.1))
    stopped = make(tmp_path / "stopped", (0.5,), {"train.epochs": 2, "train.seed": 1}, is_finished=False)
    fresh = make(tmp_path / "fresh", (), {"train.epochs": 2, "train.seed": 2}, is_finished=False)
    growing = make(tmp_path / "growing", (0.4,), {"train.epochs": 2, "train.seed": 3}, is_finished=False)
    with locked(growing):
        found = compare([complete, stopped, fresh, growing])
    assert [one.state for one in found.records] == ["complete", "stopped", "stopped", "training"]
    (group,) = found.groups
    assert group.error.count == 1 and group.error.mean == pytest.approx(0.1)
    notes = "\n".join(found.notes())
    assert "stopped was stopped and does not count: after epoch 1 of 2; python tools/train.py --resume" in notes
    assert "fresh was stopped and does not count: after epoch 0 of 2" in notes
    assert "growing is training, epoch 1 of 2, and does not count yet" in notes
    assert "A has 1 complete run of 4" in notes


def test_a_training_that_has_only_just_begun_is_one(tmp_path):
    complete, begun = make(tmp_path / "a"), make(tmp_path / "b", ())
    (begun / "environment.json").unlink()
    with pytest.raises(UserError, match="is not there"):
        compare([complete, begun])
    with locked(begun):
        assert [one.state for one in compare([complete, begun]).records] == ["complete", "training"]


def test_a_loss_that_is_not_finite_is_a_divergence(tmp_path):
    run = make(tmp_path / "a")
    text = (run / "metrics.csv").read_text().replace(",0.2,", ",nan,")
    (run / "metrics.csv").write_text(text)
    (record,) = compare(run).records
    assert record.state == "diverged" and "its validation loss became nan in epoch 3" in record.reason
    json.loads(json.dumps(compare(run).to_json(), allow_nan=False))


def test_a_training_that_diverged_says_so(tmp_path):
    message = "the loss became nan in epoch 2, step 3, at learning rate 9"
    run = make(tmp_path / "a", (0.5,), {"train.epochs": 3}, environment={"diverged": message})
    (record,) = compare(run).records
    assert (record.state, record.reason, record.is_complete) == ("diverged", message, False)
    assert f"a diverged and does not count: {message}" in list(compare(run).notes())


def test_early_stopping_is_an_end(tmp_path):
    values = {"train.epochs": 9, "train.early_stopping": {"patience": 2}}
    (record,) = compare(make(tmp_path / "a", (0.5, 0.1, 0.2, 0.2), values)).records
    assert record.is_complete and record.reason == "stopped early: val_accuracy did not improve for 2 epochs"


def test_imported_weights_are_shown_without_a_training(tmp_path):
    data = {"name": "weights from elsewhere", "train": 0, "validation": 0, "fingerprint": ""}
    imported = make(tmp_path / "imported", (), data=data, environment={"weights": "/somewhere/resnet50.pth"})
    trained = make(tmp_path / "trained")
    for run, wrong in ((imported, [1]), (trained, [2])):
        evaluate(run, wrong)
    found = compare([imported, trained])
    assert [one.state for one in found.records] == ["imported", "complete"] and len(found.tasks) == 2
    assert "imported: its weights are from elsewhere: resnet50.pth" in list(found.notes())
    assert len(found.disagreements) == 1  # both were tested on the same pictures
    assert "imported" in str(found) and found.save(tmp_path / "report")


def test_a_run_may_be_renamed(tmp_path):
    make(tmp_path / "a")
    before = compare(tmp_path / "a").records[0].numbers()
    os.rename(tmp_path / "a", tmp_path / "b")
    assert compare(tmp_path / "b").records[0].numbers() == before


# -- latency ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def exported(tmp_path):
    """A run, the folder of exports, and a function that writes an export's report there."""
    run = make(tmp_path / "a")

    def export(number, **fields):
        times = [("onnx", 1.5), ("saved_model", 2.5)]
        content = {
            "network": "tiny",
            "run": "a",
            "run_started": "2026-01-01T10:00:00+00:00",
            "exported": f"2026-01-02T10:00:0{number}+00:00",
            "measured_on": "a CPU",
            "formats": [{"format": name, "milliseconds": {"1": ms + number, "8": 9}} for name, ms in times],
            **fields,
        }
        path = tmp_path / "exports" / "tiny" / str(number) / "export.json"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(content))

    return run, tmp_path / "exports", export


def test_the_newest_export_of_a_run_says_its_latency(exported):
    run, folder, export = exported
    export(1)
    export(2)
    (record,) = compare(run, folder).records
    assert (record.latency.milliseconds, record.latency.by, record.latency.machine) == (4.5, "saved_model", "a CPU")
    assert not any("latency" in note for note in compare(run, folder).notes())


@pytest.mark.parametrize(
    "fields",
    [
        {"run": "b"},
        {"network": "other"},
        {"run_started": "2026-01-01T10:00:01+00:00"},
        {"formats": []},
        {"exported": 3},
    ],
)
def test_an_export_of_another_run_says_nothing(exported, fields):
    run, folder, export = exported
    export(1, **fields)
    found = compare(run, folder)
    if fields != {"exported": 3}:
        assert found.records[0].latency is None
        expected = f"the latency of a was not measured; python tools/export.py {run} measures it"
        assert expected in list(found.notes())


# -- searches --------------------------------------------------------------------------------------------------------


@pytest.fixture
def search(tmp_path):
    """A search of three trials: one complete, one whose loss diverged, and one that is gone."""
    folder = tmp_path / "search"
    files = Files(folder)
    for number, (state, message) in enumerate(
        (("completed", ""), ("diverged", "the loss became nan"), ("killed", "?")), 1
    ):
        trial = Trial(f"{number:04}", {"width": 4 + number}, 100, 1000, f"{number:04}", 2, latency_ms=0.5 * number)
        files.write_trial(trial)
        if number < 3:
            make(files.run(trial, 1), (0.5, 0.1)[: 3 - number], {"width": 4 + number, "train.epochs": 2}, number == 1)
        else:
            files.run(trial, 1).mkdir()
        files.record(trial, 1).write_text(json.dumps(vars(Execution(trial.id, 1, state, message=message))))
    shutil.copy(files.run(files.trials()[0], 1) / "spec.yaml", folder / "spec.yaml")
    return folder


def test_a_search_stands_for_its_trials(search):
    found = compare(search)
    assert [(one.name, one.state) for one in found.records] == [
        (f"{search}/0001", "complete"),
        (f"{search}/0002", "diverged"),
        (f"{search}/0003", "killed"),
    ]
    assert [one.latency.milliseconds if one.latency else None for one in found.records] == [0.5, 1.0, None]
    assert "0002 diverged and does not count: the loss became nan" in list(found.notes())
    with pytest.raises(UserError) as caught:
        compare([search, search / "trials" / "0001" / "run-1"])
    assert str(caught.value).endswith(f"is named twice, as {search}/0001 too; each run counts once, so name it once")


# -- what cannot be compared -----------------------------------------------------------------------------------------


def test_other_data_are_another_task(tmp_path):
    for name, data in (("a", {}), ("b", {"fingerprint": "e" * 64}), ("c", {"classes": [*"abcdefghij"]})):
        make(tmp_path / name, data=data)
    found = compare([tmp_path / name for name in "abc"])
    assert [len(task.records) for task in found.tasks] == [1, 1, 1] and not found.contrasts
    assert next(found.notes()).startswith(
        "the runs were trained on different data, so results are compared within each only: A: digits: 1,437 training"
    )


def test_networks_of_other_input_sizes_have_one_task(tmp_path):
    make(tmp_path / "a")
    make(tmp_path / "b", values={"model.input": [16, 16, 1]}, data={"fingerprint": "e" * 64})
    assert len(compare([tmp_path / "a", tmp_path / "b"]).tasks) == 1


def test_other_monitors_and_losses_are_named(tmp_path):
    make(tmp_path / "a")
    make(tmp_path / "b", values={"train.label_smoothing": 0.1, "train.checkpoints.best": "val_loss"})
    notes = list(compare([tmp_path / "a", tmp_path / "b"]).notes())
    assert notes[0] == (
        "the best epoch is chosen by different metrics, val_accuracy in A; val_loss in B; that favours the metric that "
        "chose"
    )
    assert notes[1] == "losses are not comparable, as their label smoothing differs (0.0 in A; 0.1 in B); errors are"


def refused(*paths):
    with pytest.raises(UserError) as caught:
        compare(paths)
    return str(caught.value)


def test_mistakes_are_reported_at_once_and_with_their_place(tmp_path):
    good, broken, torn = (make(tmp_path / name) for name in ("good", "broken", "torn"))
    (broken / "environment.json").write_text("{")
    (torn / "metrics.csv").write_text("epoch,step\n1\n")
    message = refused(good, broken, torn)
    assert f"{broken}/environment.json: is damaged: JSONDecodeError" in message
    assert f"{torn}/metrics.csv: is damaged" in message
    (tmp_path / "empty").mkdir()
    message = refused(tmp_path / "empty", tmp_path / "god", good, good)
    assert message.splitlines() == [
        f"{tmp_path}/empty: is not the directory of a run: it has no spec.yaml and no checkpoints/",
        f"{tmp_path}/god: there is no such run; did you mean 'good'?",
        f"{tmp_path}/good: is named twice; each run counts once, so name it once",
    ]
    assert refused() == "runs: is empty; name the directory of at least one run"
    assert refused(tmp_path) == f"{tmp_path}: holds runs, and is none; name one of them: broken, good, torn"


def test_metrics_of_another_project_are_refused(tmp_path):
    run = make(tmp_path / "a")
    (run / "metrics.csv").write_text("epoch,step,loss\n1,2,3\n")
    assert refused(run) == f"{run}/metrics.csv: is damaged: it has no column accuracy"

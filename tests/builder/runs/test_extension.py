"""More epochs for a run, and which run and spec a command means."""

import json
import re
import shutil

import pytest

import archspec
from archspec.errors import UserError
from builder.runs.directory import check_can_train, find_spec, to_resume
from builder.runs.metrics import COLUMNS, write_metrics
from builder.runs.run import open_run
from builder.sweep.directory import claimed
from tests.small import written


@pytest.fixture
def run(tmp_path):
    """Makes the directory of a run that has done some epochs of all that it was to have, with some schedule."""

    def run(done, **train):
        directory = tmp_path / "run"
        (directory / "checkpoints").mkdir(parents=True)
        spec = archspec.load(written(tmp_path / "small.yaml", **train))
        (directory / "spec.yaml").write_text(spec.to_yaml())
        write_metrics(directory / "metrics.csv", [dict.fromkeys(COLUMNS, 1)] * done)
        return directory, lambda epochs, **others: spec.with_values({"train.epochs": epochs, **others})

    return run


@pytest.mark.parametrize(
    "schedule", [0.1, {"step": {"base": 0.1, "drop": {"2": 0.01}}}, {"plateau": {"base": 0.1}}], ids=str
)
def test_a_schedule_that_does_not_depend_on_the_length_takes_more_epochs(schedule, run):
    directory, with_epochs = run(4, epochs=4, learning_rate=schedule)
    check_can_train(with_epochs(9), directory, resume=True)


@pytest.mark.parametrize(
    ("schedule", "rates"),
    [
        ({"cosine": {"base": 0.1}}, ("0", "0.05")),
        ({"polynomial": {"base": 0.1}}, ("0", "0.05")),
        ({"one_cycle": {"base": 0.1, "rise": 0.5}}, ("1e-05", "0.1")),
    ],
    ids=str,
)
def test_a_schedule_that_depends_on_the_length_asks_first(schedule, rates, run):
    directory, with_epochs = run(4, epochs=4, learning_rate=schedule)
    with pytest.raises(UserError) as caught:
        check_can_train(with_epochs(8), directory, resume=True)
    assert str(caught.value) == (
        f"{directory}: train.epochs was 4, is 8, and the {next(iter(schedule))} schedule depends on the number of "
        f"epochs: after epoch 4, where the learning rate is {rates[0]}, the longer curve continues at {rates[1]}; give "
        "--extend (in Python extend=True) if that is meant"
    )
    check_can_train(with_epochs(8), directory, resume=True, extend=True)


def test_a_run_is_not_made_shorter_or_changed_otherwise(run):
    directory, with_epochs = run(2, epochs=4)
    with pytest.raises(UserError, match=r"train.epochs was 4, is 3, and a run can only be made longer"):
        check_can_train(with_epochs(3), directory, resume=True)
    with pytest.raises(UserError, match=r"is a run of another spec: train.batch_size was 64, is 32; to resume it"):
        check_can_train(with_epochs(9, **{"train.batch_size": 32}), directory, resume=True)


def test_a_spec_and_a_run_are_named_in_many_ways(run, tmp_path):
    directory = str(run(1, epochs=2)[0])
    own = f"{directory}/spec.yaml"
    assert find_spec("net.yaml", None, None) == ("net.yaml", None)
    assert find_spec("net.yaml", None, "new") == ("net.yaml", "new")
    assert find_spec("net.yaml", "", None) == ("net.yaml", None)
    assert find_spec("net.yaml", "", "dir") == ("net.yaml", "dir")
    assert find_spec("net.yaml", directory, None) == ("net.yaml", directory)
    assert find_spec(None, directory, None) == (own, directory)
    assert find_spec(None, "", directory) == (own, directory)
    assert find_spec(directory, "", None) == (own, directory)
    assert find_spec(directory, directory, None) == (own, directory)
    assert find_spec(None, own, None) == (own, directory)
    with pytest.raises(UserError, match=f"is a run; resume it with {directory} --resume, or train its"):
        find_spec(directory, None, None)


def test_what_cannot_be_resumed_says_why(run, tmp_path):
    directory = run(1, epochs=2)[0]
    (directory / "environment.json").touch()
    spec = archspec.load(directory / "spec.yaml")
    with (
        pytest.raises(UserError, match="is not the directory of a search, so there is nothing to resume"),
        claimed(directory, spec, True, print),
    ):
        pass
    (directory / "checkpoints").rmdir()
    (directory / "model.keras").touch()
    with pytest.raises(UserError, match=r"has no checkpoints/ to resume from; start a new run with its weights: --set"):
        to_resume("small", str(directory), None)
    (directory / "trials").mkdir()
    with pytest.raises(UserError, match=r"is a search; resume it with python tools/tune\.py --resume"):
        to_resume("small", str(directory), None)


def test_a_folder_that_has_the_name_of_a_shipped_spec_is_no_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "digits" / "train").mkdir(parents=True)
    assert find_spec("digits", "", None) == ("digits", None)
    assert find_spec("digits", "runs/first", None) == ("digits", "runs/first")


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ((None, None, None), "SPEC: is missing; name a spec, or a run to resume with --resume RUN"),
        ((None, "", None), "SPEC: is missing; name a spec, or a run to resume with --resume RUN"),
        ((None, "nowhere", None), "nowhere: there is no such run"),
        (("net.yaml", "a", "b"), "--resume: two directories are named, a and b; give one of them"),
        (
            (None, "empty", None),
            "empty: has no spec.yaml, so there is nothing to resume; name a spec and --run-dir",
        ),
    ],
)
def test_no_run_or_several(named, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=re.escape(message)):
        find_spec(*named)


def test_a_run_killed_while_it_was_extended_can_be_opened(run_dir, tmp_path):
    directory = shutil.copytree(run_dir, tmp_path / "run")
    path = directory / "environment.json"
    environment = json.loads(path.read_text())
    environment["spec"]["train.epochs"] = "9"
    path.write_text(json.dumps(environment))
    with pytest.raises(UserError, match=r"the spec was changed since .*: train\.epochs was 9, is 3"):
        open_run(directory)
    path.write_text(json.dumps({**environment, "resumed": [{"extended": {"from": 3, "to": 9}}]}))
    assert open_run(directory).spec.train.epochs == 3

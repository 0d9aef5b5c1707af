"""Searches that are killed and resumed, and searches whose trials fail."""

import errno
import json
import os
import signal

import pytest

import archspec
import builder
from archspec.errors import FileError, file_problem
from builder.sweep.processes import forkserver
from builder.system.endings import TrialsFailed
from tests.builder.sweep.searches import FAULTY, PYTHON_PATH, TUNER_CASES, children, started, table, wait_for, write


@pytest.mark.usefixtures("forked_servers")
@pytest.mark.parametrize("tuner", TUNER_CASES)
def test_whatever_is_killed_a_resumed_search_ends_as_if_nothing_had_been(tuner, tmp_path, request, monkeypatch):
    """The process of the first trial, the fork server during the second, the search itself during the third."""
    spec, directory = write(tmp_path, tuner={tuner: TUNER_CASES[tuner].few}), tmp_path / "killed"
    if tuner == "random_search":
        _, whole, _, _ = request.getfixturevalue("finished")
    else:
        whole = tmp_path / "whole"
        builder.tune(archspec.load(spec), whole, say=lambda line: None)
    monkeypatch.setitem(PYTHON_PATH, "FAULTS", json.dumps(dict.fromkeys(["0001", "0002", "0003"], "wait")))
    monkeypatch.setitem(PYTHON_PATH, "CHILD", json.dumps(FAULTY))
    process = started(spec, "--run-dir", directory, child=True)
    trials = [directory / f"trials/000{number}" for number in (1, 2, 3)]

    wait_for((trials[0] / "run-1.waiting").exists, process)
    (server,) = children(process.pid)
    (trial,) = children(server)
    os.kill(trial, signal.SIGKILL)
    wait_for((trials[1] / "run-1.waiting").exists, process)
    os.kill(server, signal.SIGKILL)
    wait_for((trials[2] / "run-1.waiting").exists, process)
    finished = {path: path.read_text() for trial in trials[:2] for path in (trial / "run-1.log", trial / "run-1.json")}
    (server,) = children(process.pid)
    process.kill()
    os.killpg(server, signal.SIGKILL)
    output, _ = process.communicate()
    assert "trial 0001: its process was killed by signal 9; resuming it" in output
    assert "trial 0002: its process was killed by signal 9; resuming it" in output

    resumed = started(spec, "--run-dir", directory, "--resume")
    output, _ = resumed.communicate(timeout=300)
    assert resumed.returncode == 0, output
    assert table(directory) == table(whole)
    assert {path: path.read_text() for path in finished} == finished
    logs = [(trial / "run-1.log").read_text() for trial in trials]
    assert "resuming after epoch 0, step 2" in logs[0]
    assert "interrupted in epoch" in logs[1]
    assert "resuming after epoch" in logs[1]
    # Hyperband's third trial has the second epoch of one before, of five steps each.
    assert f"resuming after epoch {'1, step 1' if tuner == 'hyperband' else '0, step 2'}" in logs[2]


def test_ctrl_c_ends_cleanly(tmp_path):
    spec = write(tmp_path, epochs=500)
    process = started(spec, "--run-dir", tmp_path / "search", "--workers", 2)
    runs_begun = [tmp_path / f"search/trials/000{number}/run-1/checkpoints" for number in (1, 2)]
    wait_for(lambda: all(any(path.glob("step-*")) for path in runs_begun), process)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 130, output
    assert f"interrupted; resume with: python tools/tune.py --resume {tmp_path / 'search'}\n" in output
    for number in (1, 2):
        assert "interrupted in epoch" in (tmp_path / f"search/trials/000{number}/run-1.log").read_text()
    assert "Traceback" not in output


def test_faults_end_trials_and_not_the_search(tmp_path, monkeypatch):
    """A process killed while it writes a checkpoint, a trial that raises, a loss that is not finite."""
    monkeypatch.setattr(forkserver, "CHILD", FAULTY)
    monkeypatch.setenv("FAULTS", json.dumps({"0001": "write", "0005": "raise"}))
    space = {"width": {"choice": [4, 5, 6]}, "rate": {"choice": [0.05, 1e30]}}
    tuner = {"grid_search": {"max_trials": 5, "max_retries_per_trial": 1, "max_consecutive_failed_trials": 9}}
    spec, said = write(tmp_path, tuner=tuner, space=space), []
    found = builder.tune(archspec.load(spec), tmp_path / "search", workers=2, say=said.append)
    rows = table(tmp_path / "search")
    assert found.complete, "\n".join(said)
    assert [(row["trial"], row["state"]) for row in rows] == [
        ("0001", "completed"),
        ("0002", "diverged"),
        ("0002", "diverged"),
        ("0003", "completed"),
        ("0004", "diverged"),
        ("0004", "diverged"),
        ("0005", "failed"),
        ("0005", "failed"),
    ], "\n".join([*said, *(row["message"] for row in rows)])
    messages = [row["message"] for row in rows]
    assert messages[0] == messages[3] == ""
    assert messages[1].startswith("the loss became nan in epoch 1")
    assert messages[6] == "ZeroDivisionError: a mistake in a trial"
    assert "trial 0001: its process was killed by signal 9; resuming it" in said
    assert (rows[1]["seed"], rows[2]["seed"]) == ("0", "1")


def test_a_full_disk_stops_the_search_and_costs_no_trial(tmp_path, monkeypatch):
    monkeypatch.setattr(forkserver, "CHILD", FAULTY)
    monkeypatch.setenv("FAULTS", json.dumps({"0002": "disk"}))
    space = {"width": {"choice": [4, 5, 6]}}
    spec = archspec.load(write(tmp_path, tuner={"grid_search": {"max_trials": 3}}, space=space))
    directory, said = tmp_path / "search", []
    with pytest.raises(FileError) as caught:
        builder.tune(spec, directory, say=said.append)
    assert str(caught.value) == (
        f"{directory}: trial 0002 was stopped by the machine, not by its own fault: No space left on device; once that "
        f"is mended, resume the search, and this trial with it: python tools/tune.py --resume {directory}"
    )
    assert said[-1] == "stopping: running trials save their state"
    assert not (directory / "trials" / "0002" / "run-1.json").exists()
    found = builder.tune(spec, directory, resume=True, say=said.append)
    assert found.complete
    assert [(row["trial"], row["state"]) for row in table(directory)] == [
        ("0001", "completed"),
        ("0002", "completed"),
        ("0003", "completed"),
    ]


def test_a_full_disk_that_the_search_meets_itself_ends_it(tmp_path, monkeypatch):
    spec = archspec.load(write(tmp_path, tuner={"grid_search": {"max_trials": 1}}, space={"width": {"choice": [4]}}))

    def full(self, *arguments):
        raise file_problem("run-1.yaml", "cannot be written") from OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr("builder.sweep.plan.Plan.task", full)
        with pytest.raises(FileError, match=r"run-1\.yaml: cannot be written"):
            builder.tune(spec, tmp_path / "search", say=lambda line: None)
    assert not list((tmp_path / "search").glob("trials/*/run-1.json"))


def test_a_trial_that_hangs_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(forkserver, "CHILD", FAULTY)
    monkeypatch.setattr("builder.sweep.loop.GRACE_SECONDS", 1.0)
    monkeypatch.setenv("FAULTS", json.dumps({"0001": "hang"}))
    tuner = {"random_search": {"max_trials": 2, "max_consecutive_failed_trials": 1}}
    spec = write(tmp_path, tuner=tuner, max_minutes_per_trial=0.1)
    with pytest.raises(TrialsFailed, match=r"took longer than max_minutes_per_trial, 0\.1"):
        builder.tune(archspec.load(spec), tmp_path / "search", say=lambda line: None)
    (trial,) = table(tmp_path / "search")
    assert trial["state"] == "timed_out"


def test_a_trial_that_has_too_little_memory_fails_like_any_other(tmp_path, monkeypatch):
    monkeypatch.setattr(forkserver, "CHILD", FAULTY)
    monkeypatch.setenv("FAULTS", json.dumps({"0001": "memory", "0002": "raise"}))
    tuner = {"random_search": {"max_trials": 3, "max_consecutive_failed_trials": 2}}
    with pytest.raises(TrialsFailed, match="a mistake in a trial"):
        builder.tune(archspec.load(write(tmp_path, tuner=tuner)), tmp_path / "search", say=lambda line: None)
    first, second = table(tmp_path / "search")
    assert (first["state"], second["state"]) == ("out_of_memory", "failed")
    assert "needs more memory than there is; train.batch_size=" in first["message"]

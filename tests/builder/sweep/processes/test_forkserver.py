"""The processes of executions: forked where that is safe, and gone when their search is."""

import json
import subprocess
import sys
import time

import pytest

import archspec
import builder
from builder.sweep.processes import forkserver
from tests.builder.sweep.searches import FAULTY, PYTHON_PATH, started, table, wait_for, write


def test_trials_are_forked_from_a_process_that_uses_nothing_yet():
    imports = "from builder.sweep.processes import child; from tensorflow.python.eager import context"
    code = f"{imports}; child.prepare(); print(child.can_fork(), context._context)"
    environment = {**PYTHON_PATH, "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "True None\n"


def test_each_trial_imports_for_itself_where_forking_is_not_safe(tmp_path, monkeypatch):
    monkeypatch.setattr(forkserver, "CHILD", [*FAULTY, "--spawn"])
    monkeypatch.setenv("FAULTS", json.dumps({"0001": "write"}))
    spec, said = write(tmp_path, tuner={"random_search": {"max_trials": 1}}), []
    builder.tune(archspec.load(spec), tmp_path / "search", workers=2, say=said.append)
    assert [row["state"] for row in table(tmp_path / "search")] == ["completed"]
    assert "trial 0001: its process was killed by signal 9; resuming it" in said


def test_the_output_of_a_fork_server_that_cannot_start(tmp_path, monkeypatch):
    monkeypatch.setattr(forkserver, "CHILD", [sys.executable, "-c", "raise SystemExit('no libraries')"])
    with pytest.raises(RuntimeError, match="no process can be started for a trial:\nno libraries"):
        builder.tune(archspec.load(write(tmp_path)), tmp_path / "search", say=lambda line: None)


def test_trials_stop_when_their_search_is_killed(tmp_path, monkeypatch):
    monkeypatch.setitem(PYTHON_PATH, "CHILD", json.dumps([sys.executable, "-m", "builder.sweep.processes.child"]))
    process = started(write(tmp_path, epochs=500), "--run-dir", tmp_path / "search", child=True)
    trial = tmp_path / "search/trials/0001"
    wait_for(lambda: any((trial / "run-1/checkpoints").glob("step-*")), process)
    process.kill()
    process.communicate()
    deadline = time.monotonic() + 60
    while "interrupted in epoch" not in (trial / "run-1.log").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.1)

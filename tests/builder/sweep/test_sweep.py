"""Sweeps as a user runs them: to their end, killed and gone on with, and with trials that fail."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import keras
import pytest

import archspec
import builder
from archspec.errors import FileError
from builder.runs.directory import locked
from builder.sweep.processes import forkserver
from builder.sweep.tuners.journal import NAME
from builder.system.endings import TrialsFailed
from tests.builder.sweep.sweeps import PYTHON_PATH, ROOT, table, write

TOOL = str(ROOT / "tools/tune.py")
FAULTY = [sys.executable, str(ROOT / "tests/builder/sweep/faulty_child.py")]


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    """A sweep that ran to its end undisturbed: its spec, directory, results and what it said."""
    folder = tmp_path_factory.mktemp("sweep")
    spec, said = write(folder), []
    found = builder.tune(archspec.load(spec), folder / "sweep", say=said.append)
    return spec, folder / "sweep", found, said


def started(*arguments, child=False):
    """The tool in a process of its own; where `child`, with the trials' process that CHILD names."""
    imports = "from builder.sweep.processes import forkserver; import json, os, runpy, sys"
    code = f"{imports}; forkserver.CHILD = json.loads(os.environ['CHILD'])"
    runs_tool = ["-c", f"{code}; runpy.run_path(sys.argv.pop(1), run_name='__main__')"] if child else []
    command = [sys.executable, *runs_tool, TOOL, *map(str, arguments)]
    return subprocess.Popen(command, env=PYTHON_PATH, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def wait_for(condition, process, seconds=150):
    deadline = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.stdout.read()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_what_is_left_of_a_sweep(sweep):
    _, directory, found, said = sweep
    rows = table(directory)
    assert [row["trial"] for row in rows] == ["0001", "0002", "0003"]
    assert {row["state"] for row in rows} == {"completed"}
    for row in rows:
        model = keras.saving.load_model(directory / "trials" / row["trial"] / "run-1/model.keras")
        trainable = sum(variable.numpy().size for variable in model.trainable_weights)
        assert trainable == int(row["trainable_parameters"]) <= 1500
        assert float(row["objective"]) == float(row["val_accuracy"])
    best = max(rows, key=lambda row: float(row["objective"]))
    assert found.best.trial.id == best["trial"]
    assert found.complete
    assert any(
        re.match(r"2 of 3 trials done  best val_accuracy 0\.\d{4} \(trial 000.\)  \d+ resampled  ETA", s) for s in said
    )
    for name in ("parallel_coordinates", "pareto", "learning_curves"):
        assert (directory / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    assert {path.stem for path in (directory / "pareto").glob("*.yaml")} >= {best["trial"]}


def test_the_report_needs_no_network(sweep):
    _, directory, _, _ = sweep
    text = (directory / "report.html").read_text()
    assert text.count("<svg") == 3
    addresses = set(re.findall(r"https?://[^\"'\s<]+", text))
    assert all(
        address.startswith(("http://www.w3.org/", "http://purl.org/", "http://creativecommons"))
        for address in addresses
    )
    assert not re.search(r"<(script|link|img)[^>]*(src|href)=", text)
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert len(ids) == len(set(ids))


def test_the_best_is_a_spec_that_reproduces_its_metric(sweep, tmp_path):
    from builder.training.trainer import train

    _, directory, found, _ = sweep
    spec = archspec.load(directory / "best.yaml")
    assert spec.search is None
    train(spec, tmp_path / "run", say=lambda line: None)
    (again,) = [one for one in map(float, column(tmp_path / "run", "val_accuracy")) if one == found.best.objective][-1:]
    assert max(map(float, column(tmp_path / "run", "val_accuracy"))) == again


def column(run, name):
    header, *rows = [line.split(",") for line in (run / "metrics.csv").read_text().splitlines()]
    return [row[header.index(name)] for row in rows]


def test_a_finished_sweep_trains_nothing_more_and_mends_its_table(sweep, tmp_path):
    spec, directory, _, _ = sweep
    copy = tmp_path / "sweep"
    shutil.copytree(directory, copy)
    with (copy / "trials.csv").open("a") as file:
        file.write('0004,1,comp"')
    with (copy / NAME).open("ab") as file:
        file.write(b'{"event": "cre\x00')
    logs = {path: path.read_text() for path in copy.glob("trials/*/*.log")}
    builder.tune(archspec.load(spec), copy, resume=True, say=lambda line: None)
    assert table(copy) == table(directory)
    assert {path: path.read_text() for path in copy.glob("trials/*/*.log")} == logs


def test_one_sweep_in_a_directory(sweep, tmp_path):
    spec, directory, _, _ = sweep
    with locked(directory), pytest.raises(FileError, match="is in use"):
        builder.tune(archspec.load(spec), directory, resume=True)
    with pytest.raises(FileError, match="is not empty, and a sweep never overwrites another"):
        builder.tune(archspec.load(spec), directory)
    other = archspec.load(spec, {"search.budget.parameters": 1400})
    with pytest.raises(FileError, match=r"search\.budget\.parameters was 1500, is 1400"):
        builder.tune(other, directory, resume=True)
    bayesian = archspec.load(spec, {"search.tuner": "bayesian"})
    with pytest.raises(FileError, match="is a sweep with another tuner"):
        builder.tune(bayesian, directory, resume=True)
    with pytest.raises(archspec.SpecError, match="no training gives 'val_acuracy'; did you mean 'val_accuracy'"):
        builder.tune(archspec.load(spec, {"search.objective": {"name": "val_acuracy", "direction": "max"}}), tmp_path)


TUNERS = {
    "random_search": {"max_trials": 3},
    "grid_search": {"max_trials": 3},
    "hyperband": {"max_epochs": 2, "factor": 2},
    "bayesian": {"max_trials": 3, "num_initial_points": 2},
}


@pytest.mark.parametrize("tuner", TUNERS)
def test_whatever_is_killed_the_sweep_goes_on_as_if_it_had_not_been(tuner, tmp_path, request, monkeypatch):
    """In the first trial its process, in the second the one that forks them, in the third the sweep."""
    spec, directory = write(tmp_path, tuner={tuner: TUNERS[tuner]}), tmp_path / "killed"
    if tuner == "random_search":
        _, whole, _, _ = request.getfixturevalue("sweep")
    else:
        whole = tmp_path / "whole"
        builder.tune(archspec.load(spec), whole, say=lambda line: None)
    monkeypatch.setitem(PYTHON_PATH, "FAULTS", json.dumps(dict.fromkeys(["0001", "0002", "0003"], "wait")))
    monkeypatch.setitem(PYTHON_PATH, "CHILD", json.dumps(FAULTY))
    process = started(spec, "--run-dir", directory, child=True)
    trials = [directory / f"trials/000{number}" for number in (1, 2, 3)]

    wait_for((trials[0] / "run-1.waiting").exists, process)
    (nursery,) = children(process.pid)
    (trial,) = children(nursery)
    os.kill(trial, signal.SIGKILL)
    wait_for((trials[1] / "run-1.waiting").exists, process)
    os.kill(nursery, signal.SIGKILL)
    wait_for((trials[2] / "run-1.waiting").exists, process)
    finished = {path: path.read_text() for trial in trials[:2] for path in (trial / "run-1.log", trial / "run-1.json")}
    (nursery,) = children(process.pid)
    process.kill()
    os.killpg(nursery, signal.SIGKILL)
    output, _ = process.communicate()
    assert "trial 0001: its process was killed by signal 9; it goes on" in output
    assert "trial 0002: its process was killed by signal 9; it goes on" in output

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


def children(pid):
    """The processes that a process has started and that run."""
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_trials_are_forked_from_a_process_that_uses_nothing_yet():
    imports = "from builder.sweep.processes import child; from tensorflow.python.eager import context"
    code = f"{imports}; child.prepare(); print(child.can_fork(), context._context)"
    environment = {**PYTHON_PATH, "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "True None\n"


def test_where_forking_is_not_safe_each_trial_imports_for_itself(tmp_path, monkeypatch):
    monkeypatch.setattr(forkserver, "CHILD", [*FAULTY, "--spawn"])
    monkeypatch.setenv("FAULTS", json.dumps({"0001": "write"}))
    spec, said = write(tmp_path, tuner={"random_search": {"max_trials": 1}}), []
    builder.tune(archspec.load(spec), tmp_path / "sweep", workers=2, say=said.append)
    assert [row["state"] for row in table(tmp_path / "sweep")] == ["completed"]
    assert "trial 0001: its process was killed by signal 9; it goes on" in said


def test_what_a_process_says_that_cannot_start(tmp_path, monkeypatch):
    monkeypatch.setattr(forkserver, "CHILD", [sys.executable, "-c", "raise SystemExit('no libraries')"])
    with pytest.raises(RuntimeError, match="no process can be started for a trial:\nno libraries"):
        builder.tune(archspec.load(write(tmp_path)), tmp_path / "sweep", say=lambda line: None)


def test_trials_stop_when_their_sweep_is_killed(tmp_path):
    process = started(write(tmp_path, epochs=500), "--run-dir", tmp_path / "sweep")
    trial = tmp_path / "sweep/trials/0001"
    wait_for(lambda: any((trial / "run-1/checkpoints").glob("step-*")), process)
    process.kill()
    process.communicate()
    deadline = time.monotonic() + 60
    while "interrupted in epoch" not in (trial / "run-1.log").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_ctrl_c_ends_cleanly(tmp_path):
    spec = write(tmp_path, epochs=500)
    process = started(spec, "--run-dir", tmp_path / "sweep", "--workers", 2)
    runs_begun = [tmp_path / f"sweep/trials/000{number}/run-1/checkpoints" for number in (1, 2)]
    wait_for(lambda: all(any(path.glob("step-*")) for path in runs_begun), process)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 130, output
    assert f"go on with --resume --run-dir {tmp_path / 'sweep'}" in output
    for number in (1, 2):
        assert "interrupted in epoch" in (tmp_path / f"sweep/trials/000{number}/run-1.log").read_text()
    assert "Traceback" not in output


def test_faults_end_trials_and_not_the_sweep(tmp_path, monkeypatch):
    """A process killed while it writes a checkpoint, a trial that raises, a full disk, a loss that is not finite."""
    monkeypatch.setattr(forkserver, "CHILD", FAULTY)
    monkeypatch.setenv("FAULTS", json.dumps({"0001": "write", "0003": "disk", "0005": "raise"}))
    space = {"width": {"choice": [4, 5, 6]}, "rate": {"choice": [0.05, 1e30]}}
    tuner = {"grid_search": {"max_trials": 5, "max_retries_per_trial": 1, "max_consecutive_failed_trials": 9}}
    spec, said = write(tmp_path, tuner=tuner, space=space), []
    found = builder.tune(archspec.load(spec), tmp_path / "sweep", workers=2, say=said.append)
    rows = table(tmp_path / "sweep")
    assert found.complete, "\n".join(said)
    assert [(row["trial"], row["state"]) for row in rows] == [
        ("0001", "completed"),
        ("0002", "diverged"),
        ("0002", "diverged"),
        ("0003", "failed"),
        ("0003", "completed"),
        ("0004", "diverged"),
        ("0004", "diverged"),
        ("0005", "failed"),
        ("0005", "failed"),
    ], "\n".join([*said, *(row["message"] for row in rows)])
    messages = [row["message"] for row in rows]
    assert messages[0] == messages[4] == ""
    assert messages[1].startswith("the loss became nan in epoch 1")
    assert "No space left on device" in messages[3]
    assert messages[7] == "ZeroDivisionError: a mistake in a trial"
    assert "trial 0001: its process was killed by signal 9; it goes on" in said
    assert (rows[1]["seed"], rows[2]["seed"]) == ("0", "1")


def test_trials_that_hang_or_have_too_little_memory_are_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(forkserver, "CHILD", FAULTY)
    monkeypatch.setattr("builder.sweep.loop.GRACE_SECONDS", 1.0)
    monkeypatch.setenv("FAULTS", json.dumps({"0001": "memory", "0002": "hang"}))
    tuner = {"random_search": {"max_trials": 3, "max_consecutive_failed_trials": 2}}
    spec = write(tmp_path, tuner=tuner, max_minutes_per_trial=0.5)
    with pytest.raises(TrialsFailed, match="took longer than max_minutes_per_trial"):
        builder.tune(archspec.load(spec), tmp_path / "sweep", say=lambda line: None)
    first, second = table(tmp_path / "sweep")
    assert (first["state"], second["state"]) == ("out_of_memory", "timed_out")
    assert "a step needs more memory than there is" in first["message"]


def test_executions_have_seeds_of_their_own(tmp_path):
    tuner = {"random_search": {"max_trials": 1, "executions_per_trial": 2}}
    found = builder.tune(archspec.load(write(tmp_path, 1, tuner=tuner)), tmp_path / "sweep", say=lambda line: None)
    first, second = table(tmp_path / "sweep")
    assert (first["seed"], second["seed"]) == ("0", "1")
    assert first["val_loss"] != second["val_loss"]
    assert found.best.objective == pytest.approx((float(first["objective"]) + float(second["objective"])) / 2)


def test_nothing_within_a_latency(tmp_path):
    spec = archspec.load(write(tmp_path, space={"width": {"choice": [2, 3]}}, budget={"latency_ms": 1e-6}))
    with pytest.raises(archspec.SpecError, match=r"nothing is inside the budget; .*2 latency_ms"):
        builder.tune(spec, tmp_path / "sweep", say=lambda line: None)


def test_chief_and_workers_that_die(tmp_path):
    spec = write(tmp_path, 1, tuner={"random_search": {"max_trials": 4}})
    patience = "import builder.sweep.processes.chief as chief, runpy, sys; chief.LOST_SECONDS = 12"
    script = f"{patience}; runpy.run_path(sys.argv.pop(1), run_name='__main__')"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = {"KERASTUNER_ORACLE_IP": "127.0.0.1", "KERASTUNER_ORACLE_PORT": str(free.getsockname()[1])}

    def process(name, *options):
        command = [sys.executable, "-c", script, TOOL, str(spec), "--run-dir", str(tmp_path / "sweep"), *options]
        environment = {**PYTHON_PATH, **port, "KERASTUNER_TUNER_ID": name}
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    chief, doomed = process("chief"), process("a")
    wait_for(lambda: (tmp_path / "sweep/trials/0001/run-1.log").exists(), doomed)
    doomed.kill()
    other = process("b")
    wait_for((tmp_path / "sweep/trials/0002/run-1.log").exists, other)
    chief.kill()
    before, _ = chief.communicate()
    chief = process("chief", "--resume")
    assert other.wait(timeout=300) == 0, other.stdout.read()
    output, _ = chief.communicate(timeout=120)
    doomed.communicate()
    other.communicate()
    assert chief.returncode == 0, output
    assert "chief: waiting for workers" in before
    assert "going on: " in output
    assert "a-1 is silent: trial 0001 goes to another worker" in before + output
    assert [row["state"] for row in table(tmp_path / "sweep")] == ["completed"] * 4


def test_the_hypermodel_of_a_spec(tmp_path):
    import keras_tuner

    model = builder.hypermodel(write(tmp_path, 1, budget={}))
    tuner = keras_tuner.RandomSearch(model, "val_accuracy", max_trials=1, directory=tmp_path, overwrite=True)
    tuner.search(verbose=0)
    assert set(tuner.get_best_hyperparameters()[0].values) == {"width", "rate"}
    assert 0 < tuner.oracle.get_best_trials()[0].score <= 1


def test_the_python_of_the_documentation(tmp_path, monkeypatch, capsys):
    (tmp_path / "specs").mkdir()
    write(tmp_path, 1, tuner={"random_search": {"max_trials": 1}}).rename(tmp_path / "specs/digits.yaml")
    monkeypatch.chdir(tmp_path)
    code = re.findall(r"^```python\n(.*?)^```$", (ROOT / "docs/search.md").read_text(), re.M | re.S)
    exec("\n".join(code), {})
    best = table("runs/search")[0]
    assert f"{float(best['objective'])} {{'width': {best['width']}" in capsys.readouterr().out
    assert list(Path("runs/kt").iterdir())

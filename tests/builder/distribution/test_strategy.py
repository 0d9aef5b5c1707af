"""One replica, several, and several workers: the same losses on the same batches, and how a lost worker ends."""

import csv
import json
import os
import signal
import socket
import subprocess
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

import archspec
from archspec.errors import Where
from archspec.recipe import Train
from archspec.recipe.data import Digits
from archspec.recipe.distribution import Mirrored, MultiWorker, Off
from archspec.spec.addresses import address
from builder.distribution.cluster import Cluster, described_cluster
from builder.distribution.strategy import choose_strategy
from tests.forked import python
from tests.small import written

ROOT = Path(__file__).parents[3]
RECIPE = {
    "optimizer": {"sgd": {"momentum": 0.9}},
    "learning_rate": 0.02,
    "weight_decay": 1e-3,
    "clip_norm": 1.0,
    "synchronized_batch_norm": True,
}
LOSSES = ("loss", "accuracy", "val_loss", "val_accuracy")


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def spec(tmp_path_factory):
    return written(tmp_path_factory.mktemp("spec") / "small.yaml", **RECIPE)


def start(spec, run_dir, data_dir, *arguments, **environment):
    """`tools/train.py` in the background."""
    options = ["--run-dir", run_dir, "--data-dir", data_dir, *arguments]
    command = [python(), ROOT / "tools" / "train.py", spec, *options]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return subprocess.Popen([*map(str, command)], env=environment, **pipes)


def train(spec, run_dir, data_dir, *arguments, status=0, **environment):
    """What a whole run prints, and the rows of its metrics."""
    process = start(spec, run_dir, data_dir, *arguments, **environment)
    output = process.communicate(timeout=240)[0]
    assert process.returncode == status, output
    assert "Traceback" not in output
    return output, losses(run_dir)


def losses(run_dir):
    with (run_dir / "metrics.csv").open() as file:
        return [[float(row[name]) for name in LOSSES] for row in csv.DictReader(file)]


@pytest.fixture(scope="module")
def single(data_dir, killed, tmp_path_factory):
    folder = tmp_path_factory.mktemp("single")
    status, output = killed(written(folder / "small.yaml", **RECIPE, distribute="off"), folder / "run", data_dir)
    assert status == 0, output
    return losses(folder / "run")


def assert_close(found, expected):
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert one == pytest.approx(other, rel=1e-3, abs=2e-3)  # accuracies move by whole pictures


def test_two_replicas_train_as_one(single, data_dir, killed, tmp_path):
    spec = written(tmp_path / "small.yaml", **RECIPE, distribute={"mirrored": {"replicas": 2}})
    status, output = killed(spec, tmp_path / "run", data_dir)
    assert status == 0 and "1,437 + 360 pictures, 2 replicas\n" in output, output
    assert_close(losses(tmp_path / "run"), single)


@pytest.mark.parametrize("workers", [2, 4])
def test_workers_train_as_one_process(workers, single, spec, data_dir, tmp_path):
    output, found = train(spec, tmp_path / "run", data_dir, "--workers", workers)
    assert f"{workers} replicas on {workers} workers" in output
    assert output.count("run directory") == 1, "the chief alone speaks and writes"
    assert_close(found, single)


def free_ports(count):
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def cluster(spec, run_dir, data_dir, *arguments):
    """Two workers as two machines would have them, each with its TF_CONFIG."""
    workers = tuple(f"127.0.0.1:{port}" for port in free_ports(2))
    configs = [Cluster(workers, index).config() for index in range(2)]
    return [start(spec, run_dir, data_dir, *arguments, TF_CONFIG=config) for config in configs]


def wait_for_epoch(process, epoch):
    for line in process.stdout:
        if line.split()[:1] == [str(epoch)]:  # so many epochs are shown without their total
            return
    raise AssertionError("the run ended early")


LONG = ["--set", "train.epochs=1000", "--set", "train.checkpoints.steps=5"]


def test_a_lost_worker_ends_the_others_and_the_run_is_resumed(spec, data_dir, tmp_path):
    chief, other = cluster(spec, tmp_path / "run", data_dir, *LONG)
    wait_for_epoch(chief, 2)
    other.kill()
    began = time.monotonic()
    output = chief.communicate(timeout=120)[0]
    assert time.monotonic() - began < 90
    assert chief.returncode == 1 and "Traceback" not in output, output
    assert "a worker is gone: " in output
    assert f"resume with the same command and --resume {tmp_path / 'run'}" in output
    other.communicate()

    before = len(losses(tmp_path / "run"))
    both = cluster(spec, tmp_path / "run", data_dir, *LONG, "--resume")
    for line in both[0].stdout:
        if line.startswith("resuming after epoch"):
            break
    wait_for_epoch(both[0], before + 1)
    both[1].send_signal(signal.SIGTERM)  # to any worker: all stop at the same step
    outputs = [process.communicate(timeout=120)[0] for process in both]
    assert [process.returncode for process in both] == [143, 143], outputs
    assert "interrupted in epoch" in outputs[0]


def test_a_killed_worker_of_this_machine_stops_the_others(spec, data_dir, tmp_path):
    process = start(spec, tmp_path / "run", data_dir, *LONG, "--workers", 2)
    wait_for_epoch(process, 1)
    children = [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]
    os.kill(children[1], signal.SIGKILL)
    output = process.communicate(timeout=30)[0]
    assert process.returncode == 1
    assert "worker 1 was killed (SIGKILL); the others are stopped" in output and "Traceback" not in output
    assert not any(Path(f"/proc/{pid}").exists() for pid in children)


# -- what is checked before anything starts --------------------------------------------------------------------------


def problem(recipe):
    with pytest.raises(archspec.UserError) as caught:
        choose_strategy(recipe, lambda field: Where(f"train.{field}"))
    return str(caught.value)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (
            {"batch_size": 50, "distribute": Mirrored(replicas=4)},
            "train.batch_size: the global batch of 50 does not divide into 4 replicas; set it to 48 or 52",
        ),
        (
            {"batch_size": 50, "distribute": Mirrored(replicas=2), "accumulate": 4},
            "train.batch_size: the global batch of 50 does not divide into 2 replicas x 4 parts (accumulate); set it "
            "to 48 or 56",
        ),
        (
            {"batch_size": 3, "distribute": Mirrored(replicas=8)},
            "train.batch_size: the global batch of 3 does not divide into 8 replicas; set it to 8 or 16",
        ),
        (
            {"xla": "on", "distribute": Mirrored(replicas=2)},
            "train.xla: XLA cannot compile a step of several replicas (keras issue 20763); leave it auto",
        ),
        (
            {"batch_size": 50, "distribute": Mirrored(replicas=1), "accumulate": 4},
            "train.batch_size: the global batch of 50 does not divide into 4 parts (accumulate); set it to 48 or 52",
        ),
        (
            {"distribute": MultiWorker()},
            "train.distribute: there is no cluster to join: neither TF_CONFIG nor Slurm describes one; start one "
            "worker per machine with TF_CONFIG set, or several on this one with --workers N",
        ),
    ],
)
def test_what_cannot_be_distributed_is_reported_first(fields, expected, monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    assert problem(Train(data=Digits(), **fields)) == expected


def test_a_worker_that_is_to_train_alone_is_reported(monkeypatch):
    config = {"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 1}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(config))
    assert problem(Train(data=Digits(), distribute=Off())) == (
        "train.distribute: this is one of 2 workers (--workers, TF_CONFIG or Slurm), and each would train on its own; "
        "set distribute: auto or multi_worker, or start one process"
    )


def test_a_mistake_of_geometry_points_at_the_batch_size(tmp_path):
    path = tmp_path / "small.yaml"
    path.write_text(
        "name: small\nmodel: {input: [8, 8, 1], layers: [flatten, {dense: 10}]}\n"
        "train:\n  data: digits\n  batch_size: 50\n  distribute: {mirrored: {replicas: 4}}\n"
    )
    spec = archspec.load(path)
    with pytest.raises(archspec.SpecError) as caught:
        choose_strategy(spec.train, partial(address, spec, "train"))
    assert str(caught.value) == (
        f"{path}:5:15: train.batch_size: the global batch of 50 does not divide into 4 replicas; set it to 48 or 52\n"
        "    5 |   batch_size: 50\n"
        "      |               ^^"
    )


def test_a_mistake_of_the_user_is_reported_once_and_not_by_each_worker(spec, data_dir, tmp_path):
    process = start(spec, tmp_path / "run", data_dir, "--workers", 2, "--set", "train.batch_size=63")
    output = process.communicate(timeout=120)[0]
    assert process.returncode == 2
    assert "train.batch_size: the global batch of 63 does not divide into 2 replicas; set it to 62 or 64" in output
    lines = [line for line in output.splitlines() if not line.startswith("warning: the workers can be reached")]
    assert len(lines) == 3, output  # the mistake, the line of the spec and the caret


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ("{", "Expecting property name"),
        ({"cluster": {"worker": ["a:1", "b:1"]}}, "'type' is missing"),
        ({"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 2}}, "has no worker 2"),
        ({"cluster": {"worker": ["a:1"], "ps": ["b:1"]}}, "a cluster has 'worker' and at most 'chief', got 'ps'"),
    ],
)
def test_a_wrong_tf_config_is_a_mistake_of_the_user(config, expected, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", config if isinstance(config, str) else json.dumps(config))
    message = problem(Train(data=Digits(), distribute=MultiWorker()))
    assert message.startswith("TF_CONFIG: ") and expected in message
    assert '; expected something like {"cluster": {"worker": ["host1:8888", "host2:8888"]}' in message


def test_a_chief_beside_workers_is_the_first_of_them(monkeypatch):
    config = {"cluster": {"chief": ["a:1"], "worker": ["b:1", "c:1"]}, "task": {"type": "worker", "index": 1}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(config))
    assert described_cluster() == Cluster(("a:1", "b:1", "c:1"), 2)


def test_a_cluster_of_one_is_none(monkeypatch):
    monkeypatch.setenv(
        "TF_CONFIG", json.dumps({"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 0}})
    )
    assert described_cluster() is None


def test_slurm_names_the_workers(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    variables = {
        "SLURM_STEP_NUM_TASKS": "3",
        "SLURM_STEP_NODELIST": "node[7-9]",
        "SLURM_STEP_TASKS_PER_NODE": "1(x3)",
        "SLURM_PROCID": "2",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert described_cluster() == Cluster(("node7:8888", "node8:8888", "node9:8888"), 2)

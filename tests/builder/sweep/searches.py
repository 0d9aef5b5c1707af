"""A search over the tiniest networks, the tuners that carry it out, and processes that are watched and killed."""

import csv
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras_tuner
import yaml

from tests.forked import python

ROOT = Path(__file__).parents[3]
PYTHON_PATH = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
SPEC = {
    "name": "tiny",
    "params": {"width": 4, "rate": 0.05},
    "model": {
        "input": [8, 8, 1],
        "layers": [
            {"conv": {"filters": "${width}", "kernel": 3, "stride": 2, "activation": "relu"}},
            "flatten",
            {"dense": 10},
        ],
    },
    "train": {
        "data": "digits",
        "batch_size": 256,
        "epochs": 2,
        "optimizer": {"sgd": {"momentum": 0.9}},
        "learning_rate": {"cosine": {"base": "${rate}"}},
        "checkpoints": {"steps": 2},
        "deterministic": True,
    },
    "search": {
        "tuner": {"random_search": {"max_trials": 3}},
        "space": {"width": {"int": [2, 12]}, "rate": {"float": [0.01, 0.2], "log": True}},
        "budget": {"trainable_parameters": 1500},
    },
}
TIMES = ("seconds", "wall_seconds")
TOOL = str(ROOT / "tools/tune.py")
FAULTY = [sys.executable, str(ROOT / "tests/builder/sweep/processes/faulty_child.py")]


@dataclass(frozen=True)
class TunerCase:
    """keras-tuner's class of a tuner, and the tuner's options for a search of three trials and for a longer one."""

    theirs: type
    few: dict[str, Any]
    many: dict[str, Any]


TUNER_CASES = {
    "random_search": TunerCase(keras_tuner.RandomSearch, {"max_trials": 3}, {"max_trials": 9}),
    "grid_search": TunerCase(keras_tuner.GridSearch, {"max_trials": 3}, {"max_trials": 20}),
    "hyperband": TunerCase(keras_tuner.Hyperband, {"max_epochs": 2, "factor": 2}, {"max_epochs": 4, "factor": 2}),
    "bayesian": TunerCase(
        keras_tuner.BayesianOptimization,
        {"max_trials": 3, "num_initial_points": 2},
        {"max_trials": 6, "num_initial_points": 4},
    ),
}


def write(folder, epochs=2, **search):
    path = folder / "tiny.yaml"
    spec = {**SPEC, "search": {**SPEC["search"], **search}, "train": {**SPEC["train"], "epochs": epochs}}
    path.write_text(yaml.safe_dump(spec, sort_keys=False))
    return path


def table(directory):
    """`trials.csv` without times."""
    with (Path(directory) / "trials.csv").open(newline="") as file:
        return [{name: value for name, value in row.items() if name not in TIMES} for row in csv.DictReader(file)]


def started(*arguments, child=False):
    """The tool in a process of its own; with the fork server that CHILD names if `child` is true."""
    imports = "from builder.sweep.processes import forkserver; import json, os, runpy, sys"
    code = f"{imports}; forkserver.CHILD = json.loads(os.environ['CHILD'])"
    runs_tool = ["-c", f"{code}; runpy.run_path(sys.argv.pop(1), run_name='__main__')"] if child else []
    command = [sys.executable if child else python(), *runs_tool, TOOL, *map(str, arguments)]
    return subprocess.Popen(command, env=PYTHON_PATH, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def wait_for(condition, process, seconds=150):
    deadline = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.stdout.read()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def children(pid):
    """The running processes that a process has started."""
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

"""A search over the tiniest networks, for the tests of sweeps."""

import csv
import os
from pathlib import Path

import yaml

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


def write(folder, epochs=2, **search):
    path = folder / "tiny.yaml"
    spec = {**SPEC, "search": {**SPEC["search"], **search}, "train": {**SPEC["train"], "epochs": epochs}}
    path.write_text(yaml.safe_dump(spec, sort_keys=False))
    return path


def table(directory):
    """`trials.csv` without times."""
    with (Path(directory) / "trials.csv").open(newline="") as file:
        return [{name: value for name, value in row.items() if name not in TIMES} for row in csv.DictReader(file)]

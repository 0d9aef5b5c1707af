"""Run directories that are written rather than trained, for tests that need certain numbers."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import archspec
from builder.runs.comparison import flat
from builder.runs.metrics import COLUMNS

SPEC: dict[str, Any] = {
    "name": "tiny",
    "params": {"width": 4},
    "model": {
        "input": [8, 8, 1],
        "layers": [{"conv": {"filters": "${width}", "kernel": 3, "activation": "relu"}}, "flatten", {"dense": 10}],
    },
    "train": {"data": "digits", "epochs": 3, "batch_size": 64, "learning_rate": 0.05},
}
CLASSES = [str(number) for number in range(10)]
DATA = {
    "name": "digits",
    "train": 1437,
    "validation": 360,
    "classes": CLASSES,
    "pixel_mean": [78.0],
    "pixel_std": [96.0],
    "pixel_range": [0, 255],
    "darkest_picture": 223,
    "fingerprint": "f" * 64,
}
ENVIRONMENT = {
    "started": "2026-01-01T10:00:00+00:00",
    "command": ["tools/train.py", "/home/somebody/spec.yaml"],
    "directory": "/home/somebody",
    "python": "3.11.7",
    "platform": "Linux",
    "packages": {"tensorflow": "2.21.0", "keras": "3.15.1"},
    "devices": ["/device:CPU:0"],
    "cpus": 2,
    "instruction_set": "AVX2",
    "onednn": "1",
    "git_commit": "0" * 40,
}


def make(
    directory: Path,
    errors: Sequence[float] = (0.5, 0.2, 0.1),
    values: dict[str, Any] | None = None,
    is_finished: bool = True,
    data: dict[str, Any] | None = None,
    environment: dict[str, Any] | None = None,
    spec: dict[str, Any] = SPEC,
) -> Path:
    """Writes the directory of a run.

    Args:
        directory: a new one.
        errors: the validation errors of the epochs that it has trained.
        values: changes of the spec, by parameter or path.
        is_finished: whether the training came to its end and wrote `model.keras`.
        data, environment: what differs from `DATA` and `ENVIRONMENT`.
        spec: the spec.
    """
    resolved = archspec.loads(spec, {"train.epochs": len(errors) or 3, **(values or {})})
    text = resolved.to_yaml()
    (directory / "checkpoints").mkdir(parents=True)
    (directory / "spec.yaml").write_text(text)
    content = {**ENVIRONMENT, "seed": resolved.train.seed, "data": {**DATA, **(data or {})}, **(environment or {})}
    (directory / "environment.json").write_text(json.dumps({**content, "spec": flat(text)}))
    if errors:
        write_metrics(directory, errors)
    if is_finished:
        (directory / "model.keras").write_bytes(b"")
    return directory


def write_metrics(directory: Path, errors: Sequence[float]) -> None:
    """Writes `metrics.csv` for epochs with these validation errors."""
    with (directory / "metrics.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        for epoch, error in enumerate(errors, 1):
            row = dict.fromkeys(COLUMNS, 0.0)
            row |= {"epoch": epoch, "step": 22 * epoch, "seconds": 0.5, "learning_rate": 0.05}
            row |= {"accuracy": 1 - error / 2, "val_accuracy": 1 - error, "loss": error, "val_loss": 2 * error}
            writer.writerow(row)


def evaluate(
    directory: Path,
    wrong: Sequence[int],
    count: int = 40,
    scheme: str = "centre",
    fingerprint: str = str(DATA["fingerprint"]),
    epoch: int | None = None,
) -> None:
    """Writes the files of an evaluation that recognised all pictures but some, which it took for the next class."""
    folder = directory / "evaluation" / scheme
    folder.mkdir(parents=True)
    metrics = {"epoch": epoch, "pictures": count, "top1": 1 - len(wrong) / count, "top5": 1.0, "loss": 0.1}
    content = {
        "data": {"name": "digits", "validation": count, "fingerprint": fingerprint},
        "scheme": {"crops": scheme, "scales": [], "flip": True, "views": "centre crop of 8x8"},
        "runs": {directory.name: metrics},
        "ensemble": {},
    }
    (folder / "evaluation.json").write_text(json.dumps(content))
    rows = ["picture,class,predicted,probability"]
    for number in range(count):
        label = number % 10
        predicted = (label + 1) % 10 if number in wrong else label
        rows.append(f"{number},{label},{predicted},{0.5 + number / 1000:.6f}")
    (folder / "pictures.csv").write_text("\n".join(rows) + "\n")

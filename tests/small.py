"""A network small enough to train in a test, with the quickest recipe for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

SPEC: dict[str, Any] = {
    "name": "small",
    "model": {
        "input": [8, 8, 1],
        "layers": [
            {"conv": {"filters": 8, "kernel": 3, "norm": "batch", "activation": "relu"}},
            "flatten",
            {"dense": 10},
        ],
    },
    "train": {"data": "digits", "epochs": 2, "batch_size": 64, "learning_rate": 0.05, "weight_decay": 1e-4},
}


def written(path: Path, model: dict[str, Any] | None = None, **train: Any) -> Path:
    """Writes the spec to a file, with parts of `model` and fields of `train` replaced."""
    spec = {**SPEC, "model": {**SPEC["model"], **(model or {})}, "train": {**SPEC["train"], **train}}
    path.write_text(yaml.safe_dump(spec, sort_keys=False))
    return path

"""Checkpoints: the whole state of a training, one file each, written atomically, a bounded number kept."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from safetensors import SafetensorError

from archspec.errors import file_problem
from archspec.wording import first_few
from builder.system.tensors import read_tensors, write_tensors

BEST = "best.safetensors"
"""The weights of the best epoch, by name."""
NAME = re.compile(r"step-(\d+)\.safetensors")


@dataclass(frozen=True)
class Checkpoint:
    """A state that was saved: every variable's value by name, and what else the training knew, as JSON has it."""

    path: Path
    step: int
    tensors: Mapping[str, np.ndarray]
    progress: Mapping[str, Any]


@dataclass(frozen=True)
class CheckpointStore:
    """Those of a run, `step-<steps done>.safetensors` in its directory; the last `keep` are kept."""

    directory: Path
    keep: int

    def paths(self) -> list[Path]:
        """All that are there, the newest first."""
        found = [path for path in self.directory.glob("step-*.safetensors") if NAME.fullmatch(path.name)]
        return sorted(found, key=_step, reverse=True)

    def save(self, step: int, tensors: Mapping[str, np.ndarray], progress: Mapping[str, Any]) -> Path:
        """Writes the state after `step` steps, and removes what is more than `keep`.

        Raises:
            FileError: the disk is full, or the directory cannot be written.
        """
        path = self.directory / f"step-{step:09d}.safetensors"
        write_tensors(path, tensors, {"progress": json.dumps(progress)})
        for old in self.paths()[self.keep :]:
            old.unlink(missing_ok=True)
        return path

    def latest(self) -> tuple[Checkpoint | None, list[Path]]:
        """The newest one that can be read, and newer ones that cannot."""
        broken: list[Path] = []
        for path in self.paths():
            try:
                tensors, metadata = read_tensors(path)
                return Checkpoint(path, _step(path), tensors, json.loads(metadata["progress"])), broken
            except (SafetensorError, OSError, KeyError, ValueError):
                broken.append(path)
        return None, broken


def _step(path: Path) -> int:
    match = NAME.fullmatch(path.name)
    return int(match[1]) if match else -1


def write_best(directory: Path, weights: Mapping[str, np.ndarray], epoch: int) -> None:
    """Writes the weights of the best epoch, with its number.

    Raises:
        FileError: the disk is full, or the directory cannot be written.
    """
    write_tensors(directory / BEST, weights, {"epoch": str(epoch)})


def has_best(directory: Path, epoch: int) -> bool:
    """Whether the weights of the best epoch are there, can be read, and are of this epoch."""
    try:
        return read_tensors(directory / BEST)[1].get("epoch") == str(epoch)
    except (SafetensorError, OSError):
        return False


def named(variables: Iterable[keras.Variable], prefix: str = "") -> dict[str, keras.Variable]:
    """Variables by their Keras path.

    Raises:
        ValueError: two have the same.
    """
    found: dict[str, keras.Variable] = {}
    for variable in variables:
        name = f"{prefix}{variable.path}"
        if found.setdefault(name, variable) is not variable:
            raise ValueError(f"two variables are named '{name}'")
    return found


def values(variables: Mapping[str, keras.Variable]) -> dict[str, np.ndarray]:
    """What the variables hold; of one with a copy on each replica, the first copy."""
    # Keras's `variable.numpy()` takes twice as long, which shows in the epochs of small networks.
    return {name: np.asarray(variable.value.value().numpy()) for name, variable in variables.items()}


def restore(variables: Mapping[str, keras.Variable], tensors: Mapping[str, np.ndarray], path: Path) -> None:
    """Gives the variables, on all replicas, the values of the same names.

    Raises:
        FileError: the names or shapes differ.
    """
    problems = [f"{name} is missing" for name in variables if name not in tensors]
    problems += [f"{name} is of no variable" for name in tensors if name not in variables]
    problems += [
        f"{name} is {tensors[name].shape}, expected {tuple(variable.shape)}"
        for name, variable in variables.items()
        if name in tensors and tensors[name].shape != tuple(variable.shape)
    ]
    if problems:
        raise file_problem(path, f"is not of this network: {'; '.join(first_few(problems, 3))}")
    for name, variable in variables.items():
        variable.assign(tensors[name])


def remove_leftovers(directory: Path) -> None:
    """Removes half-written files that a killed process left behind."""
    for path in directory.glob(".*"):
        if path.is_file() and re.match(r"\.\d+\.", path.name):
            with contextlib.suppress(OSError):
                path.unlink()

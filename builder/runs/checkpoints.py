"""Checkpoints: the whole state of a training, one file each, written atomically; the newest few are kept."""

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
from builder.runs.names import BEST
from builder.system.tensors import ChecksumDiffers, read_tensors, write_tensors

NAME = re.compile(r"step-(\d+)\.safetensors")
GENERATOR = re.compile(r"seed_generator(_\d+)?(?=/)")
"""The beginning of the path of the variable of a generator of random numbers."""


@dataclass(frozen=True)
class Checkpoint:
    """A saved state of a training.

    Attributes:
        step: how many steps were done.
        tensors: every variable's value, by name.
        progress: what the training knew besides, as `Progress.to_json` gives it.
    """

    path: Path
    step: int
    tensors: Mapping[str, np.ndarray]
    progress: Mapping[str, Any]


@dataclass(frozen=True)
class CheckpointStore:
    """The checkpoints of a run: `step-<steps done>.safetensors`, and `best.safetensors`, the weights of the best epoch.

    Attributes:
        directory: the run's `checkpoints/`.
        keep: how many states are kept; older ones are removed.
        is_writer: whether this process writes here. With several workers the chief alone does; for the others the
            methods that write or remove files do nothing.
    """

    directory: Path
    keep: int
    is_writer: bool = True

    def paths(self) -> list[Path]:
        """All states, the newest first."""
        found = [path for path in self.directory.glob("step-*.safetensors") if NAME.fullmatch(path.name)]
        return sorted(found, key=_step, reverse=True)

    def save(self, step: int, tensors: Mapping[str, np.ndarray], progress: Mapping[str, Any]) -> None:
        """Writes the state after `step` steps, and removes the oldest if there are more than `keep`.

        Raises:
            FileError: the disk is full, or the directory cannot be written.
        """
        if self.is_writer:
            path = self.directory / f"step-{step:09d}.safetensors"
            write_tensors(path, tensors, {"progress": json.dumps(progress)})
            for old in self.paths()[self.keep :]:
                old.unlink(missing_ok=True)

    def latest(self) -> tuple[Checkpoint | None, list[Path]]:
        """The newest checkpoint that can be read, and the paths of newer ones that cannot."""
        broken: list[Path] = []
        for path in self.paths():
            try:
                tensors, metadata = read_tensors(path)
                return Checkpoint(path, _step(path), tensors, json.loads(metadata["progress"])), broken
            except (SafetensorError, OSError, KeyError, ValueError):
                broken.append(path)
        return None, broken

    def set_aside(self, path: Path) -> None:
        """Renames a damaged checkpoint, which as the newest by its name would displace those that follow."""
        if self.is_writer:
            path.replace(path.with_name(f"{path.name}.damaged"))

    def remove_leftovers(self) -> None:
        """Removes half-written files that a killed process left in the run's directory and in its `checkpoints/`."""
        for directory in (self.directory, self.directory.parent) if self.is_writer else ():
            for path in directory.glob(".*"):
                if path.is_file() and re.match(r"\.\d+\.", path.name):
                    with contextlib.suppress(OSError):
                        path.unlink()

    def write_best(self, weights: Mapping[str, np.ndarray], epoch: int) -> None:
        """Writes the weights of the best epoch, with its number.

        Raises:
            FileError: the disk is full, or the directory cannot be written.
        """
        if self.is_writer:
            write_tensors(self.directory / BEST, weights, {"epoch": str(epoch)})

    def has_best(self, epoch: int) -> bool:
        """Whether the weights of the best epoch are there, can be read, and are those of this epoch."""
        try:
            return read_tensors(self.directory / BEST)[1].get("epoch") == str(epoch)
        except (SafetensorError, OSError, ChecksumDiffers):
            return False


def _step(path: Path) -> int:
    match = NAME.fullmatch(path.name)
    return int(match[1]) if match else -1


def named(variables: Iterable[keras.Variable], prefix: str = "") -> dict[str, keras.Variable]:
    """Variables by their Keras path, after `prefix`.

    Keras numbers the generators of random numbers over all networks of a process. Here they are numbered within their
    network, so that a name does not depend on what else the process has built.

    Raises:
        ValueError: two variables have the same path.
    """
    found: dict[str, keras.Variable] = {}
    generators: dict[str, str] = {}
    for variable in variables:
        name = f"{prefix}{variable.path}"
        if generator := GENERATOR.match(variable.path):
            number = len(generators)
            own = generators.setdefault(generator[0], f"seed_generator_{number}" if number else "seed_generator")
            name = f"{prefix}{own}{variable.path.removeprefix(generator[0])}"
        if found.setdefault(name, variable) is not variable:
            raise ValueError(f"two variables are named '{name}'")
    return found


def values(variables: Mapping[str, keras.Variable]) -> dict[str, np.ndarray]:
    """The values of variables, by name; for a variable with a copy on each replica, that of the first copy."""
    # Keras's `variable.numpy()` takes twice as long, which shows in the epochs of small networks.
    return {name: np.asarray(variable.value.value().numpy()) for name, variable in variables.items()}


def restore(variables: Mapping[str, keras.Variable], tensors: Mapping[str, np.ndarray], path: Path) -> None:
    """Assigns the tensors of a file to the variables of the same names, on all replicas.

    Args:
        path: the file, for messages.

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

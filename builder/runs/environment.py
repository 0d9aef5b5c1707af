"""Records where a run's result comes from: `environment.json`, and the spec beside it."""

from __future__ import annotations

import contextlib
import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archspec import Spec
from archspec.errors import UserError, file_problem
from archspec.spec.addresses import recipe_of
from builder.runs.comparison import changed_stopping, damaged, flat
from builder.runs.extension import extended_from
from builder.runs.names import ENVIRONMENT, SPEC
from builder.system.cpu import instruction_set
from builder.system.files import read_json, write_json, write_text
from builder.system.terminal import Say

if TYPE_CHECKING:  # as in builder.runs.directory: no TensorFlow
    from builder.data import Data

INSTRUCTIONS = "instruction_set"
RESUMED = ("started", "command", "devices", INSTRUCTIONS)
"""The fields that `environment.json` gets once more each time that the run is resumed."""
DIVERGED = "diverged"
"""The field that says when and how the loss or the weights became NaN or infinite, until the run is resumed."""
IMPORTED = "weights from elsewhere"
"""What stands for the name of the data in a run that was not trained here."""
PACKAGES = ("tensorflow", "keras", "tensorflow-datasets", "numpy")


def record_environment(directory: Path, spec: Spec, data: Data, devices: Sequence[str], seed: int, say: Say) -> None:
    """Writes `spec.yaml`, and `environment.json` with the versions, the devices, the data and the spec once more, which
    shows later what was changed in the file.

    For a resumed run, it adds where and when the run was resumed, says so if the CPU's instruction set has changed, and
    writes the spec again if it has more epochs or another rule of early stopping.

    Raises:
        FileError: the data are no longer those that the run began with, or `environment.json` is damaged.
    """
    path, extended = directory / ENVIRONMENT, extended_from(directory, spec)
    stopping = changed_stopping(directory, spec)
    about = {
        "name": data.name,
        "train": data.train_count,
        "validation": data.validation_count,
        "classes": list(data.class_names),
        "pixel_mean": list(data.normalisation.mean),
        "pixel_std": list(data.normalisation.std),
        "pixel_range": list(data.pixel_range),
        "darkest_picture": data.darkest,
        "fingerprint": data.fingerprint,
    }
    now = {**environment(devices, seed, about), "spec": flat(spec.to_yaml())}
    if path.exists():
        try:
            first = read_json(path)
            fingerprint = first["data"]["fingerprint"]
        except (ValueError, KeyError, TypeError):
            raise damaged(path) from None
        if fingerprint != data.fingerprint:
            raise file_problem(directory, "was trained on other data: their fingerprints differ; start a new run")
        resumed = first.get("resumed", [])
        before, after = ([first, *resumed][-1].get(INSTRUCTIONS), now[INSTRUCTIONS])
        if before != after:
            say(
                f"this run was trained with {before or 'no'} instructions of oneDNN so far, and resumes with "
                f"{after or 'none'}: its numbers will differ in the last digits from those of one kind of CPU"
            )
        again = {key: now[key] for key in RESUMED}
        if extended is not None:
            epochs = recipe_of(spec).epochs
            say(f"the run is extended from {extended} to {epochs} epochs")
            again["extended"], first["spec"] = {"from": extended, "to": epochs}, now["spec"]
        if stopping:
            say(f"early stopping changes from here on: {stopping}")
            first["spec"] = now["spec"]
        now = {**first, "resumed": [*resumed, again]}
        now.pop(DIVERGED, None)
    if not (directory / SPEC).exists():
        write_text(directory / SPEC, spec.to_yaml())
    write_json(path, now)
    if extended is not None or stopping:  # last: until then, the same command extends the run again
        write_text(directory / SPEC, spec.to_yaml())


def record_divergence(directory: Path, message: str) -> None:
    """Adds to `environment.json` that the training diverged. If that cannot be written, the run is as if interrupted.

    Args:
        directory: the run's own.
        message: when and how it did.
    """
    path = directory / ENVIRONMENT
    with contextlib.suppress(OSError, ValueError, UserError):
        write_json(path, {**read_json(path), DIVERGED: message})


def record_import(
    directory: Path, spec: Spec, source: str, class_names: Sequence[str], mean: Sequence[float], std: Sequence[float]
) -> None:
    """Writes the `spec.yaml` and `environment.json` of a run made of imported weights, which has no data of its own.

    Args:
        source: where the weights come from.
        mean, std: of the normalisation of pixels, by channel.

    Raises:
        FileError: the disk is full, or the directory cannot be written.
    """
    about = {
        "name": IMPORTED,
        "train": 0,
        "validation": 0,
        "classes": list(class_names),
        "pixel_mean": list(mean),
        "pixel_std": list(std),
        "fingerprint": "",
    }
    write_text(directory / SPEC, spec.to_yaml())
    content = {**environment([], 0, about), "weights": os.path.abspath(source), "spec": flat(spec.to_yaml())}
    write_json(directory / ENVIRONMENT, content)


def environment(devices: Sequence[str], seed: int, data: Mapping[str, Any]) -> dict[str, Any]:
    """The versions, the machine, the command and the data of a run, for `environment.json`."""
    return {
        "started": datetime.now().astimezone().isoformat(timespec="seconds"),
        "command": sys.argv,
        "directory": os.getcwd(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: package_version(name) for name in PACKAGES},
        "devices": list(devices),
        "cpus": os.cpu_count(),
        INSTRUCTIONS: instruction_set(),
        "onednn": os.environ.get("TF_ENABLE_ONEDNN_OPTS"),
        "onednn_fpmath_mode": os.environ.get("TF_SET_ONEDNN_FPMATH_MODE"),
        "git_commit": git_commit(Path(__file__).parents[2]),
        "seed": seed,
        "data": dict(data),
    }


def package_version(package: str) -> str | None:
    """The version of an installed package."""
    try:
        return version(package)
    except PackageNotFoundError:  # tensorflow-cpu and other builds have names of their own
        return None


def git_commit(root: Path) -> str | None:
    """The commit of a checkout, followed by `+` if files have changed since; None if there is no git repository."""
    if not (root / ".git").exists():
        return None

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(root), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout.strip()

    try:
        return git("rev-parse", "HEAD") + ("+" if git("status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.SubprocessError):
        return None

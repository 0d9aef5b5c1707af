"""The machine that a benchmark runs on, in one line, and the kind of machine that its figures hold for."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from builder.runs.environment import git_commit, package_version
from builder.system.cpu import cores, instruction_set

ROOT = Path(__file__).parents[1]
PACKAGES = {"tensorflow": "TensorFlow", "keras": "Keras", "torch": "PyTorch", "onnxruntime": "ONNX Runtime"}
"""The packages whose versions a measurement depends on, by their names in a package index."""


@dataclass(frozen=True)
class Machine:
    """What a figure depends on besides the code.

    Attributes:
        cpu: the processor's own name.
        instructions: the instruction set that oneDNN computes with, by oneDNN's name ("none" without oneDNN).
        cores: how many cores the process may use.
        memory_gib: the machine's memory, or a container's limit; None in a record that does not say it.
        accelerators: the names of the devices that TensorFlow sees besides the CPU.
        versions: the packages of `PACKAGES` that are installed, by the names that they are written with.
        commit: this project's, followed by `+` where files have changed since; None without a repository.
        date: the day of the measurement.
    """

    cpu: str
    instructions: str
    cores: int
    memory_gib: float | None
    accelerators: tuple[str, ...]
    versions: dict[str, str]
    commit: str | None
    date: str

    @property
    def kind(self) -> str:
        """The name that machines with comparable figures share, such as `avx2-2-cores`: that of a file in
        `benchmarks/results/`."""
        device = "-".join(self.accelerators) or self.instructions.replace("_CORE", "")
        return f"{re.sub('[^a-z0-9]+', '-', device.lower()).strip('-')}-{self.cores}-cores"

    def line(self) -> str:
        parts = [
            self.cpu,
            *self.accelerators,
            f"oneDNN with {isa_in_words(self.instructions)}",
            f"{self.cores} core{'' if self.cores == 1 else 's'}",
            *([f"{self.memory_gib:.0f} GiB"] if self.memory_gib else []),
            *(f"{name} {version}" for name, version in self.versions.items()),
            *([f"commit {short_commit(self.commit)}"] if self.commit else []),
            self.date,
        ]
        return ", ".join(parts)

    def record(self) -> dict[str, object]:
        """The fields of a record, in JSON's types."""
        return {"kind": self.kind, **asdict(self), "accelerators": list(self.accelerators)}


def machine() -> Machine:
    """Looks at this machine; imports TensorFlow to see its devices."""
    return Machine(
        cpu=_cpu_name(),
        instructions=instruction_set() or "none",
        cores=cores(),
        memory_gib=round(_memory() / 2**30, 1),
        accelerators=_accelerators(),
        versions={title: version for name, title in PACKAGES.items() if (version := _version(name))},
        commit=git_commit(ROOT),
        date=date.today().isoformat(),
    )


def machine_of(record: Mapping[str, Any]) -> Machine:
    """The machine of a record."""
    fields = {name: value for name, value in record.items() if name != "kind"}
    return Machine(**{**fields, "accelerators": tuple(fields["accelerators"])})


def isa_in_words(name: str) -> str:
    """An instruction set as its vendor writes it: `AVX-512 AMX` for oneDNN's `AVX512_CORE_AMX`."""
    return name.replace("_CORE", "").replace("AVX512", "AVX-512").replace("_", " ")


def short_commit(commit: str) -> str:
    return commit[:7] + ("+" if commit.endswith("+") else "")


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "unknown CPU")


def _memory() -> int:
    """The bytes of the machine's memory, or of a container's limit (control groups, version 2) if that is less."""
    installed = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        return min(installed, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    except (OSError, ValueError):  # no limit: the file is absent, or holds the word `max`
        return installed


def _accelerators() -> tuple[str, ...]:
    from builder.system.tensorflow_start import import_tensorflow

    import_tensorflow()
    import tensorflow as tf

    devices = [one for kind in ("GPU", "TPU") for one in tf.config.list_physical_devices(kind)]
    details = [tf.config.experimental.get_device_details(one) for one in devices]
    return tuple(str(one.get("device_name", "unknown device")) for one in details)


def _version(package: str) -> str | None:
    """A package's version; PyTorch's is that of the Python that `TORCH_PYTHON` names."""
    python = os.environ.get("TORCH_PYTHON")
    if package != "torch" or python is None:
        return package_version(package)
    ask = f"from importlib.metadata import version; print(version({package!r}))"
    answer = subprocess.run([python, "-c", ask], capture_output=True, text=True)
    return answer.stdout.strip() or None

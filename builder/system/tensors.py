"""Reads and writes tensors in `.safetensors` files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save

from archspec.files import check_regular
from builder.system.files import replacing


def write_tensors(path: Path, tensors: Mapping[str, np.ndarray], metadata: Mapping[str, str] | None = None) -> None:
    """Writes a `.safetensors` file atomically.

    Raises:
        FileError: the disk is full, or the directory cannot be written.
    """
    whole = {name: np.asarray(value, order="C") for name, value in tensors.items()}
    with replacing(path) as temporary:
        temporary.write_bytes(save(whole, dict(metadata or {})))  # save_file would keep others from reading it


def read_tensors(path: Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Reads a `.safetensors` file: its tensors, and its metadata.

    Raises:
        SafetensorError, OSError: it is damaged, cannot be read, or is not a regular file.
    """
    check_regular(path)
    with safe_open(path, framework="numpy") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118

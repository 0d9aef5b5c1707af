"""Reads and writes tensors in `.safetensors` files, with a checksum of what is in them."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save

from archspec.files import check_regular
from builder.system.files import replacing

CHECKSUM = "crc32"
"""The entry of the metadata with the checksum. CRC-32 finds every error within 32 bits, and misses one in four billion
of the others. It takes 0.27 s a gigabyte; SHA-256 takes 2.3 times as long, and 7.7 times on a CPU without SHA
instructions."""


class ChecksumDiffers(ValueError):
    """What a file holds is not what was written, or the file has no checksum."""


def write_tensors(path: Path, tensors: Mapping[str, np.ndarray], metadata: Mapping[str, str] | None = None) -> None:
    """Writes a `.safetensors` file atomically, with its checksum in the metadata.

    Raises:
        FileError: the disk is full, or the directory cannot be written.
    """
    whole = {name: np.asarray(value, order="C") for name, value in tensors.items()}
    entries = dict(metadata or {})
    entries[CHECKSUM] = f"{checksum(whole, entries):08x}"
    with replacing(path) as temporary:
        temporary.write_bytes(save(whole, entries))  # save_file would keep others from reading it


def read_tensors(path: Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Reads a file of `write_tensors`: its tensors, and its metadata.

    Raises:
        SafetensorError, OSError, ChecksumDiffers: it is damaged, cannot be read, or is not a regular file.
    """
    check_regular(path)
    with safe_open(path, framework="numpy") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        metadata = dict(file.metadata() or {})
    if metadata.pop(CHECKSUM, "") != f"{checksum(tensors, metadata):08x}":
        raise ChecksumDiffers("its checksum does not match its contents")
    return tensors, metadata


def write_tensor_file(path: Path, tensors: Mapping[str, np.ndarray]) -> TensorFile:
    """Writes a `.safetensors` file for other processes of the same command, one tensor after the other, without the
    copy of all that `write_tensors` makes, and without a checksum.

    Raises:
        OSError: the disk is full, or the directory cannot be written.
    """
    entries, end = {}, 0
    for name, value in tensors.items():
        if value.dtype != np.float32:
            raise ValueError(f"{name} is of type {value.dtype}, expected float32")
        entries[name] = {"dtype": "F32", "shape": value.shape, "data_offsets": (end, end + value.nbytes)}
        end += value.nbytes
    header = json.dumps(entries).encode()
    with path.open("wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        for value in tensors.values():
            file.write(np.ascontiguousarray(value).data)
    return TensorFile(path)


@dataclass(frozen=True)
class TensorFile(Mapping[str, np.ndarray]):
    """The tensors of a `.safetensors` file, by name. Each is read when it is asked for, and none is kept."""

    path: Path

    def __getitem__(self, name: str) -> np.ndarray:
        with safe_open(self.path, framework="numpy") as file:
            if name not in file.keys():  # noqa: SIM118  # it is no mapping
                raise KeyError(name)
            return file.get_tensor(name)

    def __iter__(self) -> Iterator[str]:
        with safe_open(self.path, framework="numpy") as file:
            yield from file.keys()

    def __len__(self) -> int:
        with safe_open(self.path, framework="numpy") as file:
            return len(file.keys())


def checksum(tensors: Mapping[str, np.ndarray], metadata: Mapping[str, str]) -> int:
    """The CRC-32 of tensors with their names, types and shapes, and of metadata."""
    found = zlib.crc32(repr(sorted(metadata.items())).encode())
    for name, value in sorted(tensors.items()):
        found = zlib.crc32(f"{name} {value.dtype.str} {value.shape}".encode(), found)
        found = zlib.crc32(np.ascontiguousarray(value).reshape(-1).view(np.uint8).data, found)
    return found

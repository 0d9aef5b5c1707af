"""PyTorch's files: state dicts from `torch.save`, read without PyTorch and without running any code in a pickle."""

from __future__ import annotations

import math
import os
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import ml_dtypes
import numpy as np

from archspec.errors import file_problem
from archspec.files import open_regular
from archspec.wording import quoted
from builder.system.limits import MOST_PICKLE, MOST_TENSORS, excess
from builder.weights.pickles import Unfit, Unpickler

STATE_DICT_KEYS = ("state_dict", "model", "model_state_dict", "module", "net", "weights")
"""The keys under which checkpoints keep the state dict; the first one present counts."""
MOST_AXES = 64
"""The most axes that numpy gives an array."""
MAX_NESTING = 3
"""How deep in a checkpoint state dicts are looked for: `callbacks.EMA.ema_state_dict` is the deepest in use."""

STORAGES: dict[str, np.dtype[Any]] = {
    "DoubleStorage": np.dtype("<f8"),
    "FloatStorage": np.dtype("<f4"),
    "HalfStorage": np.dtype("<f2"),
    "BFloat16Storage": np.dtype(ml_dtypes.bfloat16),
    "LongStorage": np.dtype("<i8"),
    "IntStorage": np.dtype("<i4"),
    "ShortStorage": np.dtype("<i2"),
    "CharStorage": np.dtype("i1"),
    "ByteStorage": np.dtype("u1"),
    "BoolStorage": np.dtype("?"),
}


@dataclass(frozen=True)
class Checkpoint:
    """The state dicts of a file written by `torch.save`, such as `model` and the moving average `model_ema` beside it.

    Attributes:
        parts: the tensors of each, in the file's order, by its key; keys are joined by dots where it is deeper inside,
            and the key is empty where the file itself is one.
        default: the key of the one that is read unless another is asked for; None if nothing decides.
    """

    parts: Mapping[str, Mapping[str, np.ndarray]]
    default: str | None


def read_checkpoint(path: Path) -> Checkpoint:
    """Reads the tensors of a file written by `torch.save`.

    A checkpoint may hold its state dict under one of `STATE_DICT_KEYS`; others are found besides.

    Raises:
        FileError: the file is of another kind, damaged, or in the format before PyTorch 1.6, or its pickle names
            anything that state dicts are not made of, or it claims more numbers than its size allows.
    """
    try:
        file = open_regular(path)
    except OSError as error:
        raise file_problem(path, f"cannot be read: {error.strerror}") from error
    with file:
        return _read_checkpoint(path, file)


def _read_checkpoint(path: Path, file: BinaryIO) -> Checkpoint:
    start = file.read(2)
    if start != b"PK":
        legacy = "is in the format that torch.save had before PyTorch 1.6; load it there and save its state_dict again"
        raise file_problem(path, legacy if start[:1] == b"\x80" else "is not a file of torch.save")
    try:
        with zipfile.ZipFile(file) as archive:
            content = _load(archive, os.fstat(file.fileno()).st_size)
    except _Refused as refusal:
        raise file_problem(path, str(refusal)) from None
    except Exception as error:  # zipfile raises all kinds of exceptions on damaged files
        raise file_problem(path, f"is cut off or damaged: {error or type(error).__name__}") from None
    found = _checkpoint(content)
    if isinstance(found, str):
        raise file_problem(path, found)
    tensors = [tensor for part in found.parts.values() for tensor in part.values()]
    if len(tensors) > MOST_TENSORS:
        raise file_problem(path, f"has {len(tensors):,} tensors, and at most {MOST_TENSORS:,} are read")
    # Many tensors, or many rows of one, may share the same numbers.
    if reason := excess(sum(tensor.nbytes for tensor in tensors), os.fstat(file.fileno()).st_size):
        raise file_problem(path, f"is not read: {reason}")
    return found


class _Refused(Exception):
    """The reason why a file is refused."""


def _load(archive: zipfile.ZipFile, size: int) -> Any:
    if any(info.compress_type != zipfile.ZIP_STORED for info in archive.infolist()):
        raise _Refused("is a zip file, but not one of torch.save, which does not compress")
    if sum(info.file_size for info in archive.infolist()) > size:
        raise _Refused("is damaged: the files in it have more bytes than it has itself")
    names = {info.filename for info in archive.infolist()}
    pickles = [name for name in names if name.count("/") == 1 and name.endswith("/data.pkl")]
    if len(pickles) != 1:
        raise _Refused("is a zip file, but not one of torch.save: there is no data.pkl in it")
    root = pickles[0].removesuffix("data.pkl")
    if f"{root}constants.pkl" in names:
        raise _Refused("is a TorchScript program; save the state_dict of the module instead")
    if f"{root}byteorder" in names and _content(archive, f"{root}byteorder", 16) != b"little":
        raise _Refused("was saved on a machine of the other byte order; load it there and save it elsewhere")
    storages = _Storages(archive, root)
    data = _content(archive, pickles[0], MOST_PICKLE)
    try:
        return Unpickler(_find_class, _call, storages.of).load(data)
    except (_Refused, zipfile.BadZipFile):
        raise
    except Unfit as error:
        raise _Refused(f"is not a state dict: its pickle {error}") from None
    except Exception as error:  # a pickle is a program: a damaged one can fail in any way
        raise _Refused(f"is damaged: its pickle cannot be read ({type(error).__name__})") from None


def _content(archive: zipfile.ZipFile, name: str, limit: int) -> bytes:
    if archive.getinfo(name).file_size > limit:
        raise _Refused(f"is not a state dict: {name} has more than {limit:,} bytes")
    return archive.read(name)


class _Storages:
    """The archive's storages as flat arrays, each of which is read once."""

    def __init__(self, archive: zipfile.ZipFile, root: str):
        self.archive, self.root = archive, root
        self.read: dict[str, bytes] = {}

    def of(self, reference: Any) -> np.ndarray:
        """The storage that a pickle refers to, as a flat array."""
        if not isinstance(reference, tuple) or len(reference) != 5 or reference[0] != "storage":
            raise _Refused("is damaged: a reference to something that is not a storage")
        _, kind, key, _, count = reference
        if not isinstance(kind, _Storage) or not isinstance(key, str) or type(count) is not int:
            raise _Refused("is damaged: a storage has no type, key or size")
        name = f"{self.root}data/{key}"
        if key not in self.read:
            try:
                size = self.archive.getinfo(name).file_size
            except KeyError:
                raise _Refused(f"is damaged: the storage {name} is missing") from None
            if size != count * kind.dtype.itemsize:
                raise _Refused(f"is damaged: the storage {name} has {size:,} bytes, not {count:,} {kind.dtype}")
            self.read[key] = self.archive.read(name)
        return np.frombuffer(self.read[key], kind.dtype)


@dataclass(frozen=True)
class _Storage:
    """The type of a storage."""

    dtype: np.dtype[Any]


def _tensor(storage: Any, offset: Any, size: Any, stride: Any, *others: Any) -> np.ndarray:
    """torch._utils._rebuild_tensor_v2: a view of a storage. numpy checks that it lies inside."""
    if not isinstance(storage, np.ndarray):
        raise _Refused("is damaged: a tensor has no storage")
    if len(size) > MOST_AXES or len(stride) != len(size):
        raise _Refused(f"is damaged: a tensor has {len(size):,} axes and {len(stride):,} strides")
    strides = tuple(step * storage.itemsize for step in stride)
    if min((offset, *size, *strides), default=0) < 0:
        raise _Refused("is damaged: a tensor has a negative size")
    if not math.prod(size):
        return np.zeros(size, storage.dtype)
    return np.ndarray(tuple(size), storage.dtype, storage, offset * storage.itemsize, strides)


def _parameter(data: Any, *others: Any) -> Any:
    """torch._utils._rebuild_parameter: the tensor."""
    return data


ALLOWED: Mapping[str, Any] = {
    "collections.OrderedDict": dict,
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_parameter": _parameter,
    **{f"torch.{name}": _Storage(dtype) for name, dtype in STORAGES.items()},
}
"""Everything that a pickle may name, and what stands for it here."""


def _find_class(name: str) -> Any:
    if name not in ALLOWED:
        raise _Refused(
            f"asks for {quoted(name)}, and only tensors are read from a file, no code is run; "
            "load it where you trust it, and save model.state_dict() alone"
        )
    return ALLOWED[name]


def _call(function: Any, arguments: tuple[Any, ...]) -> Any:
    if function is dict and not arguments:
        return {}
    if function is _tensor or function is _parameter:
        return function(*arguments)
    raise TypeError


def _checkpoint(content: Any) -> Checkpoint | str:
    """The state dicts in an unpickled object, or the reason why there is none."""
    if not isinstance(content, dict):
        return "holds no state dict"
    parts = dict(_parts(content, "", set(), 0))
    if parts:
        known = [key for key in (*STATE_DICT_KEYS, "") if key in parts]
        only = next(iter(parts)) if len(parts) == 1 else None
        return Checkpoint(parts, known[0] if known else only)
    keys = ", ".join(quoted(str(key)) for key in list(content)[:10])
    return f"holds no state dict under a known name; it has {keys or 'nothing'}"


def _parts(
    content: dict[Any, Any], path: str, seen: set[int], depth: int
) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    """The state dicts in a dictionary, each with the keys that lead to it. The states of optimizers, whose keys are
    numbers, are none. A dictionary that is met again, which a pickle may hold a thousand times, is passed over."""
    if id(content) in seen or not all(isinstance(key, str) for key in content):
        return
    seen.add(id(content))
    if tensors := _tensors(content):
        yield path, tensors
    if depth <= MAX_NESTING:
        for key, value in content.items():
            if isinstance(value, dict):
                yield from _parts(value, f"{path}.{key}" if path else key, seen, depth + 1)


def _tensors(value: dict[Any, Any]) -> dict[str, np.ndarray]:
    """The tensors of a state dict; empty if the object is not one."""
    if not all(isinstance(key, str) for key in value):
        return {}
    return {key: item for key, item in value.items() if isinstance(item, np.ndarray)}

"""PyTorch's files: state dicts from `torch.save`, read without PyTorch and without running any code in a pickle."""

from __future__ import annotations

import io
import math
import pickle
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np

from archspec.errors import file_problem
from archspec.wording import quoted

MAX_PICKLE = 2**26
"""The most bytes that a pickle may have; a state dict's has about a hundred for each tensor."""
STATE_DICT_KEYS = ("state_dict", "model", "model_state_dict", "module", "net", "weights")
"""The keys under which checkpoints keep the state dict; the first one present counts."""
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
            anything that state dicts are not made of.
    """
    with path.open("rb") as file:
        start = file.read(2)
    if start != b"PK":
        legacy = "is in the format that torch.save had before PyTorch 1.6; load it there and save its state_dict again"
        raise file_problem(path, legacy if start[:1] == b"\x80" else "is not a file of torch.save")
    try:
        with zipfile.ZipFile(path) as archive:
            content = _load(archive)
    except _Refused as refusal:
        raise file_problem(path, str(refusal)) from None
    except Exception as error:  # zipfile raises all kinds of exceptions on damaged files
        raise file_problem(path, f"is cut off or damaged: {error or type(error).__name__}") from None
    found = _checkpoint(content)
    if isinstance(found, str):
        raise file_problem(path, found)
    return found


class _Refused(Exception):
    """The reason why a file is refused."""


def _load(archive: zipfile.ZipFile) -> Any:
    if any(info.compress_type != zipfile.ZIP_STORED for info in archive.infolist()):
        raise _Refused("is a zip file, but not one of torch.save, which does not compress")
    names = {info.filename for info in archive.infolist()}
    pickles = [name for name in names if name.count("/") == 1 and name.endswith("/data.pkl")]
    if len(pickles) != 1:
        raise _Refused("is a zip file, but not one of torch.save: there is no data.pkl in it")
    root = pickles[0].removesuffix("data.pkl")
    if f"{root}constants.pkl" in names:
        raise _Refused("is a TorchScript program; save the state_dict of the module instead")
    if f"{root}byteorder" in names and _content(archive, f"{root}byteorder", 16) != b"little":
        raise _Refused("was saved on a machine of the other byte order; load it there and save it elsewhere")
    unpickler = _TensorUnpickler(_content(archive, pickles[0], MAX_PICKLE), _Storages(archive, root))
    try:
        return unpickler.load()
    except (_Refused, zipfile.BadZipFile):
        raise
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

    def __call__(self, kind: Any, key: Any, count: Any) -> np.ndarray:
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


class _Frozen:
    """An object without settable attributes: a pickle can set those of any object that it is given."""

    __slots__ = ()

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(name)


class _Storage(_Frozen):
    """The type of a storage."""

    __slots__ = ("dtype",)
    dtype: np.dtype[Any]

    def __init__(self, dtype: np.dtype[Any]):
        object.__setattr__(self, "dtype", dtype)


class _Dict(dict[Any, Any]):
    """Stands for OrderedDict. PyTorch attaches the versions of modules to it, which are ignored."""

    __slots__ = ()

    def __setstate__(self, state: Any) -> None:
        pass


class _Function(_Frozen):
    """Stands for a function of PyTorch that a pickle may call."""

    __slots__ = ("call",)
    call: Callable[..., Any]

    def __init__(self, call: Callable[..., Any]):
        object.__setattr__(self, "call", call)

    def __call__(self, *arguments: Any) -> Any:
        return self.call(*arguments)


def _tensor(storage: Any, offset: Any, size: Any, stride: Any, *others: Any) -> np.ndarray:
    """torch._utils._rebuild_tensor_v2: a view of a storage. numpy checks that it lies inside."""
    if not isinstance(storage, np.ndarray):
        raise _Refused("is damaged: a tensor has no storage")
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
    "collections.OrderedDict": _Dict,
    "torch._utils._rebuild_tensor_v2": _Function(_tensor),
    "torch._utils._rebuild_parameter": _Function(_parameter),
    **{f"torch.{name}": _Storage(dtype) for name, dtype in STORAGES.items()},
}
"""Everything that a pickle may name, and what stands for it here."""


class _TensorUnpickler(pickle.Unpickler):
    """Reads containers, numbers, texts and tensors, and refuses every other name before using it."""

    def __init__(self, data: bytes, storages: _Storages):
        super().__init__(io.BytesIO(data))
        self.storages = storages

    def find_class(self, module: str, name: str) -> Any:
        full = f"{module}.{name}"
        if full not in ALLOWED:
            raise _Refused(
                f"asks for {quoted(full)}, and only tensors are read from a file, no code is run; "
                "load it where you trust it, and save model.state_dict() alone"
            )
        return ALLOWED[full]

    def persistent_load(self, pid: Any) -> np.ndarray:
        if not isinstance(pid, tuple) or len(pid) != 5 or pid[0] != "storage":
            raise _Refused("is damaged: a reference to something that is not a storage")
        _, kind, key, _, count = pid
        return self.storages(kind, key, count)


def _checkpoint(content: Any) -> Checkpoint | str:
    """The state dicts in an unpickled object, or the reason why there is none."""
    if not isinstance(content, dict):
        return "holds no state dict"
    parts = dict(_parts(content, "", set()))
    if parts:
        known = [key for key in (*STATE_DICT_KEYS, "") if key in parts]
        only = next(iter(parts)) if len(parts) == 1 else None
        return Checkpoint(parts, known[0] if known else only)
    keys = ", ".join(quoted(str(key)) for key in list(content)[:10])
    return f"holds no state dict under a known name; it has {keys or 'nothing'}"


def _parts(content: dict[Any, Any], path: str, seen: set[int]) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    """The state dicts in a dictionary, each with the keys that lead to it. The states of optimizers, whose keys are
    numbers, are none. A dictionary that is met again, which a pickle may hold a thousand times, is passed over."""
    if id(content) in seen or not all(isinstance(key, str) for key in content):
        return
    seen.add(id(content))
    if tensors := _tensors(content):
        yield path, tensors
    if path.count(".") < MAX_NESTING:
        for key, value in content.items():
            if isinstance(value, dict):
                yield from _parts(value, f"{path}.{key}" if path else key, seen)


def _tensors(value: dict[Any, Any]) -> dict[str, np.ndarray]:
    """The tensors of a state dict; empty if the object is not one."""
    if not all(isinstance(key, str) for key in value):
        return {}
    return {key: item for key, item in value.items() if isinstance(item, np.ndarray)}

"""A NumPy `.npz` file of pictures and labels."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from archspec.errors import FileError, Problem, Where, file_problem
from archspec.files import open_regular
from archspec.recipe.data import Npz
from archspec.wording import first_few
from builder.data.memory import aligned, shared
from builder.data.splits import Arrays, Request, Splits, channels_error, channels_fit, held_out
from builder.system.limits import excess
from builder.system.npz_files import claimed_bytes

NAMES = (
    ("x_train", "y_train", "x_val", "y_val"),
    ("x_train", "y_train", "x_test", "y_test"),
    ("x", "y"),
)
"""The arrays that a file may hold, the first that are all there: both splits, or pictures that are to be split."""
CLASS_NAMES = "class_names"
"""The array of the classes' names, by label, which may be there too."""
MOST_CLASSES = 1_000_000
"""More than any network distinguishes; a label beyond it is a mistake."""
CHANNELS = (1, 3, 4)
"""The numbers of channels by which pictures with their channels first are recognised."""


def load(source: Npz, request: Request) -> Splits:
    """Loads the pictures and labels of a `.npz` file into memory.

    Raises:
        FileError: there is no such file, arrays are missing or are not pictures and labels, or a class has no pictures.
        SpecError: the pictures have more channels than the network takes.
    """
    path, where = Path(source.path).expanduser(), request.where
    arrays, names, checksums = _read(path, request)
    problems: list[str] = []
    pairs = [
        (
            _pictures(name, arrays[name], problems),
            _labels(label_name, arrays[label_name], arrays[name].shape[:1], problems),
        )
        for name, label_name in zip(list(arrays)[::2], list(arrays)[1::2], strict=True)
    ]
    if not problems and len({pictures.shape[1:] for pictures, _ in pairs}) > 1:
        sizes = " and ".join(f"{name} {list(arrays[name].shape)}" for name in list(arrays)[::2])
        problems.append(f"the pictures of both splits must have one size, got {sizes}")
    classes = 0 if problems else max(int(labels.max()) for _, labels in pairs) + 1
    if names is not None:
        _check_names(names, classes, request.is_whole, problems)
    if problems:
        raise FileError(Problem(where, f"{path}: {problem}") for problem in problems)
    channels = pairs[0][0].shape[-1]
    if not channels_fit(channels, request.channels):
        raise channels_error(where, str(path), channels, request.channels)
    class_names = tuple(str(label) for label in range(classes)) if names is None else tuple(map(str, names.tolist()))
    splits = pairs if len(pairs) == 2 or request.is_whole else _split(*pairs[0], source, path, where)
    counts = np.bincount(splits[0][1], minlength=classes)
    if not counts.all() and not request.is_whole:
        raise file_problem(
            where,
            f"{path}: class {int(np.argmin(counts))} of {classes} has no picture to train on; "
            "labels must be 0, 1, 2 and so on, each with pictures",
        )
    found = [Arrays(shared(pictures), shared(labels)) for pictures, labels in splits]
    identity = f"{path.name} {checksums} {[list(pictures.shape) for pictures, _ in splits]}"
    return Splits(path.name, found[0], found[-1], class_names, identity)


def _names(found: Sequence[str]) -> tuple[str, ...] | None:
    """The arrays of `NAMES` that are used of those in a file."""
    return next((names for names in NAMES if set(names) <= set(found)), None)


def _read(path: Path, request: Request) -> tuple[dict[str, np.ndarray], np.ndarray | None, str]:
    """The arrays of pictures and labels in turn, the names of classes if they are there, and the checksums of all."""
    where = request.where
    try:
        with open_regular(path) as stream:
            file = np.load(stream, allow_pickle=False)
            if not isinstance(file, np.lib.npyio.NpzFile):  # a single array
                raise zipfile.BadZipFile
            names = _names(file.files)
            if names is None:
                found = ", ".join(sorted(file.files)[:10]) or "none"
                message = (
                    f"{path}: expected the arrays x_train, y_train, x_val and y_val (or x_test and y_test), or x and "
                    f"y; it has {found}"
                )
                raise file_problem(where, message)
            assert file.zip is not None
            used = [*names, *({CLASS_NAMES} & set(file.files))]
            copies = 3 if "x" in names else 2  # as read, as pictures, and as those to train on and those held out
            if reason := excess(claimed_bytes(file.zip, used), os.fstat(stream.fileno()).st_size, copies):
                raise file_problem(where, f"{path}: {reason}; use a folder of pictures")
            arrays = {name: file[name] for name in names}
            class_names = file[CLASS_NAMES] if CLASS_NAMES in file.files else None
            members = sorted((member.filename, member.CRC) for member in file.zip.infolist())
        if others := sorted(set(file.files) - {*names, CLASS_NAMES}):
            request.say(f"{path}: not used: {', '.join(first_few(others, 10))}")
        return arrays, class_names, f"{members}"
    except FileNotFoundError as problem:
        message = f"{path}: there is no such file; relative paths start at the current directory"
        raise file_problem(where, message) from problem
    except OSError as problem:
        raise file_problem(where, f"{path}: cannot be read: {problem.strerror or 'it is cut short'}") from problem
    except MemoryError:
        raise file_problem(where, f"{path}: is larger than the memory that is free; use a folder of pictures") from None
    except ValueError as problem:
        reason = "it holds Python objects" if "Object arrays" in str(problem) else "it is no .npz file, or damaged"
        raise file_problem(where, f"{path}: {reason}; write it with numpy.savez(path, x=pictures, y=labels)") from None
    except (zipfile.BadZipFile, EOFError, KeyError, NotImplementedError):
        message = f"{path}: it is no .npz file, or damaged; write it with numpy.savez(path, x=pictures, y=labels)"
        raise file_problem(where, message) from None


def _pictures(name: str, array: np.ndarray, problems: list[str]) -> np.ndarray:
    """An array as pictures (count, height, width, channels); the array itself after a problem was added."""
    if array.ndim not in (3, 4) or 0 in array.shape:
        problems.append(
            f"{name} is {_shape(array)}; expected (count, height, width) or (count, height, width, channels)"
        )
    elif array.ndim == 4 and _is_channels_first(array.shape):
        problems.append(
            f"{name} is {_shape(array)}, channels first as in PyTorch; expected (count, height, width, channels): "
            f"numpy.moveaxis({name}, 1, -1)"
        )
    elif array.dtype != np.uint8:
        hint = " (numpy.round(x * 255).astype('uint8') where values are from 0 to 1)" if array.dtype.kind == "f" else ""
        problems.append(f"{name} is {array.dtype}; expected uint8, from 0 to 255{hint}")
    else:
        array = array if array.ndim == 4 else array[..., np.newaxis]
        copy = aligned(array.shape)
        copy[:] = array
        return copy
    return array


def _is_channels_first(shape: tuple[int, ...]) -> bool:
    """Whether the shape of pictures is (count, channels, height, width)."""
    _, first, second, third = shape
    return first in CHANNELS and third not in CHANNELS and second > first


def _check_names(names: np.ndarray, classes: int, may_lack: bool, problems: list[str]) -> None:
    """Checks the names of classes; of `classes`, 0 stands for an unknown number. The last ones may lack pictures where
    `may_lack` says so."""
    if names.ndim != 1 or names.dtype.kind != "U":
        problems.append(f"{CLASS_NAMES} is {names.dtype} {_shape(names)}; expected a list of texts, one for each class")
    elif classes and len(names) != classes and not (may_lack and len(names) > classes):
        problems.append(
            f"{CLASS_NAMES} has {len(names):,}, and the labels are 0 to {classes - 1:,}; expected {classes:,}"
        )
    elif len(set(names.tolist())) < len(names):
        problems.append(f"{CLASS_NAMES} has a name twice; expected a different one for each class")


def _labels(name: str, array: np.ndarray, count: tuple[int, ...], problems: list[str]) -> np.ndarray:
    """An array as labels, int64 (count,); the array itself after a problem was added."""
    flat = array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array  # Keras's CIFAR has (count, 1)
    if flat.ndim != 1 or flat.shape != count:
        hint = "; for one-hot labels use numpy.argmax(y, 1)" if flat.ndim == 2 and flat.shape[:1] == count else ""
        problems.append(
            f"{name} is {_shape(array)}; expected a label for each of the {count[0] if count else 0} pictures{hint}"
        )
    elif flat.dtype.kind in "US":
        problems.append(
            f"{name} is of texts; expected whole numbers from 0: {CLASS_NAMES}, {name} = numpy.unique({name}, "
            f"return_inverse=True), and save both"
        )
    elif flat.dtype.kind not in "iu" or (flat.size and int(flat.min()) < 0):
        found = f"has {flat.min()}" if flat.dtype.kind in "iu" else f"is {flat.dtype}"
        problems.append(f"{name} {found}; expected whole numbers from 0")
    elif flat.size and int(flat.max()) >= MOST_CLASSES:
        problems.append(
            f"{name} has {flat.max()}; expected whole numbers from 0, one for each class, below {MOST_CLASSES}"
        )
    else:
        return np.ascontiguousarray(flat, np.int64)
    return flat


def _shape(array: np.ndarray) -> str:
    return f"of shape {tuple(array.shape)}"


def _split(
    pictures: np.ndarray, labels: np.ndarray, source: Npz, path: Path, where: Where
) -> list[tuple[np.ndarray, np.ndarray]]:
    """The pictures and labels to train on, and those held out, which are a share of every class."""
    validation = np.zeros(len(labels), bool)
    for label in np.unique(labels).tolist():
        numbers = [str(number) for number in np.flatnonzero(labels == label)]
        if len(numbers) == 1:
            raise file_problem(where, f"{path}: class {label} has 1 picture, and at least 2 are needed to hold one out")
        validation[[int(name) for name in held_out(numbers, source.validation, source.seed)]] = True
    parts = []
    for chosen in (~validation, validation):
        part = aligned((int(chosen.sum()), *pictures.shape[1:]))
        np.compress(chosen, pictures, axis=0, out=part)
        parts.append((part, labels[chosen]))
    return parts

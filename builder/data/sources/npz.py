"""A NumPy `.npz` file of pictures and labels."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from archspec.errors import FileError, Problem, Where, file_problem
from archspec.recipe.data import Npz
from builder.data.memory import aligned, shared
from builder.data.splits import Arrays, Request, Splits, channels_error, channels_fit, held_out

NAMES = (("x_train", "y_train", "x_test", "y_test"), ("x", "y"))
"""The arrays that a file may hold: both splits, or pictures that are to be split."""
MOST_CLASSES = 1_000_000
"""More than any network distinguishes; a label beyond it is a mistake."""


def load(source: Npz, request: Request) -> Splits:
    """Loads the pictures and labels of a `.npz` file into memory.

    Raises:
        FileError: there is no such file, arrays are missing or are not pictures and labels, or a class has no pictures.
        SpecError: the pictures have more channels than the network takes.
    """
    path, where = Path(source.path).expanduser(), request.where
    arrays = _read(path, where)
    problems: list[str] = []
    pairs = [
        (
            _pictures(name, arrays[name], problems),
            _labels(label_name, arrays[label_name], arrays[name].shape[:1], problems),
        )
        for name, label_name in zip(list(arrays)[::2], list(arrays)[1::2], strict=True)
    ]
    if not problems and len({pictures.shape[1:] for pictures, _ in pairs}) > 1:
        sizes = " and ".join(f"{name} {list(arrays[name].shape)}" for name in ("x_train", "x_test"))
        problems.append(f"the pictures of both splits must have one size, got {sizes}")
    if problems:
        raise FileError(Problem(where, f"{path}: {problem}") for problem in problems)
    found = pairs[0][0].shape[-1]
    if not channels_fit(found, request.channels):
        raise channels_error(where, str(path), found, request.channels)
    classes = max(int(labels.max()) for _, labels in pairs) + 1
    splits = pairs if len(pairs) == 2 else _split(*pairs[0], source, path, where)
    counts = np.bincount(splits[0][1], minlength=classes)
    if not counts.all():
        raise file_problem(
            where,
            f"{path}: class {int(np.argmin(counts))} of {classes} has no picture to train on; "
            "labels must be 0, 1, 2 and so on, each with pictures",
        )
    train, validation = (Arrays(shared(pictures), shared(labels)) for pictures, labels in splits)
    identity = f"{path.name} {[(list(pictures.shape), int(labels.sum())) for pictures, labels in splits]}"
    return Splits(path.name, train, validation, tuple(str(label) for label in range(classes)), identity)


def _read(path: Path, where: Where) -> dict[str, np.ndarray]:
    try:
        with path.open("rb") as stream:
            file = np.load(stream, allow_pickle=False)
            if not isinstance(file, np.lib.npyio.NpzFile):  # a single array
                raise zipfile.BadZipFile
            names = next((names for names in NAMES if set(names) <= set(file.files)), None)
            if names is None:
                found = ", ".join(sorted(file.files)[:10]) or "none"
                message = f"{path}: expected the arrays x_train, y_train, x_test and y_test, or x and y; it has {found}"
                raise file_problem(where, message)
            return {name: file[name] for name in names}
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
    elif array.dtype != np.uint8:
        hint = " (numpy.round(x * 255).astype('uint8') where values are from 0 to 1)" if array.dtype.kind == "f" else ""
        problems.append(f"{name} is {array.dtype}; expected uint8, from 0 to 255{hint}")
    else:
        array = array if array.ndim == 4 else array[..., np.newaxis]
        copy = aligned(array.shape)
        copy[:] = array
        return copy
    return array


def _labels(name: str, array: np.ndarray, count: tuple[int, ...], problems: list[str]) -> np.ndarray:
    """An array as labels, int64 (count,); the array itself after a problem was added."""
    flat = array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array  # Keras's CIFAR has (count, 1)
    if flat.ndim != 1 or flat.shape != count:
        hint = "; for one-hot labels use numpy.argmax(y, 1)" if flat.ndim == 2 and flat.shape[:1] == count else ""
        problems.append(
            f"{name} is {_shape(array)}; expected a label for each of the {count[0] if count else 0} pictures{hint}"
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

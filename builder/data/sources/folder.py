"""A folder of pictures, with a sub-folder for each class."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import tensorflow as tf

from archspec.errors import Where, file_problem, problem_at
from archspec.recipe.data import Folder
from archspec.wording import did_you_mean
from builder.data.decodable import NAMED, decodable
from builder.data.splits import Encoded, Request, Splits, held_out

SUFFIXES = (".jpg", ".jpeg", ".png", ".gif", ".bmp")
OTHER_FORMATS = (".webp", ".tif", ".tiff", ".heic", ".avif", ".jp2", ".jxl", ".ppm", ".pgm")
VALIDATION = ("validation", "val")


@dataclass(frozen=True)
class File:
    """A picture's file.

    Attributes:
        path: relative to the folder.
        class_name: the name of its class.
        size: in bytes.
        modified: the time of the last change, in nanoseconds.
    """

    path: str
    class_name: str
    size: int
    modified: int


def load(source: Folder, request: Request) -> Splits:
    """Loads the names and labels of a folder's pictures, and decodes each picture once to see that it can be read.

    Raises:
        FileError: there is no such folder, fewer than two classes, a class without pictures, or pictures that cannot be
            used.
        SpecError: the network takes neither 1 nor 3 channels.
    """
    root, where = Path(source.path).expanduser(), request.where
    if request.channels not in (1, 3):
        raise problem_at(where, f"pictures of a folder have 1 or 3 channels, and the network takes {request.channels}")
    train_folder, validation_folder = _split_folders(root, where)
    train = _scan(root, train_folder, where)
    names = sorted({file.class_name for file in train}, key=os.fsencode)
    if validation_folder is None:
        train, validation = _split(train, source, root, where)
    else:
        validation = _scan(root, validation_folder, where)
        for name in sorted({file.class_name for file in validation} - set(names)):
            path = root / validation_folder / name
            raise file_problem(
                where, f"{path}: there is no such class in {root / train_folder}{did_you_mean(name, names)}"
            )
    label = {name: number for number, name in enumerate(names)}
    splits = [_encoded(root, files, label) for files in (train, validation)]
    digest = hashlib.sha256(repr([(file.path, file.size) for files in (train, validation) for file in files]).encode())
    times = hashlib.sha256(
        repr([(os.path.abspath(root), file.path, file.size, file.modified) for file in train + validation]).encode()
    )
    (first, second), skipped = decodable(splits, str(root), times.hexdigest(), source.on_corrupt, request)
    if skipped:
        left = {Path(first.name(number)).parent.name for number in range(first.count)}
        for name in names:
            if name not in left:
                raise file_problem(where, f"{root}: no picture of class {name} is left to train on", *skipped[:NAMED])
    return Splits(root.name or str(root), first, second, tuple(names), f"folder {digest.hexdigest()}", skipped)


def _split_folders(root: Path, where: Where) -> tuple[str, str | None]:
    """The folders of the two splits, relative to the root; `.` and None if the root itself is to be split."""
    folders = _folders(root, where)
    found = [name for name in VALIDATION if name in folders]
    if "train" in folders and found:
        return "train", found[0]
    if "train" in folders and _folders(root / "train", where):
        raise file_problem(
            where,
            f"{root} has train/, but neither validation/ nor val/; add one, "
            f"or hold out a share of the pictures with path: {root / 'train'}",
        )
    if found and len(folders) < 3:
        raise file_problem(where, f"{root} has {found[0]}/, but no train/; add it")
    return ".", None


def _folders(path: Path, where: Where) -> list[str]:
    try:
        with os.scandir(path) as entries:
            return sorted(entry.name for entry in entries if entry.is_dir() and not entry.name.startswith("."))
    except OSError as problem:
        reason = {FileNotFoundError: "there is no such folder", NotADirectoryError: "this is no folder"}.get(
            type(problem)
        )
        hint = "; relative paths start at the current directory" if isinstance(problem, FileNotFoundError) else ""
        message = f"{path}: {reason or f'cannot be read: {problem.strerror}'}{hint}"
        raise file_problem(where, message) from problem


def _scan(root: Path, split: str, where: Where) -> list[File]:
    """The pictures of all classes in the folder of a split, sorted by class and name."""
    files: list[File] = []
    base = root / split
    classes = _folders(base, where)
    if not classes:
        raise file_problem(where, f"{base}: expected a sub-folder for each class, with its pictures in it; it has none")
    for class_name in sorted(classes, key=os.fsencode):
        before = len(files)
        others = []
        try:
            with os.scandir(base / class_name) as entries:
                for entry in sorted(entries, key=lambda one: os.fsencode(one.name)):
                    suffix = os.path.splitext(entry.name)[1].lower()
                    if suffix in SUFFIXES and not entry.name.startswith(".") and entry.is_file():
                        status = entry.stat()
                        path = os.path.normpath(os.path.join(split, class_name, entry.name))
                        files.append(File(path, class_name, status.st_size, status.st_mtime_ns))
                    elif suffix in OTHER_FORMATS:
                        others.append(entry.name)
        except OSError as problem:
            raise file_problem(where, f"{base / class_name}: cannot be read: {problem.strerror}") from problem
        if others:
            message = f"{base / class_name / others[0]}: this format cannot be read; convert it to JPEG or PNG"
            notes = [f"{len(others)} such files in this folder"] if len(others) > 1 else []
            raise file_problem(where, message, *notes)
        if len(files) == before:
            raise file_problem(
                where,
                f"{base / class_name}: there are no pictures in this class ({' '.join(SUFFIXES)}); "
                "add some, or delete the folder",
            )
    return files


def _split(files: list[File], source: Folder, root: Path, where: Where) -> tuple[list[File], list[File]]:
    """The files to train on and those held out, which are a share of every class."""
    by_class: dict[str, list[File]] = {}
    for file in files:
        by_class.setdefault(file.class_name, []).append(file)
    validation: set[str] = set()
    for name, members in by_class.items():
        if len(members) == 1:
            raise file_problem(where, f"{root / name}: there is 1 picture, and at least 2 are needed to hold one out")
        validation |= held_out([file.path for file in members], source.validation, source.seed)
    return [file for file in files if file.path not in validation], [file for file in files if file.path in validation]


def _encoded(root: Path, files: list[File], label: dict[str, int]) -> Encoded:
    names = [os.path.join(root, file.path) for file in files]
    paths = tf.constant([os.fsencode(name) for name in names])
    labels = tf.constant([label[file.class_name] for file in files], tf.int64)

    def read(number: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return tf.io.read_file(paths[number]), labels[number]

    return Encoded(len(files), read, lambda number: names[number])

"""A folder of pictures, with a sub-folder for each class."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, replace
from pathlib import Path

import tensorflow as tf

from archspec.errors import Where, file_problem, problem_at
from archspec.recipe.data import Folder
from archspec.wording import counted, did_you_mean, first_few
from builder.data.cache import stamp
from builder.data.decodable import NAMED, decodable
from builder.data.splits import Encoded, Request, Splits, held_out
from builder.pictures import files
from builder.pictures.files import Entry

TRAINING = ("train", "training")
VALIDATION = ("validation", "val", "valid", "test", "testing")
"""Names for the folders of the two splits, in any case; the first that is there is taken."""


@dataclass(frozen=True)
class File:
    """A picture's file.

    Attributes:
        path: relative to the folder.
        class_name: the name of its class.
        stamp: what changes with the file (`builder.data.cache.stamp`).
    """

    path: str
    class_name: str
    stamp: tuple[int, ...]


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
    train_folder, validation_folder = _split_folders(root, request)
    train, unused = _scan(root, train_folder, where)
    names = sorted({file.class_name for file in train}, key=os.fsencode)
    validation: list[File] = []
    if validation_folder is None:
        if not request.is_whole:  # else the one split stands for both
            train, validation = _split(train, source, root, where)
    else:
        validation, others = _scan(root, validation_folder, where)
        unused += others
        for name in sorted({file.class_name for file in validation} - set(names)):
            path = root / validation_folder / name
            raise file_problem(
                where, f"{path}: there is no such class in {root / train_folder}{did_you_mean(name, names)}"
            )
        unused += _outside(root)
        _report_folders(root, {train_folder, validation_folder}, request)
    if unused:
        request.say(files.unused(str(root), len(train) + len(validation), unused))
    label = {name: number for number, name in enumerate(names)}
    splits = [_encoded(root, pictures, label) for pictures in (train, validation) if pictures]
    paths = [(file.path for file in pictures) for pictures in (train, validation)]
    digest = hashlib.sha256(repr([list(some) for some in paths]).encode(errors="surrogateescape"))
    stamps = [(file.path, file.stamp) for file in train + validation]
    stamped = hashlib.sha256(repr([os.path.realpath(root), *stamps]).encode(errors="surrogateescape"))
    found, skipped = decodable(splits, str(root), stamped.hexdigest(), source.on_corrupt, request)
    first, second = found[0], found[-1]
    if skipped and not request.is_whole:
        assert first.labels is not None
        left = set(first.labels.tolist())
        for name in names:
            if label[name] not in left:
                raise file_problem(where, f"{root}: no picture of class {name} is left to train on", *skipped[:NAMED])
    return Splits(root.name or str(root), first, second, tuple(names), f"folder {digest.hexdigest()}", skipped)


def _report_folders(root: Path, used: set[str], request: Request) -> None:
    """Says which folders beside those of the two splits are not used."""
    others = [name for name in _folders(root, request.where) if name not in used]
    if others:
        names = ", ".join(first_few([files.shown(name) for name in others], files.NAMED))
        beside = " and ".join(f"{name}/" for name in sorted(used))
        are = "is" if len(others) == 1 else "are"
        request.say(f"{counted(len(others), 'folder')} beside {beside} in {root} {are} not used: {names}")


def _split_folders(root: Path, request: Request) -> tuple[str, str | None]:
    """The folders of the two splits, relative to the root; `.` and None if the root itself is to be split."""
    where = request.where
    folders = {name.lower(): name for name in _folders(root, where)}
    train = next((folders[name] for name in TRAINING if name in folders), None)
    found = [folders[name] for name in VALIDATION if name in folders]
    if train and found:
        return train, found[0]
    named = "name" if request.is_whole else "give path:"
    if train and _folders(root / train, where):
        without = f"{root} has {train}/, but no {'/, '.join(VALIDATION[:-1])}/ or {VALIDATION[-1]}/"
        mend = f"add one, or hold out a share of the pictures with path: {root / train}"
        raise file_problem(where, f"{without}; {f'name {root / train}' if request.is_whole else mend}")
    if found and len(folders) < 3:
        mend = f"name {root / found[0]}" if request.is_whole else "add it"
        raise file_problem(where, f"{root} has {found[0]}/, but no train/; {mend}")
    if len(folders) == 1 and _folders(root / next(iter(folders.values())), where):
        inner = root / next(iter(folders.values()))
        raise file_problem(
            where,
            f"{root} has one folder, which would be the only class; if the classes are inside it, {named} {inner}",
        )
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


def _scan(root: Path, split: str, where: Where) -> tuple[list[File], list[Entry]]:
    """The pictures of all classes in the folder of a split, sorted by class and name, and the files that are not used.

    The folders inside a class belong to it.
    """
    base = root / split
    classes = _folders(base, where)
    if not classes:
        raise file_problem(where, f"{base}: expected a sub-folder for each class, with its pictures in it; it has none")
    found: list[File] = []
    unused = _outside(base)
    for class_name in sorted(classes, key=os.fsencode):
        folder = base / class_name
        if not files.is_utf8(class_name):
            raise file_problem(
                where,
                f"{files.shown(str(folder))}: the name of this class is not UTF-8; rename the folder "
                "(convmv -f latin1 -t utf8 does so for a whole tree)",
            )
        entries = list(files.walk(str(folder)))
        if closed := next((entry for entry in entries if entry.why_not == files.CLOSED), None):
            raise file_problem(where, f"{files.shown(closed.path)}: cannot be read: {closed.problem}")
        pictures = [entry for entry in entries if entry.why_not is None]
        if others := [entry for entry in pictures if entry.ending not in files.DECODED]:
            message = f"{files.shown(others[0].path)}: this format cannot be read; convert it to JPEG or PNG"
            notes = [f"{len(others)} such files in this folder"] if len(others) > 1 else []
            raise file_problem(where, message, *notes)
        left_out = [entry for entry in entries if entry.why_not is not None]
        if not pictures:
            raise file_problem(
                where,
                f"{folder}: there are no pictures in this class ({' '.join(files.DECODED)}); "
                "add some, or delete the folder",
                *([files.unused(str(folder), 0, left_out)] if left_out else []),
            )
        unused += left_out
        below = os.path.relpath(folder, root)
        for entry in pictures:
            assert entry.status is not None
            found.append(File(below + entry.path[len(str(folder)) :], class_name, stamp(entry.status)))
    return found, unused


def _outside(base: Path) -> list[Entry]:
    """The files beside the folders of classes, which belong to no class."""
    beside = [entry for entry in files.walk(str(base), below=False) if entry.why_not != files.CLOSED]
    return [replace(entry, why_not=entry.why_not or files.OUTSIDE) for entry in beside]


def _split(pictures: list[File], source: Folder, root: Path, where: Where) -> tuple[list[File], list[File]]:
    """The pictures to train on and those held out, which are a share of every class."""
    by_class: dict[str, list[File]] = {}
    for file in pictures:
        by_class.setdefault(file.class_name, []).append(file)
    validation: set[str] = set()
    for name, members in by_class.items():
        if len(members) == 1:
            raise file_problem(where, f"{root / name}: there is 1 picture, and at least 2 are needed to hold one out")
        validation |= held_out([file.path for file in members], source.validation, source.seed)
    parts = [[file for file in pictures if (file.path in validation) == is_held_out] for is_held_out in (False, True)]
    return parts[0], parts[1]


def _encoded(root: Path, pictures: list[File], label: dict[str, int]) -> Encoded:
    names = [os.path.join(root, file.path) for file in pictures]
    paths = tf.constant([os.fsencode(name) for name in names])
    labels = tf.constant([label[file.class_name] for file in pictures], tf.int64)

    def read(number: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return tf.io.read_file(paths[number]), labels[number]

    return Encoded(len(pictures), read, lambda number: files.shown(names[number]))

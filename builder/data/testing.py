"""Pictures to test a trained network on, named by a path instead of a spec."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import tensorflow as tf

from archspec.errors import Where, argument_problem, file_problem
from archspec.recipe.data import Folder, Npz, OnCorrupt, Source
from archspec.wording import counted, did_you_mean, first_few, quoted
from builder.data.loading import load_source
from builder.data.splits import Arrays, Data, Request, Split, labels_of
from builder.system.terminal import Say, silent

ARGUMENT, SKIPPING = "--data", "--on-corrupt skip"
NAMED = 3


def data_to_test(
    path: str | os.PathLike[str],
    shape: tuple[int, ...],
    class_names: Sequence[str],
    say: Say = silent,
    on_corrupt: OnCorrupt = "error",
    skipping: str = SKIPPING,
) -> Data:
    """The data at a path, with all pictures to test on as their validation pictures, and the labels of a network.

    These are the validation pictures of data in parts (`train/` and `val/`, or `x_test`), otherwise all.

    Args:
        path: a folder with a sub-folder for each class, or an `.npz` file.
        shape: the network's input, (height, width, channels).
        class_names: the network's classes, by label. The data may lack some, and have them in another order.
        say: called with lines of progress, and with the classes that the data lack.
        on_corrupt: whether pictures of a folder that cannot be decoded are an error, or left out, counted and named.
        skipping: why they are left out, in words.

    Raises:
        UserError: `on_corrupt` is neither, the data cannot be loaded, have classes that the network lacks, or have a
            class whose name the network gives to several.
    """
    if on_corrupt not in (known := get_args(get_args(OnCorrupt)[0])):
        raise argument_problem("--on-corrupt", f"expected {' or '.join(map(repr, known))}, got {on_corrupt!r}")
    source = _source(Path(path).expanduser(), on_corrupt)
    request = Request(shape[-1], None, Where(ARGUMENT), say, is_whole=True, skipping=skipping)
    data = load_source(source, shape, request)
    _check_known(data.class_names, class_names, path)
    labels = np.array([list(class_names).index(name) for name in data.class_names], np.int64)
    tested = _relabelled(data.validation, labels)
    found = set(labels_of(tested).tolist())
    if lacking := [quoted(name) for number, name in enumerate(class_names) if number not in found]:
        of_them = f"{len(lacking):,} of the network's {counted(len(class_names), 'class', 'classes')}"
        say(f"{path} has no pictures of {of_them}: {', '.join(first_few(lacking, NAMED))}")
    training = tested if data.train is data.validation else _relabelled(data.train, labels)
    return replace(data, train=training, validation=tested, class_names=tuple(class_names))


def _check_known(found: Sequence[str], class_names: Sequence[str], path: str | os.PathLike[str]) -> None:
    """Refuses classes that a network does not have, or has several times."""
    if unknown := [name for name in found if name not in class_names]:
        names = ", ".join(first_few([quoted(name) for name in unknown], NAMED))
        known = ", ".join(first_few([quoted(name) for name in class_names], NAMED))
        hint = did_you_mean(unknown[0], class_names, few=0)
        mend = "name them in an array class_names" if Path(path).suffix == ".npz" else "rename or move their folders"
        message = f"{path} has classes that the network does not have: {names}; it knows {known}{hint or f'; {mend}'}"
        raise argument_problem(ARGUMENT, message)
    if ambiguous := [name for name in found if class_names.count(name) > 1]:
        names = ", ".join(first_few([quoted(name) for name in ambiguous], NAMED))
        message = f"the network has several classes named {names}, so that pictures of {path} have no certain label"
        raise argument_problem(ARGUMENT, message)


def _source(path: Path, on_corrupt: OnCorrupt) -> Source:
    if path.is_dir():
        return Folder(path=str(path), on_corrupt=on_corrupt)
    if path.suffix == ".npz" and path.is_file():
        return Npz(path=str(path))
    what = "there is no such folder or file" if not path.exists() else "is no folder, and no .npz file"
    raise file_problem(Where(ARGUMENT), f"{path}: {what}; expected a folder with a sub-folder for each class, or .npz")


def _relabelled(split: Split, labels: np.ndarray) -> Split:
    """The pictures with the labels of a network instead of those of their data set."""
    if np.array_equal(labels, np.arange(len(labels))):
        return split
    table = tf.constant(labels)
    if isinstance(split, Arrays):
        return replace(split, labels=tf.gather(table, split.labels))
    inner = split.read

    def read(number: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        contents, label = inner(number)
        return contents, table[label]

    return replace(split, read=read, labels=None if split.labels is None else labels[split.labels], decoded={})

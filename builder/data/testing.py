"""Pictures to test a trained network on, named by a path instead of a spec."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import tensorflow as tf

from archspec.errors import Where, argument_problem, file_problem
from archspec.recipe.data import Folder, Npz, Source
from archspec.wording import first_few, quoted
from builder.data.loading import load_data
from builder.data.sources import folder, npz
from builder.data.splits import Arrays, Data, Split
from builder.system.terminal import Say, silent

ARGUMENT = "--data"
NAMED = 3


def data_to_test(
    path: str | os.PathLike[str], shape: tuple[int, ...], class_names: Sequence[str], say: Say = silent
) -> Data:
    """The data at a path, with all pictures to test on as their validation pictures, and the labels of a network.

    These are the validation pictures of data that are split (`train/` and `val/`, or `x_test`), otherwise all.

    Args:
        path: a folder with a sub-folder for each class, or an `.npz` file.
        shape: the network's input, (height, width, channels).
        class_names: the network's classes, by label. The data may lack some, and have them in another order.
        say: called with lines of progress.

    Raises:
        UserError: the data cannot be loaded, have classes that the network lacks, or have a class whose name the
            network gives to several.
    """
    source = _source(Path(path).expanduser())
    data = load_data(source, shape, None, Where(ARGUMENT), say)
    unknown = [name for name in data.class_names if name not in class_names]
    if unknown:
        names = ", ".join(first_few([quoted(name) for name in unknown], NAMED))
        known = ", ".join(first_few([quoted(name) for name in class_names], NAMED))
        raise argument_problem(
            ARGUMENT, f"{path} has classes that the network does not have: {names}; it knows {known}"
        )
    ambiguous = [name for name in data.class_names if class_names.count(name) > 1]
    if ambiguous:
        names = ", ".join(first_few([quoted(name) for name in ambiguous], NAMED))
        message = f"the network has several classes named {names}, so that pictures of {path} have no certain label"
        raise argument_problem(ARGUMENT, message)
    labels = np.array([list(class_names).index(name) for name in data.class_names], np.int64)
    validation = data.validation if _is_split(source) else _joined(data.train, data.validation)
    return replace(
        data,
        train=_relabelled(data.train, labels),
        validation=_relabelled(validation, labels),
        class_names=tuple(class_names),
    )


def _source(path: Path) -> Source:
    if path.is_dir():
        return Folder(path=str(path))
    if path.suffix == ".npz" and path.is_file():
        return Npz(path=str(path))
    what = "there is no such folder or file" if not path.exists() else "is no folder, and no .npz file"
    raise file_problem(Where(ARGUMENT), f"{path}: {what}; expected a folder with a sub-folder for each class, or .npz")


def _is_split(source: Source) -> bool:
    """Whether the data say themselves which pictures are to be tested on."""
    if isinstance(source, Folder):
        return folder.is_split(source, Where(ARGUMENT))
    assert isinstance(source, Npz)
    return npz.is_split(source)


def _joined(first: Split, second: Split) -> Split:
    """The pictures of two splits of one data set."""
    if isinstance(first, Arrays) and isinstance(second, Arrays):
        return Arrays(tf.concat([first.pictures, second.pictures], 0), tf.concat([first.labels, second.labels], 0))
    assert not isinstance(first, Arrays) and not isinstance(second, Arrays)
    one, other, count = first, second, first.count

    def read(number: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        number = tf.cast(number, tf.int64)
        return tf.cond(number < count, lambda: one.read(number), lambda: other.read(number - count))

    def joined(of_one: np.ndarray | None, of_other: np.ndarray | None) -> np.ndarray | None:
        return None if of_one is None or of_other is None else np.concatenate([of_one, of_other])

    return replace(
        one,
        count=count + other.count,
        read=read,
        name=lambda number: one.name(number) if number < count else other.name(number - count),
        sizes=joined(one.sizes, other.sizes),
        labels=joined(one.labels, other.labels),
        hashes=joined(one.hashes, other.hashes),
        jpeg=one.jpeg and other.jpeg,
        decoded={},
    )


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

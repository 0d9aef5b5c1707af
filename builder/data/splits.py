"""Data sets as sources return them: pictures that are read by number, and checked against the network."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import tensorflow as tf

from archspec import Graph, Problem, SpecError
from archspec.errors import Where, problem_at
from archspec.ops.base import show
from archspec.recipe import Train
from archspec.wording import counted
from builder.pictures.normalisation import Normalisation
from builder.pictures.pixel_range import PixelRange
from builder.system.terminal import Say

TRAIN_DATA, BATCH_SIZE = Where("train.data"), Where("train.batch_size")


@dataclass(frozen=True, eq=False)
class Arrays:
    """Pictures in memory, all of one size.

    Attributes:
        pictures: uint8 (count, height, width, channels).
        labels: int64 (count,).
    """

    pictures: tf.Tensor
    labels: tf.Tensor

    @property
    def count(self) -> int:
        return self.pictures.shape[0]


@dataclass(frozen=True, eq=False)
class Encoded:
    """JPEG, PNG, GIF, BMP or WebP pictures that are read one at a time, in any order.

    Attributes:
        count: the number of pictures.
        read: TensorFlow code from a number (int64, from 0) to a picture's encoded bytes and its label (int64).
        name: from a number to what the picture is called in messages.
        sizes: int32 (count, 2), the height and width of each picture; None until they have been read.
        labels: int64 (count,), the label of each picture; None until they have been read.
        hashes: int64 (count,), a hash of each picture's bytes; None until they have been read.
        jpeg: whether all pictures are known to be JPEGs.
        say: called with lines of progress when something takes long.
        decoded: a cache of the pictures decoded into memory, by the transform that they went through.
    """

    count: int
    read: Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]
    name: Callable[[int], str]
    sizes: np.ndarray | None = None
    labels: np.ndarray | None = None
    hashes: np.ndarray | None = None
    jpeg: bool = False
    say: Say = lambda line: None
    decoded: dict[Any, Arrays] = field(default_factory=dict, repr=False)

    @property
    def size(self) -> tuple[int, int] | None:
        """(height, width) of every picture; None where they differ."""
        if self.sizes is None or (self.sizes != self.sizes[0]).any():
            return None
        height, width = self.sizes[0].tolist()
        return height, width


Split = Arrays | Encoded


def labels_of(split: Split) -> np.ndarray:
    """The labels of a split's pictures, int64 (count,)."""
    if isinstance(split, Arrays):
        return split.labels.numpy()
    assert split.labels is not None, "labels are read with the sizes"
    return split.labels


def part_of(split: Split, numbers: np.ndarray) -> Split:
    """The pictures of a split that have some numbers, int64 (count,), in that order."""
    if isinstance(split, Encoded):
        return files_of(split, numbers)
    return Arrays(tf.gather(split.pictures, numbers), tf.gather(split.labels, numbers))


def files_of(split: Encoded, numbers: np.ndarray) -> Encoded:
    """The encoded pictures of a split that have some numbers, int64 (count,), in that order."""
    chosen = tf.constant(numbers, tf.int64)

    def known(values: np.ndarray | None) -> np.ndarray | None:
        return None if values is None else values[numbers]

    return replace(
        split,
        count=len(numbers),
        read=lambda number: split.read(chosen[number]),
        name=lambda number: split.name(int(numbers[number])),
        sizes=known(split.sizes),
        labels=known(split.labels),
        hashes=known(split.hashes),
        decoded={},
    )


@dataclass(frozen=True, eq=False)
class Request:
    """What a source is asked for.

    Attributes:
        channels: the channels that the network takes.
        data_dir: where TFDS keeps prepared data sets, taking precedence over the source's own `data_dir`.
        where: the address at which problems are reported.
        say: called with lines of progress when something takes long.
        is_whole: whether data without parts are not split: they are to be tested on, so that both splits have all
            pictures, and a class may have one or, in arrays, none.
        skipping: how one asks for corrupt pictures to be left out.
    """

    channels: int
    data_dir: str | os.PathLike[str] | None
    where: Where
    say: Say
    is_whole: bool = False
    skipping: str = "on_corrupt: skip"


@dataclass(frozen=True, eq=False)
class Splits:
    """A data set as its source loads it.

    Attributes:
        name: the name of the data set.
        train, validation: its two splits.
        class_names: the names of the classes, by label.
        identity: a text that differs if what is known of the data besides pictures and labels differs: version,
            splits, names of files.
        skipped: the pictures left out because they cannot be decoded.
    """

    name: str
    train: Split
    validation: Split
    class_names: tuple[str, ...]
    identity: str
    skipped: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Data:
    """A data set ready for a network.

    Attributes:
        name: the name of the data set, with its version if it has one.
        train, validation: its pictures, uint8 from 0 to 255, with labels from 0; `builder.data.batches` makes batches
            of them.
        shape: the network's input, (height, width, channels), which the pictures of batches have.
        class_names: the names of the classes, by label.
        normalisation: computed from up to 10,000 training pictures (2,000 if they have to be decoded first).
        pixel_range: the lowest and the highest pixel of the same pictures.
        fingerprint: a SHA-256 of the data set's version, the names and contents of all its files, their labels, and
            those same pictures as they were decoded.
        skipped: the pictures left out because they cannot be decoded.
        darkest: the highest pixel of the darkest picture of the same sample; 0 if it is not known.
    """

    name: str
    train: Split
    validation: Split
    shape: tuple[int, int, int]
    class_names: tuple[str, ...]
    normalisation: Normalisation
    pixel_range: PixelRange
    fingerprint: str
    skipped: tuple[str, ...] = ()
    darkest: int = 0

    @property
    def train_count(self) -> int:
        return self.train.count

    @property
    def validation_count(self) -> int:
        return self.validation.count


def channels_error(where: Where, name: str, found: int, wanted: int) -> SpecError:
    """The error for pictures whose channels cannot become the network's without loss."""
    return problem_at(
        where,
        f"the pictures of {name} have {counted(found, 'channel')}, and the network takes "
        f"{counted(wanted, 'channel')}; "
        f"set the channels of model.input to {found}",
    )


def channels_fit(found: int, wanted: int) -> bool:
    """Whether pictures fit the network without loss: grey ones may be repeated as red, green and blue."""
    return found == wanted or (found == 1 and wanted == 3)


def held_out(names: list[str], share: float, seed: int) -> set[str]:
    """The names of a class that are held out for validation: a share of them, at least one.

    The SHA-256 of the seed and a name decides, so that the choice is the same on every machine, and a new picture moves
    few of the others.
    """
    count = min(max(1, round(len(names) * share)), len(names) - 1)
    ranked = sorted(names, key=lambda name: hashlib.sha256(f"{seed}/{name}".encode(errors="surrogateescape")).digest())
    return set(ranked[:count])


def check_fits(data: Data, graph: Graph, recipe: Train, where: Where = TRAIN_DATA, batch: Where = BATCH_SIZE) -> None:
    """Checks that the network has an output for each class, and that an epoch has at least one batch.

    Args:
        data: the data set.
        graph: the network.
        recipe: the recipe it is trained with.
        where: the address of the data in the spec.
        batch: the address of the batch size.

    Raises:
        SpecError: every mismatch.
    """
    problems: list[Problem] = []
    classes = len(data.class_names)
    if classes == 1:
        problems.append(Problem(where, f"{data.name} has 1 class, and a classifier needs at least 2"))
    elif graph.output.shape != (classes,):
        message = (
            f"{data.name} has {classes} classes, and the network's output is {show(graph.output.shape)}; "
            f"end it with a dense layer of {classes} units (--set classes={classes} for a shipped spec)"
        )
        problems.append(Problem(where, message))
    if oversized := recipe.oversized_batch(data.name, data.train_count):
        problems.append(Problem(batch, f"{oversized}; set it to at most {data.train_count}"))
    if problems:
        raise SpecError(problems)

"""What every source of data gives: pictures by number, checked against the network."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import tensorflow as tf

from archspec import Graph, Problem, SpecError
from archspec.errors import Where, problem_at
from archspec.ops.base import show
from archspec.recipe import Train
from archspec.wording import counted
from builder.pictures.normalisation import Normalisation

TRAIN_DATA, BATCH_SIZE = Where("train.data"), Where("train.batch_size")
Say = Callable[[str], None]


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
    """JPEG, PNG, GIF or BMP pictures that are read one at a time, in any order.

    Attributes:
        count: how many.
        read: TensorFlow code, from a number (int64, from 0) to the encoded bytes and the label (int64).
        name: what a picture is called in messages, by number.
        sizes: int32 (count, 2), height and width of each picture; None before they were looked at.
        jpeg: whether all are JPEGs.
        say: takes lines of progress, where something takes long.
        kept: decoded pictures that were kept in memory, by what was done to them.
    """

    count: int
    read: Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]
    name: Callable[[int], str]
    sizes: np.ndarray | None = None
    jpeg: bool = False
    say: Say = lambda line: None
    kept: dict[Any, Arrays] = field(default_factory=dict, repr=False)

    @property
    def size(self) -> tuple[int, int] | None:
        """(height, width) of every picture; None where they differ."""
        if self.sizes is None or (self.sizes != self.sizes[0]).any():
            return None
        height, width = self.sizes[0].tolist()
        return height, width


Split = Arrays | Encoded


@dataclass(frozen=True, eq=False)
class Splits:
    """What a source finds.

    Attributes:
        name: the data set's.
        train, validation: its two parts.
        class_names: by label.
        identity: a text that is another one if the data are others: version, splits, names and sizes of files.
        skipped: pictures that were left out as they cannot be decoded.
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
        name: the data set's, with its version where it has one.
        train, validation: its pictures; `builder.data.batches` makes batches of them.
        shape: the network's input, (height, width, channels), which batches have.
        class_names: by label.
        pixels: the normalisation, from up to 10,000 training pictures (2,000 where they must be decoded first).
        fingerprint: a SHA-256 of the data set's version, its files' names and sizes, and the same pictures and labels.
        skipped: pictures that were left out as they cannot be decoded.
    """

    name: str
    train: Split
    validation: Split
    shape: tuple[int, int, int]
    class_names: tuple[str, ...]
    pixels: Normalisation
    fingerprint: str
    skipped: tuple[str, ...] = ()

    @property
    def train_count(self) -> int:
        return self.train.count

    @property
    def validation_count(self) -> int:
        return self.validation.count


def channels_error(where: Where, name: str, found: int, wanted: int) -> SpecError:
    """Pictures whose channels do not become the network's without loss."""
    return problem_at(
        where,
        f"the pictures of {name} have {counted(found, 'channel')}, and the network takes "
        f"{counted(wanted, 'channel')}; "
        f"set the channels of model.input to {found}",
    )


def channels_fit(found: int, wanted: int) -> bool:
    """Whether pictures become the network's without loss: grey ones may be repeated to red, green and blue."""
    return found == wanted or (found == 1 and wanted == 3)


def held_out(names: list[str], share: float, seed: int) -> set[str]:
    """The names of a class that go to validation: a share of them, at least one.

    A name's SHA-256 with the seed decides, so that the choice is the same everywhere, and a new picture moves few of
    the others.
    """
    count = min(max(1, round(len(names) * share)), len(names) - 1)
    ranked = sorted(names, key=lambda name: hashlib.sha256(f"{seed}/{name}".encode(errors="surrogateescape")).digest())
    return set(ranked[:count])


def check_fits(data: Data, graph: Graph, recipe: Train, where: Where = TRAIN_DATA, batch: Where = BATCH_SIZE) -> None:
    """Checks that a network tells apart the classes, and that an epoch has a batch.

    Args:
        where: the address of the data.
        batch: that of the batch size.

    Raises:
        SpecError: with every mismatch.
    """
    problems: list[Problem] = []
    classes = len(data.class_names)
    if classes == 1:
        problems.append(Problem(where, f"{data.name} has 1 class, and a network learns to tell apart 2 or more"))
    elif graph.output.shape != (classes,):
        message = (
            f"{data.name} has {classes} classes, and the network's output is {show(graph.output.shape)}; "
            f"end it with a dense layer of {classes} units"
        )
        problems.append(Problem(where, message))
    if recipe.batch_size > data.train_count:
        message = (
            f"a batch of {recipe.batch_size} is more than {data.name} has to train on, "
            f"{counted(data.train_count, 'picture')}; set it to at most {data.train_count}"
        )
        problems.append(Problem(batch, message))
    if problems:
        raise SpecError(problems)

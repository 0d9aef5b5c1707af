"""Data: from a spec's data source to single pictures and labels, checked against the network."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from archspec import Graph, Problem, SpecError
from archspec.errors import Where, did_you_mean
from archspec.ops.base import show
from archspec.recipe import Train
from archspec.recipe.data import Digits, Tfds
from builder import digits as digits_builder  # registers the data set with TFDS
from builder.pixels import Pixels

STATISTICS_PICTURES = 10_000
"""How many pictures, from the first, give the normalisation's mean and deviation, and the fingerprint."""
TRAIN_DATA = Where("train.data")


@dataclass(frozen=True)
class Data:
    """A data set ready for a network.

    Attributes:
        train, validation: single (picture, label) pairs: uint8 (height, width, channels) and int64, in a fixed order.
        shape: of every picture, (height, width, channels).
        class_names: by label.
        pixels: the normalisation, computed from the first 10,000 training pictures.
        fingerprint: a SHA-256 of the data set's version, its splits and the same pictures and labels.
    """

    name: str
    train: tf.data.Dataset
    validation: tf.data.Dataset
    train_count: int
    validation_count: int
    shape: tuple[int, int, int]
    class_names: tuple[str, ...]
    pixels: Pixels
    fingerprint: str


def load_data(source: Digits | Tfds, data_dir: str | os.PathLike[str] | None = None, where: Where = TRAIN_DATA) -> Data:
    """The data of a source, prepared (and downloaded where needed) on first use.

    Args:
        source: the spec's `train.data`.
        data_dir: where TFDS keeps prepared data sets; its own default (`TFDS_DATA_DIR` or `~/tensorflow_datasets`).
        where: the address that problems are reported at.

    Raises:
        SpecError: no such data set, version or split, no labelled pictures of one size in it, or it cannot be prepared.
    """
    if isinstance(source, Digits):
        source = Tfds(name=digits_builder.Digits.name)
    builder = _builder(source.name, data_dir, where)
    picture, names = _supervised(builder, source.name, where)
    if not builder.data_path.exists():
        _prepare(builder, where)
    if not builder.info.splits:  # another process was first, and the builder has not read what it wrote
        builder = _builder(source.name, data_dir, where)
    train_count, validation_count = (_count(builder, split, where) for split in (source.train, source.validation))
    train, validation = (_read(builder, split) for split in (source.train, source.validation))
    sample, labels = next(iter(train.batch(min(train_count, STATISTICS_PICTURES)).as_numpy_iterator()))
    version = f"{builder.info.full_name} {source.train} {train_count} {source.validation} {validation_count}"
    fingerprint = hashlib.sha256(version.encode())
    fingerprint.update(np.ascontiguousarray(sample).tobytes() + labels.tobytes())
    return Data(
        name=builder.info.full_name,
        train=train,
        validation=validation,
        train_count=train_count,
        validation_count=validation_count,
        shape=picture,
        class_names=names,
        pixels=Pixels.of(sample),
        fingerprint=fingerprint.hexdigest(),
    )


def check_fits(data: Data, graph: Graph, recipe: Train, where: Where = TRAIN_DATA) -> None:
    """Checks that a network takes the pictures and tells apart the classes, and that an epoch has a batch.

    Raises:
        SpecError: with every mismatch.
    """
    problems = []
    if graph.input.shape != data.shape:
        problems.append(
            f"the pictures of {data.name} are {show(data.shape)}, and the network takes {show(graph.input.shape)}; "
            f"set model.input to {list(data.shape)}"
        )
    classes = len(data.class_names)
    if graph.output.shape != (classes,):
        problems.append(
            f"{data.name} has {classes} classes, and the network's output is {show(graph.output.shape)}; "
            f"end it with a dense layer of {classes} units"
        )
    if recipe.batch_size > data.train_count:
        problems.append(
            f"a batch of {recipe.batch_size} is more than the {data.train_count} pictures to train on; "
            f"set train.batch_size to at most {data.train_count}"
        )
    if problems:
        raise SpecError(Problem(where, problem) for problem in problems)


# -- TFDS ------------------------------------------------------------------------------------------------------------


def _builder(name: str, data_dir: str | os.PathLike[str] | None, where: Where) -> tfds.core.DatasetBuilder:
    try:
        return tfds.builder(name, data_dir=data_dir)
    except tfds.core.DatasetNotFoundError:
        known = tfds.list_builders(with_community_datasets=False)
        bare = name.split("/")[0].split(":")[0]
        raise _error(where, f"TFDS has no data set '{bare}'{did_you_mean(bare, known)}") from None
    except (ValueError, AssertionError, ImportError) as error:
        raise _error(where, f"TFDS cannot load '{name}': {_short(error)}") from None


def _supervised(
    builder: tfds.core.DatasetBuilder, name: str, where: Where
) -> tuple[tuple[int, int, int], tuple[str, ...]]:
    """The pictures' shape and the classes' names."""
    features, keys = builder.info.features, builder.info.supervised_keys
    picture, label = (features[keys[0]], features[keys[1]]) if keys and len(keys) == 2 else (None, None)
    if not isinstance(picture, tfds.features.Image) or not isinstance(label, tfds.features.ClassLabel):
        raise _error(where, f"'{name}' is not a data set of pictures with one label each")
    if None in picture.shape or picture.np_dtype != np.uint8:
        sizes = "x".join("?" if size is None else str(size) for size in picture.shape)
        raise _error(
            where, f"the pictures of '{name}' are {sizes} {picture.np_dtype.__name__}; expected uint8 of one size"
        )
    return picture.shape, tuple(label.names)


def _count(builder: tfds.core.DatasetBuilder, split: str, where: Where) -> int:
    """The number of pictures in a split."""
    try:
        count = builder.info.splits[split].num_examples
    except (ValueError, KeyError, AssertionError):
        base = split.split("[")[0]
        problem = f"{builder.info.full_name} has no split '{split}'{did_you_mean(base, builder.info.splits)}"
        raise _error(where, problem) from None
    if not count:
        raise _error(where, f"the split '{split}' of {builder.info.full_name} is empty")
    return count


def _prepare(builder: tfds.core.DatasetBuilder, where: Where) -> None:
    instant = isinstance(builder, digits_builder.Digits)  # whoever waits for a download sees TFDS's progress
    try:
        with _silence() if instant else contextlib.nullcontext():
            builder.download_and_prepare(download_config=tfds.download.DownloadConfig(try_download_gcs=False))
    except (OSError, AssertionError, ImportError, tf.errors.OpError) as error:
        if not builder.data_path.exists():  # else another process was first, and its files are as good
            problem = f"{builder.info.full_name} cannot be prepared in {builder.data_path}: {_short(error)}"
            raise _error(where, problem) from None


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    with io.StringIO() as nowhere, contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
        yield


def _read(builder: tfds.core.DatasetBuilder, split: str) -> tf.data.Dataset:
    """A split's (picture, label) pairs, always in the same order."""
    config = tfds.ReadConfig(try_autocache=False, interleave_cycle_length=1)
    return builder.as_dataset(split=split, as_supervised=True, shuffle_files=False, read_config=config)


def _error(where: Where, message: str) -> SpecError:
    return SpecError([Problem(where, message)])


def _short(error: BaseException) -> str:
    """The first line of an error that says something, at most 300 characters of it."""
    text = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return text if len(text) <= 300 else f"{text[:297]}..."

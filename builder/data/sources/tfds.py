"""Data sets of tensorflow-datasets, whose pictures are read by number from the record files."""

from __future__ import annotations

import contextlib
import os
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from archspec.errors import Where, file_problem, problem_at
from archspec.recipe.data import Tfds
from archspec.wording import did_you_mean, first_line
from builder.data.cache import cached, stamp
from builder.data.decodable import decodable
from builder.data.splits import Encoded, Request, Splits, channels_error, channels_fit

RETRIES = 4
"""How often a download is tried again, each time after twice the previous wait: six seconds in all. TFDS's own number
would take minutes to find out that there is no network."""


def load(source: Tfds, request: Request) -> Splits:
    """Loads a data set, which is downloaded and prepared on first use.

    Prepared data sets are kept in the `data_dir` of the request, else in that of the source, by default in
    `$TFDS_DATA_DIR` or `~/tensorflow_datasets`.

    Raises:
        SpecError: there is no such data set, version or split, or it holds no labelled pictures that fit the network.
        FileError: it cannot be prepared, or its pictures cannot be used.
    """
    where = request.where
    directory = request.data_dir or (os.path.expanduser(source.data_dir) if source.data_dir else None)
    builder = _builder(source.name, directory, where)
    keys, names = _supervised(builder, source.name, request.channels, where)
    if not builder.data_path.exists():
        _prepare(builder, source, where)
    if not builder.info.splits:  # another process prepared it, and the builder has not read what that one wrote
        builder = _builder(source.name, directory, where)
    splits = [_encoded(builder, split, keys, where) for split in (source.train, source.validation)]
    name = builder.info.full_name
    identity = f"{name} {source.train} {splits[0].count} {source.validation} {splits[1].count}"
    times = _times(builder)
    (train, validation), skipped = decodable(splits, name, f"{identity} {times}", source.on_corrupt, request)
    return Splits(name, train, validation, names, identity, skipped)


def _builder(name: str, data_dir: str | os.PathLike[str] | None, where: Where) -> Any:
    import tensorflow_datasets as tfds  # takes a second or two

    try:
        return tfds.builder(name, data_dir=data_dir)
    except tfds.core.DatasetNotFoundError:
        known = tfds.list_builders(with_community_datasets=False)
        bare = name.split("/")[0].split(":")[0]
        raise problem_at(where, f"TFDS has no data set '{bare}'{did_you_mean(bare, known)}") from None
    except (ValueError, AssertionError, ImportError) as problem:
        raise problem_at(where, f"TFDS cannot load '{name}': {first_line(problem)}") from None


def _supervised(builder: Any, name: str, channels: int, where: Where) -> tuple[tuple[str, str], tuple[str, ...]]:
    """The names of the features that hold the picture and the label, and the names of the classes."""
    import tensorflow_datasets as tfds

    features, keys = builder.info.features, builder.info.supervised_keys
    picture, label = (features[keys[0]], features[keys[1]]) if keys and len(keys) == 2 else (None, None)
    if not isinstance(picture, tfds.features.Image) or not isinstance(label, tfds.features.ClassLabel):
        raise problem_at(where, f"'{name}' is not a data set of pictures with one label each")
    if picture.np_dtype != np.uint8:
        raise problem_at(where, f"the pictures of '{name}' are {picture.np_dtype.__name__}; expected uint8")
    found = picture.shape[-1]
    if found is not None and not channels_fit(found, channels):
        raise channels_error(where, name, found, channels)
    return (keys[0], keys[1]), tuple(label.names)


def _prepare(builder: Any, source: Tfds, where: Where) -> None:
    import tensorflow_datasets as tfds

    name, folder = builder.info.full_name, builder.data_path
    if not source.download:
        raise problem_at(
            where,
            f"{name} is not prepared in {folder}, and download is false; "
            "set download: true, or data_dir to where it is",
        )
    try:
        with _few_retries():
            builder.download_and_prepare(download_config=tfds.download.DownloadConfig(try_download_gcs=False))
    except (OSError, AssertionError, ImportError, tf.errors.OpError) as problem:
        if not folder.exists():  # otherwise another process prepared it, and its files are as good
            message = f"{name} cannot be prepared in {folder}: {first_line(problem)}{_hint(problem)}"
            raise file_problem(where, message) from problem


@contextlib.contextmanager
def _few_retries() -> Iterator[None]:
    from tensorflow_datasets.core.download import downloader

    usual = downloader.MAX_RETRIES
    downloader.MAX_RETRIES = RETRIES
    try:
        yield
    finally:
        downloader.MAX_RETRIES = usual


def _hint(problem: BaseException) -> str:
    """Advice for a problem whose reason is the network; empty for others."""
    import requests

    if not isinstance(problem, requests.exceptions.ConnectionError | requests.exceptions.Timeout):
        return ""
    return "; check the network, or copy the prepared data set there from a machine that has it"


# -- reading -----------------------------------------------------------------------------------------------------------


def _encoded(builder: Any, split: str, keys: tuple[str, str], where: Where) -> Encoded:
    """The pictures and labels of a split, in the order of its files."""
    import tensorflow_datasets as tfds

    name = builder.info.full_name
    try:
        instructions = builder.info.splits[split].file_instructions
    except (ValueError, KeyError, AssertionError):
        known = did_you_mean(split.split("[")[0], builder.info.splits)
        raise problem_at(where, f"{name} has no split '{split}'{known}") from None
    if not sum(one.take for one in instructions):
        raise problem_at(where, f"the split '{split}' of {name} is empty")
    if builder.info.file_format != tfds.core.FileFormat.TFRECORD:
        kind = builder.info.file_format.value
        raise problem_at(where, f"{name} is prepared as {kind} files; expected tfrecord, which TFDS writes by default")
    offsets = {one.filename: _offsets(one.filename) for one in instructions}
    paths = tf.constant([one.filename for one in instructions])
    files = np.repeat(np.arange(len(instructions)), [one.take for one in instructions])
    chosen = [offsets[one.filename][one.skip : one.skip + one.take] for one in instructions]
    records = tf.constant(np.column_stack([files, np.concatenate(chosen)]), tf.int64)
    image, label = keys
    features = tfds.features.FeaturesDict({key: builder.info.features[key] for key in keys})
    skip = {image: tfds.decode.SkipDecoding()}

    def read(number: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        file, offset, length = tf.unstack(records[number])
        example = features.deserialize_example(_record(paths[file], offset, length), decoders=skip)
        return example[image], tf.cast(example[label], tf.int64)

    return Encoded(len(files), read, lambda number: f"picture {number} of the split '{split}'")


def _record(path: tf.Tensor, offset: tf.Tensor, length: tf.Tensor) -> tf.Tensor:
    """The record that begins at an offset of a TFRecord file. The public `TFRecordDataset` takes no offsets."""
    string = {"output_types": [tf.string], "output_shapes": [[]]}
    data = tf.raw_ops.TFRecordDatasetV2(filenames=path, compression_type="", buffer_size=length, byte_offsets=offset)
    first = tf.raw_ops.TakeDataset(input_dataset=data, count=tf.constant(1, tf.int64), **string)
    return tf.raw_ops.DatasetToSingleElement(dataset=first, **string)[0]


def _offsets(path: str) -> np.ndarray:
    """int64 (records, 2): where each record of a TFRecord file begins, and its length with header and checksums."""
    size, *changes = _stat(path)
    name = os.path.realpath(path) if os.path.exists(path) else path
    return cached(f"records {name} {size} {changes}", lambda: {"offsets": _scan(path, size)})["offsets"]


def _stat(path: str) -> tuple[int, ...]:
    """The size of a file in bytes, and what else changes with it (in a bucket: the time, to the second)."""
    if os.path.exists(path):
        return stamp(os.stat(path))
    remote = tf.io.gfile.stat(path)
    return remote.length, remote.mtime_nsec


def _scan(path: str, size: int) -> np.ndarray:
    records, offset = [], 0
    with open(path, "rb") if os.path.exists(path) else tf.io.gfile.GFile(path, "rb") as file:
        while offset < size:
            file.seek(offset)
            length = struct.unpack("<Q", file.read(8))[0] + 16  # the length itself, and checksums of it and of the data
            records.append((offset, length))
            offset += length
    return np.array(records, np.int64).reshape(-1, 2)


def _times(builder: Any) -> str:
    """A text that changes when the data set is prepared again."""
    files = sorted(path for split in builder.info.splits.values() for path in map(str, split.filepaths))
    return " ".join(f"{path} {_stat(path)}" for path in files)

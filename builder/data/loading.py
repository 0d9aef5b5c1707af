"""From a spec's data source to data that fit the network's input."""

from __future__ import annotations

import os

import tensorflow as tf

from archspec.errors import FileError, Where, file_problem, problem_at
from archspec.ops.base import show
from archspec.recipe.data import Digits, Folder, Npz, Source, Tfds
from builder.data.decodable import look_again
from builder.data.sources import digits, folder, npz, tfds
from builder.data.splits import TRAIN_DATA, Data, Encoded, Say, Splits, channels_error, channels_fit
from builder.data.statistics import statistics


def load_data(
    source: Source,
    shape: tuple[int, ...],
    data_dir: str | os.PathLike[str] | None = None,
    where: Where = TRAIN_DATA,
    say: Say = lambda line: None,
) -> Data:
    """The data of a source, for a network that takes pictures of `shape` (height, width, channels).

    Pictures of other sizes are brought to it in the batches. Grey ones are repeated where the network takes three
    channels; colours are never taken away. Encoded pictures (a folder's, TFDS's) are all decoded once, so that a
    corrupt one is told now; what was found is remembered until the files change.

    Args:
        source: the spec's `train.data`.
        data_dir: where TFDS keeps prepared data sets, rather than where the source says.
        where: the address that problems are reported at.
        say: takes lines of progress, where it takes long.

    Raises:
        SpecError: the source does not exist, or is not of such pictures.
        FileError: it cannot be read or prepared.
    """
    if len(shape) != 3:
        message = (
            f"the network takes {show(shape)}; pictures are (height, width, channels), so set model.input to three"
        )
        raise problem_at(where, message)
    height, width, channels = shape
    parts = _parts(source, channels, data_dir, where, say)
    pixels, fingerprint = statistics(parts, (height, width, channels))
    return Data(
        name=parts.name,
        train=parts.train,
        validation=parts.validation,
        shape=(height, width, channels),
        class_names=parts.class_names,
        pixels=pixels,
        fingerprint=fingerprint,
        skipped=parts.skipped,
    )


def _parts(source: Source, channels: int, data_dir: str | os.PathLike[str] | None, where: Where, say: Say) -> Splits:
    match source:
        case Tfds():
            return tfds.load(source, data_dir, channels, where, say)
        case Folder():
            return folder.load(source, channels, where, say)
        case Npz():
            return npz.load(source, channels, where)
        case Digits():
            if not channels_fit(1, channels):
                raise channels_error(where, "digits", 1, channels)
            return digits.load()


def unreadable(data: Data, problem: tf.errors.OpError, where: Where = TRAIN_DATA) -> FileError:
    """What to tell where reading batches failed although all pictures had been looked at: those that have gone or
    changed since."""
    splits = [split for split in (data.train, data.validation) if isinstance(split, Encoded)]
    corrupt = [line for split in splits for line in look_again(split)]
    reason = (
        "cannot be read any more" if corrupt else f"could not be read for a moment: {problem.message.splitlines()[0]}"
    )
    return file_problem(where, f"pictures of {data.name} {reason}; resume once they are back", *corrupt[:10])

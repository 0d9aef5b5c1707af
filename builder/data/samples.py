"""A few pictures of a data set, evenly spread: to check exports with, and to keep in a run."""

from __future__ import annotations

import os
import zipfile
import zlib
from pathlib import Path

import numpy as np
import tensorflow as tf

from archspec.files import open_regular
from archspec.recipe.resizing import Resizing
from builder.data.splits import Arrays, Split
from builder.pictures.forms import Pictures
from builder.pictures.resizing import Shape, decoded, fitted, fitted_bytes, with_channels
from builder.system.files import replacing
from builder.system.limits import MOST_PIXELS, excess
from builder.system.npz_files import claimed_bytes

FILE_CHANNELS = (1, 3, 4)
"""The numbers of channels that picture files can have; only networks with these inputs serve encoded pictures."""
RAW = 8
"""The number of pictures that are also given before the evaluation transform, one at a time as sizes may differ."""
KEPT = 32
"""The number of pictures that a run keeps: four megabytes where they are of 224x224. An export that is calibrated needs
half of them for that."""


def pictures_of(split: Split, shape: Shape, resizing: Resizing, most: int) -> Pictures:
    """At most `most` pictures of a split, evenly spread, for a network whose input has a shape."""
    numbers = np.linspace(0, split.count - 1, min(split.count, most)).astype(np.int64)
    if not numbers.size:
        return Pictures(np.zeros((0, *shape), np.uint8), np.zeros(0, np.int64), [], [])
    if isinstance(split, Arrays):
        raw = with_channels(tf.gather(split.pictures, numbers), shape[2])
        encoded = [tf.io.encode_png(one).numpy() for one in raw] if shape[2] in FILE_CHANNELS else []
        labels = tf.gather(split.labels, numbers).numpy()
        return Pictures(fitted(raw, shape, resizing).numpy(), labels, encoded, list(raw[:RAW].numpy()))
    if split.sizes is not None:  # a served model refuses what is decoded at a smaller size
        numbers = numbers[split.sizes[numbers].prod(1, dtype=np.int64) <= MOST_PIXELS]
    read = [split.read(tf.constant(number)) for number in numbers]
    labels = np.array([label.numpy() for _, label in read])
    ways = {"is_turned": True, "is_checked": True}
    evaluated = np.stack([fitted_bytes(contents, shape, resizing, **ways).numpy() for contents, _ in read])
    first = [decoded(contents, shape[2], **ways).numpy() for contents, _ in read[:RAW]]
    return Pictures(evaluated, labels, [contents.numpy() for contents, _ in read], first)


def keep(path: Path, split: Split, shape: Shape, resizing: Resizing) -> None:
    """Writes a few pictures of a split, after the evaluation transform, to an `.npz` file.

    Raises:
        FileError: the disk is full, or the directory cannot be written.
    """
    some = pictures_of(split, shape, resizing, KEPT)
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, pictures=some.evaluated, labels=some.labels)


def kept(path: Path, shape: Shape, resizing: Resizing) -> Arrays | None:
    """The pictures that `keep` wrote; None if there are none of this shape.

    The evaluation transform leaves them as they are, unless `eval_resize` gives it a side: it then enlarges what was
    cropped already. Such pictures still show whether two files agree, but not how often they are right, so their
    labels are -1.
    """
    try:
        with open_regular(path) as stream, np.load(stream, allow_pickle=False) as file:
            assert file.zip is not None
            if excess(claimed_bytes(file.zip, ["pictures", "labels"]), os.fstat(stream.fileno()).st_size):
                return None
            pictures, labels = file["pictures"], file["labels"]
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile, zlib.error):
        return None
    if pictures.dtype != np.uint8 or pictures.shape[1:] != shape or len(pictures) != len(labels) or not len(labels):
        return None
    known = labels if resizing.side is None else np.full_like(labels, -1)
    return Arrays(tf.constant(pictures), tf.constant(known, tf.int64))


def invented(shape: Shape, count: int) -> Arrays:
    """Random pictures, of noise that is finer or coarser, with the label -1."""
    generator = np.random.default_rng(0)
    height, width, channels = shape
    pictures = []
    for number in range(count):
        step = 2 ** (number % 5)
        rows, columns = -(-height // step), -(-width // step)
        noise = generator.integers(0, 256, (rows, columns, channels))
        pictures.append(noise.repeat(step, 0).repeat(step, 1)[:height, :width])
    return Arrays(tf.constant(np.stack(pictures), tf.uint8), tf.fill([count], tf.constant(-1, tf.int64)))

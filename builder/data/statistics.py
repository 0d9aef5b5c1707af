"""The normalisation, the range of pixels and the fingerprint of a data set, from a sample of its training pictures."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from builder.data.cache import cached
from builder.data.splits import Arrays, Encoded, Split, Splits
from builder.pictures.normalisation import Normalisation
from builder.pictures.pixel_range import PixelRange
from builder.pictures.resizing import Shape, fitted, fitted_bytes
from builder.system.cpu import parallel_calls

IN_MEMORY, ENCODED = 10_000, 2_000
"""The size of the sample at most; its pictures are evenly spread over the training pictures."""
BATCH = 100


@dataclass(frozen=True)
class Statistics:
    """What a data set's sample says, after the evaluation transform.

    Attributes:
        normalisation: the mean and standard deviation of each channel.
        pixel_range: the lowest and the highest pixel.
        darkest: the highest pixel of the darkest picture.
        fingerprint: a SHA-256 of the data set.
    """

    normalisation: Normalisation
    pixel_range: PixelRange
    darkest: int
    fingerprint: str


def statistics(splits: Splits, shape: Shape) -> Statistics:
    """The statistics of a data set for a network's input shape."""
    if isinstance(splits.train, Arrays):
        found = _compute(splits, shape)
    else:
        # By content, as another folder, or changed pictures, may have the names, sizes and times of the ones before.
        found = cached(f"statistics {_contents(splits)} {shape}", lambda: _compute(splits, shape))
    normalisation = Normalisation(tuple(found["mean"].tolist()), tuple(found["std"].tolist()))
    return Statistics(
        normalisation, PixelRange(*found["range"].tolist()), int(found["darkest"]), str(found["fingerprint"])
    )


def _contents(splits: Splits) -> str:
    """A SHA-256 of the data set's identity, and of the bytes and labels of all encoded pictures."""
    digest = hashlib.sha256(splits.identity.encode(errors="surrogateescape"))
    for split in (splits.train, splits.validation):
        if isinstance(split, Encoded):
            assert split.hashes is not None and split.labels is not None
            digest.update(split.hashes.tobytes() + split.labels.tobytes())
    return digest.hexdigest()


def _compute(splits: Splits, shape: Shape) -> dict[str, np.ndarray]:
    digest = hashlib.sha256(_contents(splits).encode())
    count, total, squares = 0, np.zeros(shape[2], np.int64), np.zeros(shape[2], np.int64)
    least, most, darkest = 255, 0, 255
    for pictures, labels in _sample(splits.train, shape):
        digest.update(np.ascontiguousarray(pictures).tobytes() + labels.tobytes())
        brightest = pictures.reshape(len(pictures), -1).max(1)
        least, most = min(least, int(pictures.min())), max(most, int(brightest.max()))
        darkest = min(darkest, int(brightest.min()))
        values = pictures.reshape(-1, shape[2]).astype(np.int64)
        count += len(values)
        total += values.sum(0)
        squares += (values * values).sum(0)
    mean = total / count
    std = np.sqrt(np.maximum((squares - total * mean) / count, 0))
    return {
        "mean": mean,
        "std": np.where(std > 0, std, 1.0),
        "range": np.array([least, most]),
        "darkest": np.array(darkest),
        "fingerprint": np.array(digest.hexdigest()),
    }


def _sample(split: Split, shape: Shape) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Batches of the sample: pictures of the network's shape, and labels."""
    most = min(split.count, IN_MEMORY if isinstance(split, Arrays) else ENCODED)
    numbers = tf.data.Dataset.from_tensor_slices(np.arange(most) * split.count // most)
    if isinstance(split, Arrays):

        def gather(chosen: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            return fitted(tf.gather(split.pictures, chosen), shape), tf.gather(split.labels, chosen)

        batches = numbers.batch(BATCH).map(tf.autograph.experimental.do_not_convert(gather))
    else:

        def read(number: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            contents, label = split.read(number)
            return fitted_bytes(contents, shape, is_checked=True), label

        batches = numbers.map(
            tf.autograph.experimental.do_not_convert(read), parallel_calls(), deterministic=True
        ).batch(BATCH)
    yield from batches.prefetch(tf.data.AUTOTUNE).as_numpy_iterator()

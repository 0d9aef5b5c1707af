"""Decoding every picture once before training, so that a corrupt one does not end a run hours later."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from archspec.errors import file_problem
from archspec.wording import first_few
from builder.data.cache import cached
from builder.data.splits import Encoded, Request, channels_error, channels_fit
from builder.pictures import headers
from builder.pictures.gif import still
from builder.pictures.resizing import decoded_bmp
from builder.system.terminal import Say, watched

BATCH = 256
MOST_HASHES = 2**63 - 1
"""The number of values that the hash of a picture's bytes can have."""
NAMED = 10
"""The number of corrupt pictures that an error names."""
FEW = 3
"""The number that a line names if they are left out."""


@dataclass(frozen=True)
class Findings:
    """The findings in a split.

    Attributes:
        shapes: int32 (count, 4): height, width and channels of each picture, and 1 if it is a JPEG; zeros if it is
            corrupt.
        labels: int64 (count,).
        hashes: int64 (count,), a hash of each picture's bytes.
        corrupt: the reason why a picture is corrupt, by its number.
    """

    shapes: np.ndarray
    labels: np.ndarray
    hashes: np.ndarray
    corrupt: dict[int, str]


def decodable(
    splits: Sequence[Encoded], name: str, files: str, on_corrupt: str, request: Request
) -> tuple[list[Encoded], tuple[str, ...]]:
    """The splits without their corrupt pictures and with the sizes of the others, and what was left out.

    Args:
        splits: the splits as their source reads them.
        name: what the data set is called in messages.
        files: a text that changes whenever a file may have changed; the findings are cached under it.
        on_corrupt: `error` or `skip`.
        request: the channels, the address for problems, and where lines of progress go.

    Raises:
        FileError: pictures are corrupt, and that is an error.
        SpecError: they have more channels than the network takes.
    """
    where, channels = request.where, request.channels
    findings = [_findings(split, f"check {files} {part}", request.say) for part, split in enumerate(splits)]
    corrupt = sorted(
        f"{split.name(number)}: {reason}"
        for split, one in zip(splits, findings, strict=True)
        for number, reason in one.corrupt.items()
    )
    if corrupt and on_corrupt == "error":
        count = sum(split.count for split in splits)
        message = f"{len(corrupt):,} of the {count:,} pictures of {name} cannot be decoded; repair or delete them"
        raise file_problem(where, f"{message}, or leave them out with on_corrupt: skip", *first_few(corrupt, NAMED))
    good = [one.shapes[one.shapes[:, 0] > 0] for one in findings]
    if not all(len(shapes) for shapes in good):
        raise file_problem(where, f"{name} has no picture that can be decoded", *first_few(corrupt, NAMED))
    colours = max(1 if shapes[:, 2].max() <= 2 else 3 for shapes in good)  # 2 and 4 have transparency
    if not channels_fit(colours, channels):
        raise channels_error(where, name, colours, channels)
    if corrupt:
        count = sum(split.count for split in splits)
        few = "; ".join(first_few(corrupt, FEW))
        are = "is" if len(corrupt) == 1 else "are"
        request.say(f"{len(corrupt):,} of the {count:,} pictures of {name} {are} left out (on_corrupt: skip): {few}")
    return [_without(split, one, request.say) for split, one in zip(splits, findings, strict=True)], tuple(corrupt)


def look_again(split: Encoded) -> list[str]:
    """The pictures of a split that cannot be decoded any more, with the reasons."""
    found = decode_all(split, lambda line: None)
    return [
        f"{split.name(int(number))}: {reason}"
        for number, reason in zip(found["corrupt"], found["reasons"], strict=True)
    ]


def _findings(split: Encoded, key: str, say: Say) -> Findings:
    found = cached(key, lambda: decode_all(split, say))
    corrupt = dict(zip(found["corrupt"].tolist(), found["reasons"].tolist(), strict=True))
    return Findings(found["shapes"], found["labels"], found["hashes"], corrupt)


def _without(split: Encoded, findings: Findings, say: Say) -> Encoded:
    good = np.flatnonzero(findings.shapes[:, 0] > 0)
    numbers = tf.constant(good, tf.int64)
    is_whole = not findings.corrupt
    return dataclasses.replace(
        split,
        count=len(good),
        read=split.read if is_whole else lambda number: split.read(numbers[number]),
        name=split.name if is_whole else lambda number: split.name(int(good[number])),
        sizes=findings.shapes[good, :2],
        labels=findings.labels[good],
        hashes=findings.hashes[good],
        jpeg=bool(findings.shapes[good, 3].all()),
        say=say,
    )


def decode_all(split: Encoded, say: Say) -> dict[str, np.ndarray]:
    """Decodes every picture, in parallel, and returns the arrays that `Findings` are made of.

    JPEGs are decoded at an eighth of their size, which reads the whole file and computes little.
    """
    shapes = np.zeros((split.count, 4), np.int32)
    labels, hashes = (np.zeros(split.count, np.int64) for _ in range(2))

    def looked_at(number: tf.Tensor) -> tuple[tf.Tensor, ...]:
        contents, label = split.read(number)
        return number, _shape(contents), label, tf.strings.to_hash_bucket_fast(contents, MOST_HASHES)

    dataset = tf.data.Dataset.range(split.count).map(
        tf.autograph.experimental.do_not_convert(looked_at), tf.data.AUTOTUNE, deterministic=False
    )
    dataset = dataset.ignore_errors(log_warning=False).batch(BATCH).prefetch(tf.data.AUTOTUNE)
    for numbers, *found in watched(dataset.as_numpy_iterator(), split.count, "decoding each picture once", say):
        shapes[numbers], labels[numbers], hashes[numbers] = found
    corrupt = np.flatnonzero(shapes[:, 0] == 0)
    reasons = [_reason(split, number) for number in corrupt.tolist()]
    return {
        "shapes": shapes,
        "labels": labels,
        "hashes": hashes,
        "corrupt": corrupt,
        "reasons": np.array(reasons, str),
    }


def _shape(contents: tf.Tensor) -> tf.Tensor:
    """The height, width and channels of a picture, and 1 if it is a JPEG, int32 (4,). Fails if it cannot be decoded, or
    if its header claims more than is decoded."""
    contents = headers.checked(contents)

    def jpeg() -> tf.Tensor:
        eighth = tf.shape(tf.io.decode_jpeg(contents, ratio=8))
        return tf.maximum(tf.io.extract_jpeg_shape(contents), eighth)  # TensorFlow would not decode what is not used

    def bmp() -> tf.Tensor:
        picture, is_grey = decoded_bmp(contents)
        return tf.where(is_grey, [*tf.unstack(tf.shape(picture)[:2], 2), 1], tf.shape(picture))

    def other() -> tf.Tensor:
        return tf.cond(
            headers.is_bmp(contents),
            bmp,
            lambda: tf.shape(tf.io.decode_image(still(contents), expand_animations=False)),
        )

    is_jpeg = tf.image.is_jpeg(contents)
    shape = tf.ensure_shape(tf.cond(is_jpeg, jpeg, other), (3,))
    return tf.concat([shape, tf.cast(is_jpeg, tf.int32)[tf.newaxis]], 0)


def _reason(split: Encoded, number: int) -> str:
    try:
        contents = split.read(tf.constant(number, tf.int64))[0].numpy()
    except tf.errors.OpError:
        return "it cannot be read"
    if not contents:
        return "it is empty"
    return headers.why_refused(contents) or headers.DAMAGED

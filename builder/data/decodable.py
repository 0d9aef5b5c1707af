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
from builder.data.splits import Encoded, Request, channels_error, channels_fit, files_of
from builder.pictures import headers
from builder.pictures.resizing import decoded_colours, is_stored_grey
from builder.pictures.transparency import BACKGROUND, is_transparent
from builder.system.cpu import parallel_calls
from builder.system.limits import MOST_PIXELS
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
        shapes: int32 (count, 5): height, width and channels of each picture, 1 if it is a JPEG, and 1 if parts of it
            are transparent; zeros if it is corrupt.
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
        raise file_problem(where, f"{message}, or leave them out with {request.skipping}", *first_few(corrupt, NAMED))
    good = [one.shapes[one.shapes[:, 0] > 0] for one in findings]
    if not all(len(shapes) for shapes in good):
        raise file_problem(where, f"{name} has no picture that can be decoded", *first_few(corrupt, NAMED))
    colours = max(1 if shapes[:, 2].max() == 1 else 3 for shapes in good)  # a JPEG of CMYK has 4
    if not channels_fit(colours, channels):
        raise channels_error(where, name, colours, channels)
    if corrupt:
        count = sum(split.count for split in splits)
        few = "; ".join(first_few(corrupt, FEW))
        are = "is" if len(corrupt) == 1 else "are"
        request.say(f"{len(corrupt):,} of the {count:,} pictures of {name} {are} left out ({request.skipping}): {few}")
    masks = {
        f"transparent parts, which are put on {BACKGROUND}": [one.shapes[:, 4] > 0 for one in findings],
        f"more than {MOST_PIXELS:,} pixels, to be decoded at half the size": [
            one.shapes[:, :2].prod(1, dtype=np.int64) > MOST_PIXELS for one in findings
        ],
    }
    for what, chosen in masks.items():
        if line := _having(what, splits, chosen, name):
            request.say(line)
    return [_without(split, one, request.say) for split, one in zip(splits, findings, strict=True)], tuple(corrupt)


def _having(what: str, splits: Sequence[Encoded], chosen: Sequence[np.ndarray], name: str) -> str:
    """The line that counts and names the pictures that have something; empty if there are none.

    Args:
        what: what they have.
        chosen: for each split, bool (count,): which pictures.
    """
    found = [split.name(int(i)) for split, mask in zip(splits, chosen, strict=True) for i in np.flatnonzero(mask)]
    if not found:
        return ""
    have = "has" if len(found) == 1 else "have"
    few = "; ".join(first_few(sorted(found), FEW))
    return f"{len(found):,} of the {sum(split.count for split in splits):,} pictures of {name} {have} {what}: {few}"


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
    """The split with what is known of its pictures, and without those that are corrupt."""
    shapes = findings.shapes
    good = np.flatnonzero(shapes[:, 0])
    whole = dataclasses.replace(
        split,
        sizes=shapes[:, :2],
        labels=findings.labels,
        hashes=findings.hashes,
        jpeg=bool(shapes[good, 3].all()),
        say=say,
    )
    return files_of(whole, good) if findings.corrupt else whole


def decode_all(split: Encoded, say: Say) -> dict[str, np.ndarray]:
    """Decodes every picture, in parallel, and returns the arrays that `Findings` are made of.

    JPEGs are decoded at an eighth of their size, which reads the whole file and computes little.
    """
    shapes = np.zeros((split.count, 5), np.int32)
    labels, hashes = (np.zeros(split.count, np.int64) for _ in range(2))

    def looked_at(number: tf.Tensor) -> tuple[tf.Tensor, ...]:
        contents, label = split.read(number)
        return number, _shape(contents), label, tf.strings.to_hash_bucket_fast(contents, MOST_HASHES)

    dataset = tf.data.Dataset.range(split.count).map(
        tf.autograph.experimental.do_not_convert(looked_at), parallel_calls(), deterministic=False
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
    """The height and width of a picture, its channels besides opacity, 1 if it is a JPEG, and 1 if parts of it are
    transparent, int32 (5,). Fails if it cannot be decoded, or if its header claims more than is decoded."""
    contents = headers.checked(contents, may_reduce=True)

    def jpeg() -> tf.Tensor:
        eighth = tf.shape(tf.io.decode_jpeg(contents, ratio=8))
        shape = tf.maximum(tf.io.extract_jpeg_shape(contents), eighth)  # TensorFlow would not decode what is not used
        return tf.concat([shape, [1, 0]], 0)

    def other() -> tf.Tensor:
        picture = decoded_colours(contents)
        channels = tf.where(is_stored_grey(contents), 1, 3)
        flags = [channels, 0, tf.cast(is_transparent(picture), tf.int32)]
        return tf.concat([tf.shape(picture)[:2], flags], 0)

    return tf.ensure_shape(tf.cond(tf.image.is_jpeg(contents), jpeg, other), (5,))


def _reason(split: Encoded, number: int) -> str:
    try:
        contents = split.read(tf.constant(number, tf.int64))[0].numpy()
    except tf.errors.OpError:
        return "it cannot be read"
    if not contents:
        return "it is empty"
    return headers.why_refused(contents, may_reduce=True) or headers.DAMAGED

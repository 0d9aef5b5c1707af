"""The parity check: an exported file, in a process of its own, against the run's model on real pictures."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from builder.data import Data
from builder.data.splits import Arrays, Split
from builder.exports import runtimes
from builder.exports.inference import FILE_CHANNELS
from builder.pictures.resizing import Shape, centre_crop, centre_crop_bytes, decoded, with_channels
from builder.runs import names
from builder.runs.run import Run

MOST_PICTURES = 256
RAW = 8
"""How many pictures are also given before the evaluation transform, one at a time, as their sizes may differ."""
SECONDS = 900


@dataclass(frozen=True)
class Tolerance:
    """What a format may differ by: the largest difference of a probability, the least agreement of the top class."""

    difference: float
    agreement: float


@dataclass(frozen=True)
class Sample:
    """Validation pictures, evenly spread, and what the run's model says of them.

    Attributes:
        pictures: uint8 (count, height, width, channels), after the evaluation transform.
        labels: int64 (count,).
        encoded: picture files that become these; none where the format does not exist, as with two channels.
        raw: the first pictures before the transform, uint8.
        probabilities: of `model.keras`, float32 (count, classes).
        milliseconds: of `model.keras`, of a batch of 1 and of 8.
        keras_bytes: its size.
    """

    pictures: np.ndarray
    labels: np.ndarray
    encoded: list[bytes]
    raw: list[np.ndarray]
    probabilities: np.ndarray
    milliseconds: tuple[float, ...]
    keras_bytes: int

    @property
    def accuracy(self) -> float:
        return float((self.probabilities.argmax(-1) == self.labels).mean())


@dataclass(frozen=True)
class Result:
    """What the check of one file found; `problem` says what is wrong, if anything."""

    name: str
    file: str
    bytes: int
    difference: float
    agreement: float
    accuracy: float
    milliseconds: tuple[float, ...]
    tolerance: Tolerance
    problem: str = ""

    def to_json(self) -> dict[str, Any]:
        return {
            "format": self.name,
            "file": self.file,
            "bytes": self.bytes,
            "largest_difference": self.difference,
            "agreement": self.agreement,
            "accuracy": self.accuracy,
            "milliseconds": dict(zip(map(str, runtimes.BATCHES), self.milliseconds, strict=True)),
            "tolerance": {"largest_difference": self.tolerance.difference, "agreement": self.tolerance.agreement},
        }


def evaluated_pictures(split: Split, shape: Shape, resize: int | None, most: int) -> tuple[Any, ...]:
    """At most so many pictures of a split, evenly spread.

    Returns:
        After the evaluation transform, their labels, as files, and the first before the transform.
    """
    numbers = np.linspace(0, split.count - 1, min(split.count, most)).astype(np.int64)
    if isinstance(split, Arrays):
        raw = with_channels(tf.gather(split.pictures, numbers), shape[2])
        encoded = [tf.io.encode_png(one).numpy() for one in raw] if shape[2] in FILE_CHANNELS else []
        labels = tf.gather(split.labels, numbers).numpy()
        return centre_crop(raw, shape, resize).numpy(), labels, encoded, list(raw[:RAW].numpy())
    read = [split.read(tf.constant(number)) for number in numbers]
    labels = np.array([label.numpy() for _, label in read])
    pictures = np.stack([centre_crop_bytes(contents, shape, resize, is_turned=True).numpy() for contents, _ in read])
    first = [decoded(contents, shape[2], is_turned=True).numpy() for contents, _ in read[:RAW]]
    return pictures, labels, [contents.numpy() for contents, _ in read], first


def sample(trained: Run, data: Data, resize: int | None) -> Sample:
    """Validation pictures of a run, with its model's answers."""
    pictures, labels, encoded, raw = evaluated_pictures(data.validation, data.shape, resize, MOST_PICTURES)
    model = trained.model
    compiled = tf.function(lambda batch: tf.nn.softmax(model(batch, training=False)), reduce_retracing=True)
    size = runtimes.BATCH
    probabilities = [
        compiled(tf.constant(pictures[start : start + size], tf.float32)).numpy()
        for start in range(0, len(pictures), size)
    ]
    times = [
        runtimes.milliseconds(
            lambda batch: compiled(tf.constant(batch, tf.float32)).numpy(), np.resize(pictures, (count, *data.shape))
        )
        for count in runtimes.BATCHES
    ]
    size_on_disk = (trained.directory / names.MODEL).stat().st_size
    return Sample(pictures, labels, encoded, raw, np.concatenate(probabilities), tuple(times), size_on_disk)


def check(name: str, kind: str, path: Path, file: str, tolerance: Tolerance, pictures: Sample) -> Result:
    """Runs an exported file by its own runtime and compares.

    Args:
        name: the format's, for the report.
        kind: of `runtimes.KINDS`.
        path: the file, or the folder of a SavedModel.
        file: its name in the report.
    """
    size = sum(part.stat().st_size for part in _files(path))
    nothing = Result(name, file, size, float("nan"), 0.0, 0.0, (0.0,) * len(runtimes.BATCHES), tolerance)
    with tempfile.TemporaryDirectory() as folder:
        given, answers = Path(folder) / "pictures.npz", Path(folder) / "answers.npz"
        ends = np.cumsum([len(one) for one in pictures.encoded], dtype=np.int64)
        raw = {f"raw {number}": picture for number, picture in enumerate(pictures.raw)}
        joined = np.frombuffer(b"".join(pictures.encoded), np.uint8)
        arrays = {"pictures": pictures.pictures, "encoded": joined, "ends": ends, **raw}
        np.savez(given, **arrays)  # type: ignore[arg-type]  # its stubs
        # Without the folder of the program on the path, where a file of this project could pass for another's package.
        command = [sys.executable, "-P", runtimes.__file__, kind, str(path.absolute()), str(given), str(answers)]
        try:
            process = subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=SECONDS, check=False)
        except subprocess.TimeoutExpired:
            return _failed(nothing, f"did not answer in {SECONDS} s")
        if process.returncode:
            lines = [line for line in process.stderr.splitlines() if line.strip()]
            return _failed(nothing, f"does not run by itself: {lines[-1] if lines else process.returncode}")
        with np.load(answers) as found:
            times = tuple(found["milliseconds"].tolist())
            ways = {way: found[way] for way in found.files if way != "milliseconds"}
    return _compared(nothing, ways, times, pictures)


def _compared(nothing: Result, ways: dict[str, np.ndarray], times: tuple[float, ...], pictures: Sample) -> Result:
    """The result of the worst way into a file."""
    expected, tolerance = pictures.probabilities, nothing.tolerance
    differences = {way: float(np.abs(found - expected[: len(found)]).max()) for way, found in ways.items()}
    agreements = {
        way: float((found.argmax(-1) == expected[: len(found)].argmax(-1)).mean()) for way, found in ways.items()
    }
    first = next(iter(ways.values()))
    problems = [
        f"{way}: a probability differs by {difference:.2g}, more than {tolerance.difference:g}"
        for way, difference in differences.items()
        if not difference <= tolerance.difference
    ]
    problems += [
        f"{way}: the top class agrees on {agreement:.1%} of the pictures, less than {tolerance.agreement:.1%}"
        for way, agreement in agreements.items()
        if agreement < tolerance.agreement
    ]
    return Result(
        name=nothing.name,
        file=nothing.file,
        bytes=nothing.bytes,
        difference=max(differences.values()),
        agreement=min(agreements.values()),
        accuracy=float((first.argmax(-1) == pictures.labels).mean()),
        milliseconds=times,
        tolerance=tolerance,
        problem="; ".join(problems),
    )


def _failed(result: Result, problem: str) -> Result:
    return Result(**{**vars(result), "problem": problem})


def _files(path: Path) -> list[Path]:
    return [path] if path.is_file() else [part for part in path.rglob("*") if part.is_file()]

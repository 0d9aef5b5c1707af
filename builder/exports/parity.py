"""The parity check: an exported file, run in a process of its own, against the run's model on validation pictures."""

from __future__ import annotations

import math
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from builder.exports import runtimes
from builder.exports.formats import Format
from builder.exports.processes import Call, directly
from builder.runs.names import MODEL
from builder.runs.run import Run
from builder.system.plain_paths import is_pattern, plain_path

if TYPE_CHECKING:  # importing them imports TensorFlow
    from builder.data.samples import Pictures

MOST_PICTURES = 256
"""The largest number of validation pictures in a check."""
SECONDS = 900
"""How long a runtime may take."""
PATTERN = "move it to a folder without [ ] * ? in its path for TensorFlow, which takes them for a pattern"


@dataclass(frozen=True)
class Sample:
    """Validation pictures, evenly spread, and what the run's model predicts for them.

    Attributes:
        pictures: the pictures.
        kind: what they are, in the plural: `validation pictures of digits`.
        probabilities: the predictions of `model.keras`, float32 (count, classes).
        milliseconds: the time of a call of `model.keras` for each of `runtimes.BATCHES`.
        keras_bytes: the size of `model.keras`.
    """

    pictures: Pictures
    kind: str
    probabilities: np.ndarray
    milliseconds: tuple[float, ...]
    keras_bytes: int

    @property
    def count(self) -> int:
        """The number of pictures."""
        return len(self.pictures.labels)

    @property
    def accuracy(self) -> float:
        """The share of pictures that the run's model classifies correctly, from 0 to 1; NaN if nobody knows."""
        return _accuracy(self.probabilities, self.pictures.labels)


@dataclass(frozen=True)
class Result:
    """The findings of one file's check.

    Attributes:
        name, format: the format's.
        bytes: the size of the file, or of the folder of a SavedModel.
        difference: the largest difference of any probability from the run's model.
        agreement: the share of pictures with the same top class as the run's model, from 0 to 1.
        accuracy: the share of pictures classified correctly, from 0 to 1.
        milliseconds: the time of a call for each of `runtimes.BATCHES`.
        problem: why the file is refused; empty if it is not.
        note: what to know about running it; empty if there is nothing.
    """

    name: str
    format: Format
    bytes: int
    difference: float = math.nan
    agreement: float = 0.0
    accuracy: float = 0.0
    milliseconds: tuple[float, ...] = (0.0,) * len(runtimes.BATCHES)
    problem: str = ""
    note: str = ""


def sample(run: Run, pictures: Pictures, kind: str, call: Call = directly) -> Sample:
    """Pictures, with the predictions of a run's model.

    Args:
        run: the run.
        pictures: its validation pictures, or others.
        kind: what the pictures are, in the plural, for people.
        call: calls what loads the model.
    """
    probabilities, times = call(_predicted, run, pictures.evaluated)
    return Sample(pictures, kind, probabilities, times, (run.directory / MODEL).stat().st_size)


def _predicted(run: Run, pictures: np.ndarray) -> tuple[np.ndarray, tuple[float, ...]]:
    """The predictions of `model.keras`, float32 (count, classes), and the milliseconds for `runtimes.BATCHES`."""
    import tensorflow as tf

    model = replace(run).model  # of a copy, so that the model which it caches is released
    compiled = tf.function(lambda batch: tf.nn.softmax(model(batch, training=False)), reduce_retracing=True)
    probabilities = [
        compiled(tf.constant(pictures[start : start + runtimes.BATCH], tf.float32)).numpy()
        for start in range(0, len(pictures), runtimes.BATCH)
    ]
    times = [
        runtimes.milliseconds(
            lambda batch: compiled(tf.constant(batch, tf.float32)).numpy(),
            np.resize(pictures, (count, *pictures.shape[1:])),
        )
        for count in runtimes.BATCHES
    ]
    return np.concatenate(probabilities), tuple(times)


def check(name: str, output_format: Format, folder: Path, sample: Sample) -> Result:
    """Runs an exported file in its own runtime, and compares its predictions with those of the run's model.

    Args:
        name: the format's name.
        output_format: the format.
        folder: the folder of the export.
        sample: the pictures, and what the run's model predicts for them.
    """
    path = folder / output_format.file
    result = Result(name, output_format, sum(part.stat().st_size for part in _files(path)))
    with tempfile.TemporaryDirectory() as scratch, plain_path(folder) as plain:
        given, answers = Path(scratch) / "pictures.npz", Path(scratch) / "answers.npz"
        _write_pictures(given, sample.pictures)
        # -P keeps the program's folder off the path, where a file of this project could pass for another's package.
        program = [sys.executable, "-P", runtimes.__file__, output_format.runtime]
        command = [*program, str((plain / output_format.file).absolute()), str(given), str(answers)]
        try:
            process = subprocess.run(command, capture_output=True, text=True, cwd=scratch, timeout=SECONDS, check=False)
        except subprocess.TimeoutExpired:
            return replace(result, problem=f"did not answer in {SECONDS} s")
        if process.returncode:
            lines = [line for line in process.stderr.splitlines() if line.strip()]
            return replace(result, problem=f"does not run by itself: {lines[-1] if lines else process.returncode}")
        with np.load(answers) as found:
            times, note = tuple(found["milliseconds"].tolist()), str(found["note"])
            note = note or (PATTERN if output_format.runtime == "saved_model" and is_pattern(folder) else "")
            probabilities = {entry: found[entry] for entry in found.files if entry not in ("milliseconds", "note")}
    return _compared(replace(result, milliseconds=times, note=note), probabilities, sample)


def _write_pictures(path: Path, pictures: Pictures) -> None:
    """Writes what `builder.exports.runtimes` reads."""
    raw = {f"raw {number}": picture for number, picture in enumerate(pictures.raw)}
    arrays = {
        "pictures": pictures.evaluated,
        "encoded": np.frombuffer(b"".join(pictures.encoded), np.uint8),
        "ends": np.cumsum([len(one) for one in pictures.encoded], dtype=np.int64),
        **raw,
    }
    np.savez(path, **arrays)  # type: ignore[arg-type]  # its stubs


def _compared(result: Result, probabilities: dict[str, np.ndarray], sample: Sample) -> Result:
    """The result of the entry point that deviates most. Some entry points get only the first few pictures."""
    expected, tolerance = sample.probabilities, result.format.tolerance
    differences = {entry: float(np.abs(found - expected[: len(found)]).max()) for entry, found in probabilities.items()}
    agreements = {
        entry: float((found.argmax(-1) == expected[: len(found)].argmax(-1)).mean())
        for entry, found in probabilities.items()
    }
    problems = [
        f"{entry}: a probability differs by {difference:.2g}, more than {tolerance.difference:g}"
        for entry, difference in differences.items()
        if not difference <= tolerance.difference
    ]
    problems += [
        f"{entry}: the top class agrees on {agreement:.1%} of the pictures, less than {tolerance.agreement:.1%}"
        for entry, agreement in agreements.items()
        if agreement < tolerance.agreement
    ]
    of_all_pictures = next(iter(probabilities.values()))
    return replace(
        result,
        difference=max(differences.values()),
        agreement=min(agreements.values()),
        accuracy=_accuracy(of_all_pictures, sample.pictures.labels),
        problem="; ".join(problems),
    )


def _accuracy(probabilities: np.ndarray, labels: np.ndarray) -> float:
    return float((probabilities.argmax(-1) == labels).mean()) if (labels >= 0).all() else math.nan


def _files(path: Path) -> list[Path]:
    return [path] if path.is_file() else [part for part in path.rglob("*") if part.is_file()]

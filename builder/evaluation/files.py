"""The files of an evaluation."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from archspec.errors import file_problem
from builder.data import Data
from builder.evaluation import examples, figures, metrics, report
from builder.evaluation.metrics import Metrics
from builder.evaluation.scheme import Scheme
from builder.runs.run import Run
from builder.system.files import check_writable, write_json

NAMES = ("evaluation.json", "classes.csv", "confusion.csv", "confusion.png", "pictures.csv", "mistakes.png")
MISTAKES = 24
"""How many are drawn."""


def directory_of(opened: Sequence[Run], scheme: Scheme, out: str | os.PathLike[str] | None) -> Path | None:
    """Where files go, looked at before anything takes long.

    Raises:
        FileError: nothing can be written there.
    """
    if out is None and len(opened) > 1:
        return None
    path = Path(out) if out is not None else opened[0].directory / "evaluation" / scheme.name
    try:
        if path.is_file():
            raise file_problem(path, "is a file, expected a directory to write to; name one with --out")
        check_writable(path)
    except OSError as error:
        raise file_problem(path, f"cannot be written to: {error.strerror}; name a directory with --out") from error
    return path


def write(
    directory: Path,
    opened: Sequence[Run],
    scheme: Scheme,
    members: Mapping[str, Metrics],
    ensemble: Mapping[str, Metrics],
    labels: np.ndarray,
    log_probabilities: np.ndarray,
    data: Data,
    resize: int | None,
) -> None:
    """Writes all of them, each atomically.

    Args:
        log_probabilities: (pictures, classes), of the run or the ensemble's mean.
        resize: of the evaluation transform, for the pictures of mistakes.

    Raises:
        FileError: the disk is full, or the directory cannot be written.
    """
    names = opened[0].about.class_names
    predicted = log_probabilities.argmax(1)
    matrix = metrics.confusion(labels, predicted, len(names))
    who = opened[0].spec.name if len(opened) == 1 else f"ensemble of {len(opened)} runs"
    title = f"{who} on {data.name}"
    shares = np.exp(log_probabilities.max(1)).tolist()
    try:
        directory.mkdir(parents=True, exist_ok=True)
        report.write_classes(directory / "classes.csv", metrics.by_class(matrix, names))
        report.write_confusion(directory / "confusion.csv", matrix, names)
        pictures = (
            (examples.name_of(data, number), names[label], names[guess], f"{share:.6f}")
            for number, (label, guess, share) in enumerate(
                zip(labels.tolist(), predicted.tolist(), shares, strict=True)
            )
        )
        report.write_csv(directory / "pictures.csv", ("picture", "class", "predicted", "probability"), pictures)
        figures.draw_confusion(directory / "confusion.png", matrix, names, title)
        wrong = metrics.confident_mistakes(labels, log_probabilities, MISTAKES)
        mistakes = [
            figures.Mistake(picture, names[labels[number]], names[predicted[number]], shares[number])
            for number, picture in zip(wrong, examples.pictures_of(data, wrong, resize), strict=True)
        ]
        figures.draw_mistakes(directory / "mistakes.png", mistakes, f"Most confident mistakes: {title}")
        about = {
            "data": {"name": data.name, "validation": len(labels), "fingerprint": data.fingerprint},
            "scheme": {"crops": scheme.crops, "scales": list(scheme.scales), "flip": scheme.mirrors},
            "runs": {name: dataclasses.asdict(one) for name, one in members.items()},
            "ensemble": {name: dataclasses.asdict(one) for name, one in ensemble.items()},
            "classes": [dataclasses.asdict(one) for one in metrics.by_class(matrix, names)],
        }
        write_json(directory / "evaluation.json", about)
    except OSError as error:
        raise file_problem(directory, f"cannot be written to: {error.strerror}") from error

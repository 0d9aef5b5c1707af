"""What the evaluations of a run have measured, read from their files: metrics, and the prediction for each picture."""

from __future__ import annotations

import csv
import io
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from archspec.commands import as_started
from archspec.errors import file_problem
from archspec.files import read_text
from builder.runs.names import MODEL
from builder.system.files import read_json

FOLDER = "evaluation"
"""The folder in a run's directory, with a folder for each way to test: `centre`, `ten` and so on."""
RESULT, PICTURES = "evaluation.json", "pictures.csv"
FIRST = "centre"
"""The way to test that is compared where both runs have it; else the first by its name that both have."""


@dataclass(frozen=True)
class Predictions:
    """The prediction for each picture, in the order of the validation pictures.

    Attributes:
        pictures: their names.
        labels: the names of their classes.
        predicted: the names of the classes that they were taken for.
        probabilities: of these classes, from 0 to 1.
    """

    pictures: tuple[str, ...]
    labels: tuple[str, ...]
    predicted: tuple[str, ...]
    probabilities: tuple[float, ...]

    @cached_property
    def right(self) -> tuple[bool, ...]:
        """Whether each picture was recognised."""
        return tuple(one == other for one, other in zip(self.labels, self.predicted, strict=True))


@dataclass(frozen=True)
class Tested:
    """An evaluation of a run.

    Attributes:
        folder: where its files are.
        data: the name of the data.
        fingerprint: a hash of their pictures and labels.
        pictures: how many pictures were tested.
        top1, top5: shares of pictures, from 0 to 1.
        loss: the mean cross-entropy in nats.
    """

    folder: Path
    data: str
    fingerprint: str
    pictures: int
    top1: float
    top5: float | None
    loss: float | None

    @property
    def scheme(self) -> str:
        """How pictures were tested, such as `centre` or `ten`."""
        return self.folder.name

    @cached_property
    def predictions(self) -> Predictions:
        """The prediction for each picture.

        Raises:
            FileError: the file is missing or damaged.
        """
        path = self.folder / PICTURES
        try:
            rows = list(csv.DictReader(io.StringIO(read_text(path))))
            if len(rows) != self.pictures:
                raise ValueError(f"it has {len(rows):,} pictures, and {RESULT} {self.pictures:,}")
            pictures, labels, predicted = (
                tuple(str(row[name]) for row in rows) for name in ("picture", "class", "predicted")
            )
            return Predictions(pictures, labels, predicted, tuple(float(row["probability"]) for row in rows))
        except OSError as error:
            raise file_problem(path, f"cannot be read: {error.strerror}") from error
        except (ValueError, KeyError, TypeError) as error:
            raise file_problem(path, f"is damaged: {error}; {_again(self.folder)}") from error


def read(directory: Path) -> tuple[tuple[Tested, ...], tuple[str, ...]]:
    """The evaluations in a run's directory that hold for its model, and what is wrong with the others, in words."""
    found, notes = [], []
    for path in sorted((directory / FOLDER).glob(f"*/{RESULT}")):
        try:
            content = read_json(path)
            result = _tested(path.parent, content)
            is_old = (directory / MODEL).is_file() and path.stat().st_mtime < (directory / MODEL).stat().st_mtime
        except OSError as error:
            notes.append(f"{path} cannot be read: {error.strerror}")
            continue
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            notes.append(f"{path} is damaged: {type(error).__name__}: {error}; {_again(path.parent)}")
            continue
        if is_old:
            notes.append(f"{path} is older than {MODEL}, so it is left out; {_again(path.parent)}")
        elif result is not None:
            found.append(result)
    return tuple(found), tuple(notes)


def command(directory: Path) -> str:
    """The command that evaluates a run."""
    return as_started(shlex.join(["python", "tools/evaluate.py", str(directory)]))


def _tested(folder: Path, content: Mapping[str, Any]) -> Tested | None:
    """The evaluation that a file describes; None of an ensemble, which is no run's."""
    data, runs = content["data"], content["runs"]
    if len(runs) != 1:
        return None
    (metrics,) = runs.values()
    return Tested(
        folder,
        str(data["name"]),
        str(data["fingerprint"]),
        int(data["validation"]),
        float(metrics["top1"]),
        None if metrics["top5"] is None else float(metrics["top5"]),
        None if metrics["loss"] is None else float(metrics["loss"]),
    )


def _again(folder: Path) -> str:
    return f"{command(folder.parent.parent)} writes it again"

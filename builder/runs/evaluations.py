"""The evaluations that a run's directory holds, as `builder.evaluate` wrote them: metrics, and the prediction for each
picture. No TensorFlow."""

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
from builder.runs.names import EVALUATED_PICTURES, EVALUATION, EVALUATIONS, MODEL
from builder.runs.run import Run
from builder.system.files import read_json


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
class Evaluated:
    """One evaluation of a run.

    Attributes:
        folder: where its files are.
        views: what was averaged over, in words: `ten crops of 224x224, shorter side 256`.
        data: the name of the pictures' data set.
        fingerprint: a hash of the pictures and their labels.
        is_own: whether they are the run's validation pictures.
        pictures: how many there were.
        top1, top5: shares of correct pictures, from 0 to 1; None where the measure has no meaning.
        loss: cross-entropy in nats; None likewise.
    """

    folder: Path
    views: str
    data: str
    fingerprint: str
    is_own: bool
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
        path = self.folder / EVALUATED_PICTURES
        try:
            rows = list(csv.DictReader(io.StringIO(read_text(path))))
            if len(rows) != self.pictures:
                raise ValueError(f"it has {len(rows):,} pictures, and {EVALUATION} {self.pictures:,}")
            pictures, labels, predicted = (
                tuple(str(row[name]) for row in rows) for name in ("picture", "class", "predicted")
            )
            return Predictions(pictures, labels, predicted, tuple(float(row["probability"]) for row in rows))
        except OSError as error:
            raise file_problem(path, f"cannot be read: {error.strerror}") from error
        except (ValueError, KeyError, TypeError) as error:
            again = f"{evaluate_command(self.folder.parent.parent)} writes it again"
            raise file_problem(path, f"is damaged: {error}; {again}") from error


@dataclass(frozen=True)
class LeftOut:
    """An evaluation that does not count.

    Attributes:
        path: its file, relative to the run's directory, such as `evaluation/ten/evaluation.json`.
        reason: why, as the rest of a sentence that the path begins.
        is_repeatable: whether evaluating again writes one that counts.
    """

    path: Path
    reason: str
    is_repeatable: bool = True


def evaluations(run: Run) -> tuple[list[Evaluated], list[LeftOut]]:
    """The evaluations in a run's directory, of its best weights and of this run alone, not of an ensemble.

    An evaluation is of the epoch that it names. Where it names none, or the run's best epoch is not known, as in a run
    of imported weights, it is out of date if it is older than the model's file.

    Returns:
        The evaluations, by the names of their folders; and those that are left out: they are out of date, or damaged.
    """
    found, left_out = [], []
    best = run.best_row()
    epoch = None if best is None else int(best["epoch"])
    for path in sorted((run.directory / EVALUATIONS).glob(f"*/{EVALUATION}")):
        name = path.relative_to(run.directory)
        try:
            content = read_json(path)
            if len(content["runs"]) != 1:
                continue
            (measured,) = content["runs"].values()
            evaluated = _evaluated(run, path.parent, content, measured)
            reason = _out_of_date(path, run.directory / MODEL, measured.get("epoch"), epoch)
        except OSError as error:
            left_out.append(LeftOut(name, f"cannot be read: {error.strerror}", is_repeatable=False))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            left_out.append(LeftOut(name, f"is damaged: {type(error).__name__}: {error}"))
        else:
            if reason:
                left_out.append(LeftOut(name, reason))
            else:
                found.append(evaluated)
    return found, left_out


def evaluate_command(directory: Path) -> str:
    """The command that evaluates a run."""
    return as_started(shlex.join(["python", "tools/evaluate.py", str(directory)]))


def _evaluated(run: Run, folder: Path, content: Mapping[str, Any], measured: Mapping[str, Any]) -> Evaluated:
    data = content["data"]
    return Evaluated(
        folder=folder,
        views=str(content["scheme"]["views"]),
        data=str(data["name"]),
        fingerprint=str(data["fingerprint"]),
        is_own=data["fingerprint"] == run.about.fingerprint,
        pictures=int(data["validation"]),
        top1=float(measured["top1"]),
        top5=None if measured["top5"] is None else float(measured["top5"]),
        loss=None if measured["loss"] is None else float(measured["loss"]),
    )


def _out_of_date(path: Path, model: Path, measured: int | None, best: int | None) -> str:
    """Why an evaluation is not of the run's best weights; empty if it is.

    Args:
        path: its file.
        model: the file of the run's best model.
        measured, best: the epoch that was evaluated, and the best one; None where they are not known.
    """
    if measured is not None and best is not None:
        return "" if measured == best else f"is of epoch {measured}, and the best one is now {best}"
    is_older = model.is_file() and path.stat().st_mtime < model.stat().st_mtime
    return f"is older than {model.name}" if is_older else ""

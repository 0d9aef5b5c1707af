"""The report on an evaluation: tables on the screen, and files."""

from __future__ import annotations

import csv
import dataclasses
import io
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from archspec.errors import file_problem
from archspec.recipe.resizing import Resizing
from archspec.tables import plain, shortened
from archspec.wording import counted
from builder.data import Arrays, Data
from builder.data.pipeline import validation_pictures
from builder.evaluation import figures
from builder.evaluation.metrics import ClassMetrics, Macro, Metrics, confident_mistakes
from builder.evaluation.result import Evaluation
from builder.evaluation.scheme import Scheme
from builder.runs.names import EVALUATED_PICTURES, EVALUATION, EVALUATIONS
from builder.runs.public import public_path
from builder.runs.run import Run
from builder.system.files import check_writable, write_json, write_text

FILES = (EVALUATION, "classes.csv", "confusion.csv", "confusion.png", EVALUATED_PICTURES, "mistakes.png")
MISTAKES = 24
"""The number of mistakes that are drawn."""
FEW = 20
"""Up to this many classes are all shown; of more, only the WORST worst."""
WORST = 10
WIDTH = 120


# -- on the screen -----------------------------------------------------------------------------------------------------


def headline(evaluation: Evaluation, data: Data, scheme: Scheme, resizing: Resizing) -> str:
    """What is tested, in a line."""
    count, classes = counted(len(evaluation.labels), "validation picture"), len(evaluation.class_names)
    return f"{data.name}: {count}, {classes:,} classes, {scheme.in_words(data.shape, resizing)}"


def result_table(rows: Sequence[tuple[str, Metrics]]) -> str:
    """A table with a row for each classifier."""
    cells = [(name, percent(one.top1), percent(one.top5), number(one.loss)) for name, one in rows]
    return plain(("run", "top-1 %", "top-5 %", "loss"), cells, width=WIDTH)


def gains(evaluation: Evaluation) -> Iterator[str]:
    """Lines that say what an ensemble gains over the best of its members."""
    best = max(evaluation.members, key=lambda name: evaluation.members[name].top1)
    for name, one in evaluation.ensemble.items():
        gain = 100 * (one.top1 - evaluation.members[best].top1)
        yield f"{name}: {gain:+.2f} points over the best single run, {best}"


def macro_line(macro: Macro) -> str:
    """The means over the classes, in a line."""
    return (
        f"means of {counted(macro.classes, 'class', 'classes')}: recall {percent(macro.recall)} %, "
        f"precision {percent(macro.precision)} %, F1 {percent(macro.f1)} %"
    )


def class_table(classes: Sequence[ClassMetrics]) -> str:
    """A table with a row for each class, or for the worst ones if there are many."""
    title = ""
    if len(classes) > FEW:
        known = [one for one in classes if one.recall is not None]
        title = f"the {WORST} worst of {len(classes):,} classes:\n"
        classes = sorted(known, key=lambda one: one.recall or 0.0)[:WORST]
    rows = [
        (
            shortened(one.name, 40),
            f"{one.pictures:,}",
            percent(one.recall),
            percent(one.precision),
            percent(one.f1),
            "{} ({:,}x)".format(*one.mistaken_for) if one.mistaken_for else "-",
        )
        for one in classes
    ]
    return title + plain(("class", "pictures", "recall %", "precision %", "F1 %", "mistaken for"), rows, width=WIDTH)


def percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.2f}"


def number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


# -- files -------------------------------------------------------------------------------------------------------------


def directory_of(opened: Sequence[Run], scheme: Scheme, out: str | os.PathLike[str] | None) -> Path | None:
    """The directory that files go to, checked before anything takes long; None if no files are written.

    Raises:
        FileError: nothing can be written there.
    """
    if out is None and len(opened) > 1:
        return None
    path = Path(out) if out is not None else opened[0].directory / EVALUATIONS / scheme.name
    try:
        if path.is_file():
            raise file_problem(path, "is a file, expected a directory to write to; name one with --out")
        check_writable(path)
    except OSError as error:
        raise file_problem(path, f"cannot be written to: {error.strerror}; name a directory with --out") from error
    return path


def write(
    directory: Path, evaluation: Evaluation, opened: Sequence[Run], scheme: Scheme, data: Data, resizing: Resizing
) -> None:
    """Writes `FILES`, each atomically.

    Args:
        directory: the directory to write to, which is made if it is absent.
        evaluation: the result.
        opened: the runs.
        scheme: the views that were averaged.
        data: the data of the runs.
        resizing: the evaluation transform, for the pictures of mistakes.

    Raises:
        FileError: the disk is full, or the directory cannot be written.
    """
    names, labels = evaluation.class_names, evaluation.labels
    predicted, matrix, classes = evaluation.predicted, evaluation.confusion, evaluation.classes
    shares = np.exp(evaluation.log_probabilities.max(1)).tolist()
    who = opened[0].spec.name if len(opened) == 1 else f"ensemble of {len(opened)} runs"
    title = f"{who} on {data.name}"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        write_classes(directory / "classes.csv", classes)
        write_confusion(directory / "confusion.csv", matrix, names)
        files, captions = picture_names(data), picture_captions(data)
        pictures = (
            (picture, names[label], names[guess], f"{share:.6f}")
            for picture, label, guess, share in zip(files, labels.tolist(), predicted.tolist(), shares, strict=True)
        )
        write_csv(directory / EVALUATED_PICTURES, ("picture", "class", "predicted", "probability"), pictures)
        figures.draw_confusion(directory / "confusion.png", matrix, names, title)
        wrong = confident_mistakes(labels, evaluation.log_probabilities, MISTAKES)
        mistakes = [
            figures.Mistake(
                picture,
                names[labels[number]],
                names[predicted[number]],
                shares[number],
                captions[number],
            )
            for number, picture in zip(wrong, validation_pictures(data, wrong, resizing), strict=True)
        ]
        figures.draw_mistakes(directory / "mistakes.png", mistakes, f"Most confident mistakes: {title}")
        content = {
            "data": {"name": data.name, "validation": len(labels), "fingerprint": data.fingerprint},
            "scheme": {
                "crops": scheme.crops,
                "scales": list(scheme.scales),
                "flip": scheme.mirrors,
                "views": scheme.in_words(data.shape, resizing),
            },
            "runs": {
                name: {"epoch": _epoch(run), **dataclasses.asdict(one)}
                for name, run, one in zip(run_names(opened), opened, evaluation.members.values(), strict=True)
            },
            "ensemble": {name: dataclasses.asdict(one) for name, one in evaluation.ensemble.items()},
            "macro": dataclasses.asdict(evaluation.macro),
            "classes": [dataclasses.asdict(one) for one in classes],
        }
        write_json(directory / EVALUATION, content)
    except OSError as error:
        raise file_problem(directory, f"cannot be written to: {error.strerror}") from error


def _epoch(run: Run) -> int | None:
    """The epoch of a run whose weights are evaluated; None if that is not known."""
    best = run.best_row()
    return None if best is None else int(best["epoch"])


def write_classes(path: Path, classes: Sequence[ClassMetrics]) -> None:
    """Writes `classes.csv`, with a row for each class."""
    rows = (
        (
            one.name,
            one.pictures,
            "" if one.recall is None else f"{one.recall:.6f}",
            "" if one.precision is None else f"{one.precision:.6f}",
            "" if one.f1 is None else f"{one.f1:.6f}",
            *(one.mistaken_for or ("", 0)),
        )
        for one in classes
    )
    write_csv(path, ("class", "pictures", "recall", "precision", "f1", "mistaken_for", "mistaken_for_pictures"), rows)


def write_confusion(path: Path, matrix: np.ndarray, names: Sequence[str]) -> None:
    """Writes `confusion.csv`: a row for each class, and a column for each class that pictures were taken for."""
    write_csv(path, ("class", *names), ((name, *row) for name, row in zip(names, matrix.tolist(), strict=True)))


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Writes a CSV file atomically."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    write_text(path, text.getvalue())


# -- names -------------------------------------------------------------------------------------------------------------


def run_names(opened: Sequence[Run]) -> list[str]:
    """The runs' names in a report for others: paths in the current directory, else no more of their directories than
    tells them apart."""
    paths = [run.directory for run in opened]
    if all(public_path(path) == str(path) for path in paths):
        return [str(path) for path in paths]
    parts = [path.absolute().parts[1:] for path in paths]
    candidates = (["/".join(part[-length:]) for part in parts] for length in range(1, max(map(len, parts)) + 1))
    return next(names for names in candidates if len(set(names)) == len(names))


def picture_captions(data: Data) -> list[str]:
    """What the validation pictures are called below a picture of them."""
    is_numbered = isinstance(data.validation, Arrays)
    return [f"picture {name}" if is_numbered else name for name in picture_names(data)]


def picture_names(data: Data) -> list[str]:
    """The paths of the validation pictures, in the folder that they have in common if they are not in the current
    directory; their numbers if the data set has no files."""
    split = data.validation
    if isinstance(split, Arrays):
        return [str(number) for number in range(split.count)]
    names = [split.name(number) for number in range(split.count)]
    if all(public_path(name) == name for name in names):
        return names
    folder = os.path.commonpath([os.path.dirname(os.path.abspath(name)) for name in names])
    return [os.path.relpath(os.path.abspath(name), os.path.dirname(folder)) for name in names]

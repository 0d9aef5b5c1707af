"""What an evaluation says: tables on the screen, and the files."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from archspec.tables import plain, shortened
from builder.evaluation.metrics import ClassMetrics, Metrics
from builder.system.files import write_text

FEW = 20
"""Classes that are all shown; of more, the worst WORST."""
WORST = 10
WIDTH = 120


def result_table(rows: Sequence[tuple[str, Metrics]]) -> str:
    """A row for each classifier."""
    cells = [(name, percent(one.top1), percent(one.top5), number(one.loss)) for name, one in rows]
    return plain(("run", "top-1 %", "top-5 %", "loss"), cells, width=WIDTH)


def class_table(classes: Sequence[ClassMetrics]) -> str:
    """A row for each class, or for the worst where there are many."""
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
            "{} ({:,}x)".format(*one.mistaken_for) if one.mistaken_for else "-",
        )
        for one in classes
    ]
    return title + plain(("class", "pictures", "recall %", "precision %", "mistaken for"), rows, width=WIDTH)


def percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.2f}"


def number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def write_classes(path: Path, classes: Sequence[ClassMetrics]) -> None:
    """Writes `classes.csv`, a row a class."""
    rows = (
        (
            one.name,
            one.pictures,
            "" if one.recall is None else f"{one.recall:.6f}",
            "" if one.precision is None else f"{one.precision:.6f}",
            *(one.mistaken_for or ("", 0)),
        )
        for one in classes
    )
    write_csv(path, ("class", "pictures", "recall", "precision", "mistaken_for", "mistaken_for_pictures"), rows)


def write_confusion(path: Path, matrix: np.ndarray, names: Sequence[str]) -> None:
    """Writes `confusion.csv`: a row for each class, a column for each that its pictures were taken for."""
    write_csv(path, ("class", *names), ((name, *row) for name, row in zip(names, matrix.tolist(), strict=True)))


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Writes a CSV file atomically."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    write_text(path, text.getvalue())

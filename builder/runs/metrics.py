"""`metrics.csv`: a row for each epoch."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from archspec.files import read_text
from archspec.recipe.monitor import MONITORS, improved
from builder.system.files import write_text

COUNTS = ("epoch", "step")
"""The columns of whole numbers."""
COLUMNS = (*COUNTS, *MONITORS, "learning_rate", "seconds", "images_per_second")


def write_metrics(path: Path, rows: Sequence[Mapping[str, float]]) -> None:
    """Writes `metrics.csv`, a row for each epoch, atomically.

    `loss` and the accuracies are means over the epoch's training pictures, the L2 penalty left out, and those that
    begin with `val_` are means over the validation pictures; `learning_rate` is that of the epoch's last step;
    `seconds` are for training and validation, `images_per_second` for training alone.

    Raises:
        FileError: the disk is full, or the directory cannot be written.
    """
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, text.getvalue())


def read_metrics(path: Path) -> list[dict[str, float]]:
    """Reads `metrics.csv`: the rows that `write_metrics` wrote, with numbers for values.

    Raises:
        OSError: it cannot be read.
        ValueError: it is damaged.
    """
    rows = list(csv.DictReader(io.StringIO(read_text(path))))
    if any(None in row or None in row.values() for row in rows):
        raise ValueError(f"{path} has a row with too many or too few values")
    return [{name: int(value) if name in COUNTS else float(value) for name, value in row.items()} for row in rows]


def is_better(row: Mapping[str, float], best: Mapping[str, float] | None, monitor: str) -> bool:
    """Whether an epoch is better than the best one before it, by a monitor; between equals the validation loss decides.

    Args:
        row, best: the rows of both; None where no epoch comes before.
        monitor: a name of `archspec.recipe.monitor.MONITORS`.
    """
    if best is None or improved(monitor, row[monitor], best[monitor]):
        return True
    return row[monitor] == best[monitor] and improved("val_loss", row["val_loss"], best["val_loss"])


def best_row(rows: Sequence[Mapping[str, float]], monitor: str) -> Mapping[str, float] | None:
    """The row of the epoch whose weights a run keeps as its best; None without epochs."""
    best: Mapping[str, float] | None = None
    for row in rows:
        best = row if is_better(row, best, monitor) else best
    return best

"""`metrics.csv`: a row for each epoch."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from builder.system.files import write_text


def write_metrics(path: Path, rows: Sequence[Mapping[str, float]]) -> None:
    """Writes `metrics.csv`, a row an epoch, atomically.

    `loss`, `accuracy` and `top5_accuracy` are means over the epoch's training pictures, the L2 penalty left out;
    `learning_rate` is that of the epoch's last step; `seconds` are for training and validation, `images_per_second` for
    training alone.
    """
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, text.getvalue())


def read_metrics(path: Path) -> list[dict[str, float]]:
    """The rows of a `metrics.csv`, one for each epoch.

    Raises:
        OSError: the file cannot be read.
        ValueError: a value is missing or not a number.
    """
    with path.open(newline="", encoding="utf-8") as file:
        return [{name: float(value or "") for name, value in row.items()} for row in csv.DictReader(file)]


COLUMNS = (
    "epoch",
    "step",
    "loss",
    "accuracy",
    "top5_accuracy",
    "val_loss",
    "val_accuracy",
    "val_top5_accuracy",
    "learning_rate",
    "seconds",
    "images_per_second",
)

"""The files of a comparison: a report, its charts as pictures, and everything as JSON."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING

from archspec.errors import file_problem
from builder.system.files import check_writable, replacing, write_json, write_text

if TYPE_CHECKING:
    from builder.comparison.comparison import Comparison

REPORT, JSON = "report.html", "comparison.json"
CHARTS = ("learning_curves", "costs", "disagreement")
"""The beginnings of the names of the pictures, each of which has a number where there are several."""
DEFAULT = "comparison"
"""The directory that files go to where none is named."""


def check_directory(directory: Path, option: str = "-o") -> None:
    """Refuses a directory that holds anything but an earlier comparison, which is replaced.

    Args:
        directory: the directory.
        option: what names it.

    Raises:
        FileError: it holds something else, or cannot be written to.
    """
    advice = f"name another with {option}"
    try:
        inside = sorted(path.name for path in directory.iterdir()) if directory.exists() else []
        check_writable(directory)
    except OSError as error:
        raise file_problem(directory, f"cannot be written to: {error.strerror}; {advice}") from error
    others = [name for name in inside if not _is_ours(name)]
    if others or (inside and JSON not in inside):
        raise file_problem(
            directory, f"holds {(others or inside)[0]}, which is of no comparison, and nothing is overwritten; {advice}"
        )


def save(comparison: Comparison, directory: Path, everything: bool) -> list[Path]:
    """Writes the files, each atomically, and removes those of an earlier comparison.

    Raises:
        FileError: see `check_directory`.
    """
    from builder.comparison import charts, costs, curves, page, pictures  # Matplotlib takes half a second
    from builder.comparison.looks import looks

    check_directory(directory, "directory")
    directory.mkdir(parents=True, exist_ok=True)
    for path in directory.iterdir():
        path.unlink()
    shown, missing = pictures.load(comparison.disagreements, comparison.group_of)
    written = [directory / REPORT, directory / JSON]
    write_json(directory / JSON, comparison.to_json())
    for number, task in enumerate(comparison.tasks):
        look = looks(task.groups)
        for name, which in (("learning_curves", list(curves.curves_of(task))), ("costs", costs.costs_of(task))):
            if which:
                path = directory / f"{name}{f'-{number + 1}' if len(comparison.tasks) > 1 else ''}.png"
                with replacing(path) as temporary:
                    charts.write_png(charts.sheet(task, which, look, comparison.names), str(temporary))
                written.append(path)
    for number, pair in enumerate(shown):
        path = directory / f"disagreement{f'-{number + 1}' if len(shown) > 1 else ''}.png"
        names = (comparison.labels[one] for one in (pair.disagreement.first, pair.disagreement.second))
        with replacing(path) as temporary:
            charts.write_png(pictures.sheet(pair, *names), str(temporary))
        written.append(path)
    write_text(directory / REPORT, page.page(comparison, shown, missing, everything))
    return written


def csv_text(comparison: Comparison) -> str:
    """A row for each run, with everything that was measured and counted, as a CSV file."""
    runs = comparison.to_json()["runs"]
    rows = [{name: value for name, value in run.items() if name != "evaluations"} for run in runs]
    for row, run in zip(rows, runs, strict=True):
        row.update({f"{scheme}_error": found["error"] for scheme, found in run["evaluations"].items()})
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _is_ours(name: str) -> bool:
    return name in (REPORT, JSON) or (name.endswith(".png") and name.startswith(CHARTS))

"""What `tools/compare.py` prints and writes for runs."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from builder.comparison.comparison import compare
from builder.comparison.files import DEFAULT, check_directory, csv_text
from builder.comparison.latency import FOLDER


def show(
    paths: Sequence[str], form: str, out: str | None = None, exports: str | None = None, everything: bool = False
) -> None:
    """Prints a comparison of runs, and writes its report.

    Args:
        paths: runs and searches.
        form: `text`, `json` or `csv`. With text, a report is written by default, else only if `out` names a directory.
        out: where the report goes.
        exports: the folder of exports, which hold measured latencies.
        everything: whether fields that are equal in all runs are listed too.

    Raises:
        UserError: see `compare` and `check_directory`; nothing is printed then.
    """
    directory = Path(out) if out else Path(DEFAULT) if form == "text" else None
    if directory is not None:
        check_directory(directory)
    comparison = compare(paths, exports or FOLDER)
    if form == "text":
        print(comparison)
    else:
        text = json.dumps(comparison.to_json(everything), indent=2) if form == "json" else csv_text(comparison)
        print(text.rstrip())
    if directory is not None:
        names = " ".join(path.name for path in comparison.save(directory, everything))
        print(f"\nsaved {directory}/: {names}", file=sys.stdout if form == "text" else sys.stderr, flush=True)

"""What a command that shows networks is given: a spec, its name, a run, or a search, whose best trial is shown."""

from __future__ import annotations

import sys
from pathlib import Path

from builder.runs.names import SPEC, TRIALS


def shown(path: str) -> str:
    """The path of the spec to show, and for a search a line on stderr that says which of its trials that is.

    Raises:
        FileError: a search without a finished trial.
    """
    if all(Path(path, name).exists() for name in (SPEC, TRIALS)):
        from builder.runs.finding import shown_spec  # it takes longer, which only a search needs

        path, note = shown_spec(path)
        print(note, file=sys.stderr)  # stdout may be JSON, or a drawing
    return path

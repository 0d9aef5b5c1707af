"""What a comparison says of the parts of a network, the words and the signs for it, in tables and in drawings."""

from __future__ import annotations

from collections.abc import Mapping

ADDED, REMOVED, CHANGED, UNCHANGED = "added", "removed", "changed", "unchanged"
SIGNS = {ADDED: "+", REMOVED: "\N{MINUS SIGN}", CHANGED: "~"}
"""The sign of each mark that says a difference."""

Marks = Mapping[str, str]
"""What a comparison says of the parts of a network, by path: `added`, `removed`, `changed` or `unchanged`. A part that
it does not mention looks as it does without a comparison."""


def mark_of(path: str, marks: Marks) -> str | None:
    """What is said of a path, or of the innermost group around it of which something is said."""
    while marks and path:
        if path in marks:
            return marks[path]
        path = path.rpartition(".")[0]
    return None

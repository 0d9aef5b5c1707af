"""A matching as text: a summary, and a table of tensors in the way of a diff."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from archspec import Problem, SpecError, tables
from archspec.errors import Where
from archspec.ops import show
from builder.weights.matching import Entry, Matching, Status
from builder.weights.units import Part

NOTES: dict[Status, str] = {
    "matched": "",
    "missing": "missing",
    "left over": "left over",
    "tie": "undecided",
    "new": "new",
    "replaced": "replaced",
}
MARKS: dict[Status, str] = {"matched": "", "missing": "+", "left over": "-", "tie": "?", "new": "*", "replaced": "*"}
HEADER = ("", "network", "shape", "file", "shape", "")
WIDTH = 110
CONTEXT = 1
"""How many matched tensors are shown on each side of a difference."""


def require(matching: Matching, partial: bool = False, where: Where | None = None) -> None:
    """Refuses a matching with anything missing, left over or undecided.

    Args:
        partial: refuse only where nothing matches at all.
        where: the address to report at, by default the file.

    Raises:
        SpecError: with the differences.
    """
    if not matching.counts.get("matched"):
        problem = "nothing in it fits"
    elif matching.complete or partial:
        return
    else:
        problem = "does not fit"
    message = f"{problem} {matching.graph.name}: {summary(matching)}"
    raise SpecError([Problem(where or Where(matching.source.name), message, (*differences(matching), *_mends(matching)))])


def _mends(matching: Matching) -> Iterator[str]:
    ties = [entry for entry in matching.entries if entry.status == "tie"]
    if ties:
        assert ties[0].unit and ties[0].rivals
        yield f"to decide: --pair {ties[0].rivals[0]}={ties[0].unit.name} if these two belong together, and so on"
    missing = {entry.unit.name for entry in matching.entries if entry.status == "missing" and entry.unit}
    if missing == {matching.head} and matching.counts.get("matched"):
        yield "for a new last layer, which stays as it is initialised: --skip-head"


def summary(matching: Matching) -> str:
    """`161 tensors matched (54 transposed), 2 missing, 3 left over`."""
    steps = Counter(step for entry in matching.entries if entry.status == "matched" for step in entry.steps)
    detail = ", ".join(f"{count} {step}" for step, count in steps.items())
    parts = [f"{matching.counts.get('matched', 0)} tensors matched" + (f" ({detail})" if detail else "")]
    parts += [f"{matching.counts[s]} {NOTES[s]}" for s in NOTES if s != "matched" and s in matching.counts]
    if matching.source.counters:
        parts.append(f"{len(matching.source.counters)} counters of batches ignored")
    return ", ".join(parts)


def table(matching: Matching) -> str:
    """Every tensor of both sides: + is missing in the file, - left over of it, ? undecided, * a new head."""
    return tables.plain(HEADER, [_row(entry) for entry in matching.entries], len(HEADER), WIDTH)


def differences(matching: Matching) -> list[str]:
    """The lines of the table that are not simply matched, with a neighbour on each side."""
    return tables.plain(HEADER, list(_folded(matching.entries)), len(HEADER), WIDTH).splitlines()


def _folded(entries: tuple[Entry, ...]) -> Iterator[tuple[str, ...]]:
    interesting = [index for index, entry in enumerate(entries) if entry.status != "matched"]
    shown = {index + step for index in interesting for step in range(-CONTEXT, CONTEXT + 1)}
    hidden = 0
    for index, entry in enumerate(entries):
        if index in shown:
            if hidden:
                yield "", f"... {hidden} matched", "", "", "", ""
            hidden = 0
            yield _row(entry)
        else:
            hidden += 1
    if hidden:
        yield "", f"... {hidden} matched", "", "", "", ""


def _row(entry: Entry) -> tuple[str, ...]:
    note = f"one of {', '.join(entry.rivals)}" if entry.rivals else ", ".join(entry.steps) or NOTES[entry.status]
    return MARKS[entry.status], *_cells(entry.ours), *_cells(entry.theirs), note


def _cells(part: Part | None) -> tuple[str, str]:
    return (part.name, show(part.shape)) if part else ("", "")

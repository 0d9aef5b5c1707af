"""A matching as text: a summary, and a table of what is where in the way of a diff."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby

import numpy as np

from archspec import tables
from archspec.errors import Where, file_problem
from archspec.ops import show
from archspec.wording import counted, printable
from builder.weights.matching import Entry, Matching, Status

MARKS: dict[Status, str] = {"matched": " ", "missing": "+", "left over": "-", "tie": "?", "new": "*", "replaced": "*"}
NOTES: dict[Status, str] = {
    "matched": "",
    "missing": "missing",
    "left over": "left over",
    "tie": "undecided",
    "new": "new",
    "replaced": "replaced",
}
HEADER = ("  network", "shape", "file", "shape", "")
WIDTH = 10_000  # a name that is cut says nothing
MOST_ROWS = 20
"""How many differences of each kind are shown unless all are asked for."""
MOST_TIES = 5


def require(matching: Matching, partial: bool = False, full: bool = False, where: Where | None = None) -> None:
    """Refuses a matching with anything missing, left over or undecided.

    Args:
        partial: refuse only where nothing matches at all.
        full: tell of every tensor.
        where: the address to report at, by default the file.

    Raises:
        FileError: with the differences.
    """
    if not matching.counts.get("matched"):
        problem = "nothing in it fits"
    elif matching.complete or partial:
        return
    else:
        problem = "does not fit"
    message = f"{problem} {matching.graph.name}: {summary(matching)}"
    lines = table(matching) if full else differences(matching)
    raise file_problem(where or matching.source.name, message, *lines, *_mends(matching))


def require_finite(matching: Matching, where: Where | None = None) -> None:
    """Refuses weights that no network computes with.

    Args:
        where: the address to report at, by default the file.

    Raises:
        FileError: a matched tensor has NaN or infinity in it, or becomes so as float32.
    """
    with np.errstate(over="ignore"):  # it is what is looked for
        finite = {(layer, role): bool(np.isfinite(values).all()) for layer, role, values in matching.tensors()}
    broken = [
        entry.theirs.name
        for entry in matching.entries
        if entry.unit and entry.theirs and not finite.get((entry.unit.name, entry.role), True)
    ]
    if broken:
        more = f" and {len(broken) - 1} more have" if len(broken) > 1 else " has"
        message = f"{printable(broken[0])}{more} NaN or infinite values, or too large ones for float32"
        name = matching.source.name
        raise file_problem(where, f"{name}: {message}") if where else file_problem(name, message)


def text(matching: Matching, full: bool = False) -> str:
    """The table, of what differs or in full, and the summary below it."""
    return "\n".join([*(table(matching) if full else differences(matching)), summary(matching)])


def summary(matching: Matching) -> str:
    """`161 tensors matched (54 transposed), 2 missing, 3 left over`."""
    steps = Counter(step for entry in matching.entries if entry.status == "matched" for step in entry.steps)
    detail = ", ".join(f"{count:,} {step}" for step, count in steps.items())
    parts = [f"{counted(matching.counts.get('matched', 0), 'tensor')} matched" + (f" ({detail})" if detail else "")]
    parts += [f"{matching.counts[s]:,} {NOTES[s]}" for s in NOTES if s != "matched" and s in matching.counts]
    if matching.source.counters:
        parts.append(f"{counted(len(matching.source.counters), 'counter')} of batches ignored")
    return ", ".join(parts)


def table(matching: Matching) -> list[str]:
    """The lines of a table of every tensor: + is missing in the file, - left over of it, ? undecided, * a new head."""
    return _lines([_row([entry]) for entry in matching.entries])


def differences(matching: Matching) -> list[str]:
    """The lines of a table of the layers that are not simply matched; none where all are."""
    runs = [list(run) for _, run in groupby(matching.entries, key=lambda entry: (entry.status, _layer(entry)))]
    rows: list[Sequence[str]] = []
    shown: Counter[Status] = Counter()
    for run in runs:
        status = run[0].status
        shown[status] += 1
        if status == "matched":
            rows.append((f"  ... {len(run)} matched", "", "", "", ""))
        elif shown[status] <= MOST_ROWS:
            rows.append(_row(run))
    more = sum(max(0, count - MOST_ROWS) for status, count in shown.items() if status != "matched")
    if more:
        rows.append((f"  ... {more} more (--full shows all)", "", "", "", ""))
    return _lines(rows) if len(shown) > 1 or "matched" not in shown else []


def _lines(rows: Sequence[Sequence[str]]) -> list[str]:
    return tables.plain(HEADER, rows, len(HEADER), WIDTH).splitlines()


def _layer(entry: Entry) -> str:
    """Where a tensor belongs, for those that no difference sets apart."""
    if entry.status == "matched":
        return ""
    part = entry.ours or entry.theirs
    assert part
    return part.layer


def _row(entries: Sequence[Entry]) -> tuple[str, ...]:
    """One line for a tensor, or for several of one layer of which one side has none."""
    first, mark = entries[0], MARKS[entries[0].status]
    if len(entries) == 1:
        ours, theirs = (part.name if part else "" for part in (first.ours, first.theirs))
        note = ", ".join(first.steps) or NOTES[first.status]
    else:
        ours, theirs = (part.layer if part else "" for part in (first.ours, first.theirs))
        words = [(entry.ours or entry.theirs) for entry in entries]
        note = f"{NOTES[first.status]}: {', '.join(part.word for part in words if part)}"
    shapes = [show(part.shape) if part else "" for part in (first.ours, first.theirs)]
    return f"{mark} {ours}".rstrip(), shapes[0], printable(theirs), shapes[1], printable(note)


def _mends(matching: Matching) -> Iterator[str]:
    ties: dict[tuple[str, ...], dict[str, None]] = {}
    for entry in matching.entries:
        if entry.status == "tie" and entry.unit:
            ties.setdefault(entry.rivals, {})[entry.unit.name] = None
    for rivals, layers in list(ties.items())[:MOST_TIES]:
        yield f"undecided: which of {', '.join(rivals)} is which of {', '.join(layers)}"
    if ties:
        rivals, layers = next(iter(ties.items()))
        yield f"say which with --pair, as in --pair {rivals[0]}={next(iter(layers))}"
    missing = {entry.unit.name for entry in matching.entries if entry.status == "missing" and entry.unit}
    if missing == {matching.head} and matching.counts.get("matched"):
        yield "for a new last layer, which stays as it is initialised: --skip-head"

"""A matching as text: a summary, and a table in the manner of a diff."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import groupby

import numpy as np

from archspec import tables
from archspec.errors import UserError, Where, file_problem
from archspec.ops import show
from archspec.wording import counted, printable
from builder.weights.conventions import unlike_pytorch
from builder.weights.matching import Entry, Matching, Status, match
from builder.weights.names import is_average, tokens
from builder.weights.source import WeightsFile, under

MARKS: dict[Status, str] = {
    "matched": " ",
    "missing": "+",
    "left over": "-",
    "tie": "?",
    "new": "*",
    "replaced": "*",
    "ignored": " ",
}
NOTES: dict[Status, str] = {
    "matched": "",
    "missing": "missing",
    "left over": "left over",
    "tie": "undecided",
    "new": "new",
    "replaced": "replaced",
    "ignored": "ignored, as it belongs to a loss",
}
HEADER = ("  network", "shape", "file", "shape", "")
WIDTH = 10_000  # a shortened name would say nothing
MOST_ROWS = 20
"""The number of differences of each kind that are shown unless all are asked for."""
MOST_TIES = 5
MOST_GROUPS = 8
"""The number of parts of a state dict that are tried, each of which may take a second."""


def require(matching: Matching, partial: bool = False, full: bool = False, where: Where | None = None) -> None:
    """Refuses a matching in which anything is missing, left over or undecided.

    Args:
        partial: refuse only a matching in which nothing matches.
        full: list every tensor, not only the differences.
        where: the address to report at, by default the file.

    Raises:
        FileError: the matching is refused; the notes list the differences.
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
    """Refuses weights with which no network can compute.

    Args:
        where: the address to report at, by default the file.

    Raises:
        FileError: a matched tensor has NaN or infinite values, or values too large for float32.
    """
    with np.errstate(over="ignore"):  # overflow is what this looks for
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
    """The table of the differences, or of everything, with the summary below it, and what may need attention: other
    weights in the file, and where the network differs from PyTorch's defaults."""
    lines = table(matching) if full else differences(matching)
    return "\n".join([*lines, summary(matching), *_others(matching.source), *unlike_pytorch(matching)])


def summary(matching: Matching) -> str:
    """`161 tensors matched (54 transposed), 2 missing, 3 left over`."""
    steps = Counter(step for entry in matching.entries if entry.status == "matched" for step in entry.steps)
    detail = ", ".join(f"{count:,} {step}" for step, count in steps.items())
    parts = [f"{counted(matching.counts.get('matched', 0), 'tensor')} matched" + (f" ({detail})" if detail else "")]
    words = {**NOTES, "ignored": "of a loss ignored"}
    parts += [f"{matching.counts[s]:,} {words[s]}" for s in NOTES if s != "matched" and s in matching.counts]
    if counters := matching.source.counters:
        batches = " of batches" if all(name.endswith("num_batches_tracked") for name in counters) else ""
        parts.append(f"{counted(len(counters), 'counter')}{batches} ignored")
    return ", ".join(parts)


def table(matching: Matching) -> list[str]:
    """The lines of a table of all tensors: + is missing in the file, - left over, ? undecided, * of a new head."""
    return _lines([_row([entry]) for entry in matching.entries])


def differences(matching: Matching) -> list[str]:
    """The lines of a table of the layers that are not simply matched; empty if all are."""
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
    """The layer of a tensor; all that are matched count as one."""
    if entry.status == "matched":
        return ""
    part = entry.ours or entry.theirs
    assert part
    return part.layer


def _row(entries: Sequence[Entry]) -> tuple[str, ...]:
    """One row for a tensor, or for several tensors of a layer that only one side has."""
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


def _others(source: WeightsFile) -> Iterator[str]:
    """What else a checkpoint holds."""
    for name in source.others:
        kind = "a moving average of the weights" if is_average(tokens(name)) else "other weights"
        yield f"taken from '{printable(source.part)}'; the file also has {kind}: --prefix {printable(name)}"


def _fitting_groups(matching: Matching) -> Iterator[str]:
    """Which part of a state dict fits on its own, where the whole does not: `model` beside `model_ema`."""
    groups = matching.source.groups
    if matching.source.layout == "torch" and 1 < len(groups) <= MOST_GROUPS:
        for name in groups:
            with suppress(UserError):
                if match(matching.graph, under(matching.source, name)).complete:
                    average = ", a moving average," if is_average(tokens(name)) else ""
                    yield f"the tensors under '{printable(name)}'{average} fit on their own: --prefix {printable(name)}"


def _mends(matching: Matching) -> Iterator[str]:
    yield from _fitting_groups(matching)
    yield from _others(matching.source)
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

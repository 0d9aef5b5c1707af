"""A comparison on the terminal: a table of groups and runs, what differs, and what may be concluded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from archspec import tables
from archspec.wording import counted, first_few
from builder.comparison.disagreement import Disagreement, p_text
from builder.comparison.groups import Group, Task
from builder.comparison.record import Record
from builder.comparison.significance import LEVEL, Sample

if TYPE_CHECKING:
    from builder.comparison.comparison import Comparison, Contrast

WIDTH = 120
MOST_RUNS = 40
"""Up to so many rows a table has on the terminal."""
MOST_GROUPS = 6
"""Up to so many groups the fields that differ have a column each on the terminal."""
MOST_LINES = 8
"""Up to so many conclusions of a kind are printed."""
NONE = "-"
HEADER = ("group, run", "seed", "epoch", "error %", "loss", "parameters", "MACs", "seconds", "ms")


def text(comparison: Comparison) -> str:
    """The comparison as text."""
    parts = [heading(comparison)]
    for task in comparison.tasks:
        parts.append(f"{task.headline}\n\n{_table(comparison, task)}")
    if comparison.facts and len(comparison.groups) <= MOST_GROUPS:
        letters = [group.letter for group in comparison.groups]
        rows = [(one.name, *one.values) for one in comparison.facts]
        parts.append(tables.plain(("what differs", *letters), rows, width=WIDTH))
    elif comparison.facts:
        names = ", ".join(first_few([one.name for one in comparison.facts], 2 * MOST_LINES))
        parts.append(tables.filled(f"what differs: {names}", WIDTH))
    if said := [tables.filled(line, WIDTH) for line in conclusions(comparison)]:
        parts.append("\n".join(said))
    if compared := pairs(comparison):
        parts.append(compared)
    if noted := [tables.filled(f"note: {note}", WIDTH) for note in comparison.notes()]:
        parts.append("\n".join(noted))
    return "\n\n".join(parts)


def heading(comparison: Comparison) -> str:
    """How many runs there are, and where."""
    folder = f" in {comparison.folder}" if comparison.folder else ""
    groups = f", {counted(len(comparison.groups), 'group')} of runs that differ in the seed at most"
    return f"{counted(len(comparison.records), 'run')}{folder}{groups if comparison.has_groups else ''}"


def conclusions(comparison: Comparison) -> Iterator[str]:
    """What the groups say of each other, most of them at most."""
    lines = [conclusion(one) for one in comparison.contrasts]
    yield from first_few(lines, MOST_LINES)


def conclusion(one: Contrast) -> str:
    """What two groups say of each other."""
    first, second = one.first.letter, one.second.letter
    if one.error is None:
        single = [group.letter for group in (one.first, one.second) if len(group.seeds) < 2]
        why = f"{' and '.join(single)} has a single seed" if single else "the seeds of neither differ"
        return f"{first} and {second}: nothing is claimed, as {why}"
    low, high = 100 * one.error.low, 100 * one.error.high
    seeds = f"({len(one.first.seeds)} and {len(one.second.seeds)} seeds)"
    if one.better is None:
        return (
            f"{first} and {second}: no difference shown; error of {first} minus that of {second} "
            f"{100 * one.error.value:+.2f} points, {LEVEL:.0%} interval {low:+.2f} to {high:+.2f} {seeds}"
        ).replace("%", " %")
    if one.better is one.second:
        first, second, low, high = second, first, -high, -low
        seeds = f"({len(one.second.seeds)} and {len(one.first.seeds)} seeds)"
    return (
        f"{first} is better than {second}: error {100 * abs(one.error.value):.2f} points lower, "
        f"{LEVEL:.0%} interval {-high:.2f} to {-low:.2f} {seeds}"
    ).replace("%", " %")


def pairs(comparison: Comparison) -> str:
    """What McNemar's test says of pairs of runs, of most of them at most; empty if there are none."""
    found = comparison.disagreements
    if not found:
        return ""
    rows = [
        (
            f"{comparison.labels[one.first]}, {comparison.labels[one.second]}",
            f"{one.pictures:,}",
            f"{one.first_alone:,}",
            f"{one.second_alone:,}",
            p_text(one.p),
            verdict(comparison, one),
        )
        for one in found[:MOST_LINES]
    ]
    header = ("two networks", "pictures", "first alone right", "second alone right", "p (McNemar)", "better here")
    left = len(found) - MOST_LINES
    more = f"\n... and {left:,} more pairs; the report and its JSON have all of them" if left > 0 else ""
    return tables.plain(header, rows, width=WIDTH) + more


def verdict(comparison: Comparison, one: Disagreement) -> str:
    """Which of two networks is better on pictures such as these, as far as the test can say."""
    return "not shown" if one.better is None else comparison.labels[one.better]


def _table(comparison: Comparison, task: Task) -> str:
    rows: list[tuple[str, ...]] = []
    for group in ranked(task.groups):
        rows += _rows(comparison, group)
    left = len(rows) - MOST_RUNS
    table = tables.plain(HEADER, rows[:MOST_RUNS], width=WIDTH)
    return table if left <= 0 else f"{table}\n... and {left:,} more rows; the report has all of them"


def ranked(groups: Sequence[Group]) -> list[Group]:
    """Groups by their mean error, the lowest first; those without one last."""

    def place(group: Group) -> tuple[bool, float]:
        found = group.error
        return found is None, found.mean if found is not None else 0.0

    return sorted(groups, key=place)


def _rows(comparison: Comparison, group: Group) -> Iterator[tuple[str, ...]]:
    name = f"{group.letter} {comparison.names[group.letter]}"
    if len(group.records) == 1:
        (one,) = group.records
        label = comparison.labels[one]
        yield (f"{name} ({label})" if label != name else name, *cells(one))
        return
    first = group.records[0]
    error, loss = group.error, group.loss
    yield (
        name,
        counted(len(group.seeds), "seed"),
        f"{len(group.complete)} of {len(group.records)} runs" if len(group.complete) < len(group.records) else "",
        spread(error, percent),
        spread(loss, number),
        _count(first.parameters),
        _count(first.macs),
        spread(group.sample(lambda one: one.seconds), seconds),
        spread(group.sample(lambda one: one.latency.milliseconds if one.latency else None), milliseconds),
    )
    for one in group.records:
        own = cells(one)
        yield (f"  {comparison.labels[one]}", *own[:4], "", "", *own[6:])


def cells(one: Record) -> tuple[str, ...]:
    """The cells of a run, after its name."""
    epoch = state_of(one) if one.best is None else f"{one.best['epoch']:.0f} of {one.epochs}"
    if one.best is not None and not one.is_complete:
        epoch = f"{epoch}, {state_of(one)}"
    return (
        NONE if one.seed is None else str(one.seed),
        epoch,
        percent(one.error),
        number(one.loss),
        _count(one.parameters),
        _count(one.macs),
        seconds(one.seconds),
        milliseconds(one.latency.milliseconds if one.latency else None),
    )


def state_of(one: Record) -> str:
    """The state in words."""
    return one.state.replace("_", " ")


def spread(found: Sample | None, show: Callable[[float | None], str]) -> str:
    """A mean with its standard deviation, `1.57 ± 0.42`; of a single seed the value alone."""
    if found is None:
        return NONE
    mean = show(found.mean)
    return mean if found.deviation is None else f"{mean} ± {show(found.deviation)}"


def percent(share: float | None) -> str:
    return NONE if share is None else f"{100 * share:.2f}"


def number(value: float | None) -> str:
    return NONE if value is None else f"{value:.4f}"


def seconds(value: float | None) -> str:
    return NONE if value is None else f"{value:,.1f}" if value < 1000 else f"{value:,.0f}"


def milliseconds(value: float | None) -> str:
    return NONE if value is None else f"{value:.2f}"


def _count(value: int | None) -> str:
    return NONE if value is None else tables.compact(value)

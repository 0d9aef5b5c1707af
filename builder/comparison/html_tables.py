"""The tables of a report: groups, runs, and what differs between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

from archspec import tables
from builder.comparison.differences import Fact
from builder.comparison.groups import Group, Task
from builder.comparison.looks import Look
from builder.comparison.record import Record
from builder.comparison.text import NONE, milliseconds, number, percent, ranked, seconds, spread, state_of

if TYPE_CHECKING:
    from builder.comparison.comparison import Comparison

MOST_COLUMNS = 6
"""Up to so many groups, what differs has a column for each; with more, a row for each."""


def table(heads: Sequence[tuple[str, bool]], rows: Sequence[str], kind: str = "") -> str:
    cells = "".join(f"<th{' class=text' if is_text else ''}>{escape(head)}</th>" for head, is_text in heads)
    classes = f"sortable {kind}".strip()
    return (
        f'<div class="wide"><table class="{classes}"><thead><tr>{cells}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def cell(text: str, value: float | None = None) -> str:
    """A cell; `value` is what it is sorted by where that is not its text."""
    return f"<td{f' data-value={value!r}' if value is not None else ''}>{escape(text)}</td>"


def group_table(comparison: Comparison, task: Task, look: Mapping[str, Look]) -> str:
    rows = []
    for group in ranked(task.groups):
        first, error, loss = group.records[0], group.error, group.loss
        time = group.sample(lambda one: one.seconds)
        latency = group.sample(lambda one: one.latency.milliseconds if one.latency else None)
        complete = len(group.complete)
        rows.append(
            f'<tr data-mark="{group.letter}"><td class="text" data-value="{group.letter}">'
            f"{swatch(look[group.letter])} <b>{group.letter}</b> {escape(comparison.names[group.letter])}</td>"
            + cell(str(len(group.seeds)))
            + cell(f"{complete} of {len(group.records)}", complete)
            + cell(spread(error, percent), error.mean if error else None)
            + cell(spread(loss, number), loss.mean if loss else None)
            + _counts(first)
            + cell(spread(time, seconds), time.mean if time else None)
            + cell(spread(latency, milliseconds), latency.mean if latency else None)
            + "</tr>"
        )
    heads = ("seeds", "complete", "error, %", "loss", "parameters", "MACs", "seconds", "ms")
    return table([("group", True), *((head, False) for head in heads)], rows)


def run_table(comparison: Comparison, task: Task, look: Mapping[str, Look]) -> str:
    letters = {one: group.letter for group in task.groups for one in group.records}
    schemes = sorted({tested.scheme for one in task.records for tested in one.tested})
    rows = []
    for one in sorted(task.records, key=lambda one: (one.error is None, one.error or 0.0)):
        letter = letters[one]
        tested = {found.scheme: found for found in one.tested}
        epoch = NONE if one.best is None else f"{one.best['epoch']:.0f} of {one.epochs}"
        rows.append(
            f'<tr data-mark="{letter}"><td class="text">{escape(comparison.labels[one])}</td>'
            f'<td class="text" data-value="{letter}">{swatch(look[letter])} <b>{letter}</b></td>'
            f'<td class="text">{escape(state_of(one))}</td>'
            + cell(NONE if one.seed is None else str(one.seed))
            + cell(epoch, one.best["epoch"] if one.best else None)
            + cell(percent(one.error), one.error)
            + cell(number(one.loss), one.loss)
            + "".join(
                cell(percent(1 - tested[name].top1), 1 - tested[name].top1) if name in tested else cell(NONE)
                for name in schemes
            )
            + _counts(one)
            + cell(seconds(one.seconds), one.seconds)
            + cell(milliseconds(one.latency.milliseconds if one.latency else None))
            + "</tr>"
        )
    texts = [("run", True), ("group", True), ("state", True)]
    numbers = ["seed", "best epoch", "error, %", "loss", *(f"{name} crop, %" for name in schemes)]
    return table([*texts, *((head, False) for head in (*numbers, "parameters", "MACs", "seconds", "ms"))], rows)


def _counts(one: Record) -> str:
    return "".join(
        cell(NONE if count is None else tables.compact(count), count) for count in (one.parameters, one.macs)
    )


def fact_table(groups: Sequence[Group], found: Sequence[Fact]) -> str:
    letters = [group.letter for group in groups]
    if len(groups) <= MOST_COLUMNS:
        rows = [f'<tr><td class="text">{escape(one.name)}</td>{"".join(map(cell, one.values))}</tr>' for one in found]
        return table([("field", True), *((letter, False) for letter in letters)], rows, "facts")
    rows = [
        f'<tr data-mark="{letter}"><td class="text">{letter}</td>'
        f"{''.join(cell(one.values[place]) for one in found)}</tr>"
        for place, letter in enumerate(letters)
    ]
    return table([("group", True), *((one.name, False) for one in found)], rows, "facts")


def swatch(look: Look) -> str:
    """A piece of a group's line, as charts have it; none of those that are grey there."""
    if look.is_grey:
        return ""
    dash = "" if look.svg_dash == "none" else f' stroke-dasharray="{look.svg_dash}"'
    line = f'<path d="M1 6H31" stroke="var(--{look.name})" stroke-width="3" fill="none"{dash}/>'
    return f'<svg viewBox="0 0 32 12" aria-hidden="true">{line}</svg>'

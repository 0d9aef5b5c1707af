"""The report on a comparison: one HTML file that needs no network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

from archspec import pages, palette
from archspec.wording import counted
from builder.charts import hover
from builder.charts.svg import svg
from builder.comparison import charts, costs, curves, differences
from builder.comparison.disagreement import SHOWN, p_text
from builder.comparison.groups import Group, Task
from builder.comparison.html_tables import cell, fact_table, group_table, run_table, swatch, table
from builder.comparison.looks import Look, looks
from builder.comparison.pictures import Pair
from builder.comparison.text import conclusion, heading, number, percent, ranked, spread, verdict
from builder.runs.public import public_text

if TYPE_CHECKING:
    from builder.comparison.comparison import Comparison

STYLE = """
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); gap: 0.5rem 1.5rem; }
.charts.three { grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr)); }
.charts svg { width: 100%; height: auto; display: block; }
.key { display: flex; flex-wrap: wrap; gap: 0.1rem 1.2rem; margin: 0.4rem 0; padding: 0; list-style: none;
       font-size: 0.85rem; }
.key svg, td svg { vertical-align: middle; width: 2rem; height: 0.8rem; max-width: none; }
.pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(6.5rem, 1fr)); gap: 0.8rem; }
.pictures figure { margin: 0; font-size: 0.78rem; line-height: 1.3; }
.pictures img { width: 100%; aspect-ratio: 1; object-fit: contain; display: block; background: var(--raised);
                border: 1px solid var(--line); }
.pictures img.small { image-rendering: pixelated; }
.said { padding-left: 1.2rem; } .said li { margin: 0.2rem 0; }
.better { font-weight: 600; }
h3 { font-size: 0.95rem; margin: 1.2rem 0 0.4rem; }
table.facts td { white-space: normal; min-width: 6rem; max-width: 22rem; vertical-align: top; }
table.facts td:first-child { white-space: nowrap; }
td.state { text-align: left; }
"""
MOST_PAIRS = 30
"""Up to so many pairs the table of disagreements has."""
SEEDS = (
    "A group holds runs that are equal but for the seed; ± is the standard deviation over seeds (with n - 1). One "
    "group is called better than another only where the 95 % interval for the difference of their mean errors excludes "
    "zero (Welch 1947, with Satterthwaite's degrees of freedom). It is a statement about seeds that were not tried, on "
    "these data and this division of them."
)
MCNEMAR = (
    "McNemar's exact test (1947) compares two trained networks, whatever their seeds: were each as likely to be right "
    "where exactly one of them is, how probable would so uneven a division be? It says whether these two networks "
    "differ on pictures such as these, and nothing about what the same recipes give with other seeds."
)
BEST = (
    "Errors and losses are those of the best epoch, which was chosen on the same validation pictures; that makes them "
    "slightly too good, for all runs alike. Nothing is smoothed."
)


def page(comparison: Comparison, pictures: Sequence[Pair], missing: str, everything: bool) -> str:
    """The whole report.

    Args:
        comparison: the runs.
        pictures: the pictures on which pairs of runs disagree.
        missing: why there are no pictures, in words; else empty.
        everything: whether fields that are equal in all runs are listed too.
    """
    body = "\n".join([*_head(comparison), *_body(comparison, pictures, missing, everything)])
    return pages.page(heading(comparison), body, STYLE + hover.STYLE, pages.SORTABLE + hover.SCRIPT)


def fragment(comparison: Comparison) -> str:
    """Tables, conclusions and charts as an element, for a notebook."""
    style = f"<style>{palette.variables('.runs')}.runs {{{STYLE}}}</style>"  # for this element alone
    body = "\n".join([*_head(comparison, "h3"), *_body(comparison, (), "", False)])
    return f'<div class="runs">{style}{body}</div>'


def _head(comparison: Comparison, level: str = "h1") -> Iterator[str]:
    yield f"<{level}>{escape(heading(comparison))}</{level}>"
    if len(comparison.tasks) == 1:
        yield f"<p>{escape(comparison.tasks[0].headline)}</p>"


def _body(comparison: Comparison, pictures: Sequence[Pair], missing: str, everything: bool) -> Iterator[str]:
    for place, task in enumerate(comparison.tasks):
        if len(comparison.tasks) > 1:
            yield f"<h2>{escape(task.headline)}</h2>"
        yield from _task(comparison, task, f"t{place}")
    yield from _facts(comparison, everything)
    yield from _disagreements(comparison, pictures, missing)
    notes = [f"<li>{escape(public_text(note))}</li>" for note in comparison.notes()]
    if notes:
        yield f'<h2>Notes</h2><ul class="said">{"".join(notes)}</ul>'


def _task(comparison: Comparison, task: Task, name: str) -> Iterator[str]:
    look = looks(task.groups)
    if len(task.groups) < len(task.records):
        yield "<h2>Groups</h2>" if len(comparison.tasks) == 1 else "<h3>Groups</h3>"
        yield group_table(comparison, task, look)
        yield f'<p class="note">{escape(SEEDS)}</p>'
    said = [one for one in comparison.contrasts if one.first in task.groups]
    if said:
        items = (f"<li{' class=better' if one.better else ''}>{escape(conclusion(one))}</li>" for one in said)
        yield f'<ul class="said">{"".join(items)}</ul>'
    if drawn := list(curves.curves_of(task)):
        yield "<h2>Learning curves</h2>" if len(comparison.tasks) == 1 else "<h3>Learning curves</h3>"
        yield from _charts(comparison, task, drawn, look, name)
        yield _key(comparison, task, look)
        yield f'<p class="note">{escape(_about_curves(task))}</p>'
    if drawn := costs.costs_of(task):
        yield "<h2>Error against cost</h2>" if len(comparison.tasks) == 1 else "<h3>Error against cost</h3>"
        yield from _charts(comparison, task, drawn, look, name)
    yield "<h2>Runs</h2>" if len(comparison.tasks) == 1 else "<h3>Runs</h3>"
    yield run_table(comparison, task, look)
    yield f'<p class="note">{escape(BEST)}</p>'


def _charts(
    comparison: Comparison, task: Task, which: Sequence[str], look: Mapping[str, Look], name: str
) -> Iterator[str]:
    marks = {group.letter: _about_group(comparison, group) for group in task.groups}
    yield f'<div class="charts{" three" if len(which) == 3 else ""}">'
    for one in which:
        yield svg(charts.panel(task, one, look), f"{name}-{one}", marks=marks)
    yield "</div>"


def _about_group(comparison: Comparison, group: Group) -> str:
    """What a chart says of a group under the pointer."""
    runs = counted(len(group.records), "run") if len(group.records) > 1 else comparison.labels[group.records[0]]
    numbers = f"error {spread(group.error, percent)} %, loss {spread(group.loss, number)}"
    return f"{group.letter} {comparison.names[group.letter]}\n{runs}: {numbers}"


def _about_curves(task: Task) -> str:
    parts = []
    if any(len(group.curves("loss")) > 1 for group in task.groups):
        parts.append("Lines are means over seeds, bands their standard deviation; from where only some seeds have "
                     "more epochs, each has a thin line.")  # fmt: skip
    if len(task.groups) > curves.EMPHASISED:
        parts.append(f"Strong lines: the {curves.EMPHASISED} groups with the lowest errors.")
    if len(task.groups) <= curves.WITH_TRAINING:
        parts.append("Thin lines without a band: on training pictures, as they were augmented.")
    if any(one.rows and not one.is_complete for one in task.records):
        parts.append("Thin lines that end in an arrow are of runs that still train; those that end in a cross stopped.")
    if curves.has_zero(task):
        parts.append("An epoch without a mistake is drawn as if half a picture were wrong.")
    return " ".join([*parts, "Nothing is smoothed."])


def _key(comparison: Comparison, task: Task, look: Mapping[str, Look]) -> str:
    items = (
        f'<li data-mark="{group.letter}">{swatch(look[group.letter])} <b>{group.letter}</b> '
        f"{escape(comparison.names[group.letter])}</li>"
        for group in ranked(task.groups)
        if not look[group.letter].is_grey
    )
    grey = sum(one.is_grey for one in look.values())
    more = f"<li>grey: {counted(grey, 'further group')}</li>" if grey else ""
    return f'<ul class="key">{"".join(items)}{more}</ul>'


def _facts(comparison: Comparison, everything: bool) -> Iterator[str]:
    groups = comparison.groups
    if len(groups) < 2 and not everything:
        return
    yield "<h2>What differs</h2>"
    yield fact_table(groups, comparison.facts) if comparison.facts else "<p>Nothing in specs and environments.</p>"
    if any(one.name == "model" for one in comparison.facts):
        yield f'<p class="note">Layer by layer: <code>{escape(differences.spec_command(groups))}</code></p>'
    if everything:
        yield "<h2>All fields</h2>"
        yield fact_table(groups, differences.facts(groups))


# -- pictures --------------------------------------------------------------------------------------------------------


def _disagreements(comparison: Comparison, pictures: Sequence[Pair], missing: str) -> Iterator[str]:
    if not comparison.disagreements:
        return
    yield "<h2>Where two disagree</h2>"
    rows = []
    for one in comparison.disagreements[:MOST_PAIRS]:
        first, second = comparison.labels[one.first], comparison.labels[one.second]
        texts = "".join(f'<td class="text">{escape(text)}</td>' for text in (first, second, one.tested[0].scheme))
        counts = "".join(
            cell(f"{count:,}", count) for count in (one.both, one.first_alone, one.second_alone, one.neither)
        )
        rows.append(
            f"<tr>{texts}{counts}{cell(p_text(one.p), one.p)}"
            f'<td class="text">{escape(verdict(comparison, one))}</td></tr>'
        )
    heads = [("first", True), ("second", True), ("crops", True), ("both right", False), ("first alone", False)]
    yield table([*heads, ("second alone", False), ("both wrong", False), ("p", False), ("better here", True)], rows)
    left = len(comparison.disagreements) - MOST_PAIRS
    more = f" {counted(left, 'further pair')}: see comparison.json." if left > 0 else ""
    yield f'<p class="note">{escape(MCNEMAR + more)}</p>'
    for pair in pictures:
        yield from _pictures(comparison, pair)
    if missing:
        yield f'<p class="note">{escape(missing)}</p>'


def _pictures(comparison: Comparison, pair: Pair) -> Iterator[str]:
    one = pair.disagreement
    first, second = comparison.labels[one.first], comparison.labels[one.second]
    sides = ((first, second, one.first_alone, pair.first), (second, first, one.second_alone, pair.second))
    for right, wrong, count, shown in sides:
        if not count:
            continue
        some = f", the {SHOWN} on which {wrong} is surest" if count > SHOWN else ""
        title = f"Recognised by {right} alone, not by {wrong}: {counted(count, 'picture')}{some}"
        yield f"<h3>{escape(title)}</h3>"
        yield '<div class="pictures">'
        for picture in shown:
            kind = ' class="small"' if picture.is_small else ""
            alt = f"{picture.label}, taken for {picture.predicted}"
            yield (
                f'<figure><img{kind} src="{picture.address}" alt="{escape(alt, quote=True)}">'
                f"<figcaption><b>{escape(picture.label)}</b><br>taken for {escape(picture.predicted)}, "
                f"{100 * picture.probability:.0f} %</figcaption></figure>"
            )
        yield "</div>"

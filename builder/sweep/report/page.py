"""`report.html`: the results of a search in one file that needs no network, and its figures as PNG files."""

from __future__ import annotations

import html
import itertools
from collections.abc import Iterable
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

from archspec import UserError, draw, load, pages
from archspec.search import tuner_name
from archspec.wording import counted
from builder.charts import hover
from builder.charts.style import STYLE as STYLE_OF_CHARTS
from builder.charts.svg import svg
from builder.runs import names
from builder.runs.names import BEST_SPEC
from builder.runs.public import public_spec, public_text
from builder.sweep.plan import values_in_a_line
from builder.sweep.report import marks
from builder.sweep.report.figures import figures
from builder.sweep.report.marks import WIDTH
from builder.sweep.report.table import table
from builder.sweep.results import Results
from builder.system.files import replacing, write_text

TITLES = {
    "parallel_coordinates": "Trials",
    "pareto": "Quality against size and time",
    "learning_curves": "Learning curves",
    "times": "Time per trial",
    "importance": "Importance of the values",
}
NOTES = {
    "pareto": "For a trial on a front, no other is both as small and better.",
    "importance": "Main effects in a random forest over the trials; with few trials only a rough indication.",
}
STYLE = f"""
{hover.STYLE}
.figure svg {{ min-width: 42rem; }}
tr.best td {{ background: var(--raised); font-weight: 600; }}
tr.best td:first-child::after {{ content: " ★"; color: var(--accent); }}
"""


def write_report(results: Results) -> None:
    """Writes `report.html` and `<figure>.png`."""
    drawn = figures(results)
    for name, figure in drawn.items():
        with replacing(results.directory / f"{name}.png") as temporary, matplotlib.rc_context(STYLE_OF_CHARTS):
            figure.savefig(temporary, dpi=120, format="png")
    write_text(results.directory / "report.html", page(results, drawn))


def page(results: Results, drawn: dict[str, Figure]) -> str:
    """Returns the report as HTML, with its figures as SVG."""
    parts, texts = [*_head(results)], marks.texts(results)
    for key, figure in drawn.items():
        parts.append(f'<h2>{TITLES[key]}</h2><div class="wide figure">{svg(figure, key, WIDTH, texts)}</div>')
        if key in NOTES:
            parts.append(f'<p class="note">{NOTES[key]}</p>')
    parts += table(results)
    best = results.directory / BEST_SPEC
    if best.exists():
        parts.append(f"<h2>The network of the best trial</h2>{_network(best)}")
        parts.append(f"<h2>The spec of the best trial</h2><pre>{html.escape(_public_file(best))}</pre>")
    return pages.page(f"Search {results.directory.name}", "\n".join(parts), STYLE, pages.SORTABLE + hover.SCRIPT)


def _head(results: Results) -> Iterable[str]:
    search, outcomes = results.search, results.outcomes
    finished, failed = sum(one.is_finished for one in outcomes), sum(one.has_failed for one in outcomes)
    tuner = tuner_name(search.tuner).replace("_", " ")
    state = "" if results.complete else "; the search has not ended"
    yield f"<h1>Search: {html.escape(_spec_name(results.directory))}</h1>"
    objective = f"{search.objective.direction} {html.escape(search.objective.name)}"
    trials = f"{counted(finished, 'trial')} finished{f', {failed} failed' if failed else ''}"
    yield f"<p>{tuner} for {objective}: {trials}{state}.</p>"
    limits = ", ".join(f"{name.replace('_', ' ')} at most {limit:,}" for name, limit in search.budget.limits())
    if limits:
        yield f"<p>Budget: {limits}.</p>"
    if results.rejected:
        reasons = ", ".join(f"{count} {_reason(reason)}" for reason, count in sorted(results.rejected.items()))
        yield f"<p>Candidates that were drawn and rejected without a trial: {reasons}.</p>"
    best = results.best
    if best is not None:
        yield (
            f"<p>Best: trial {best.trial.id}, {html.escape(search.objective.name)} {best.objective:.4f}, with "
            f"{html.escape(values_in_a_line(best.trial.values))}; {best.trial.trainable_parameters:,} trainable "
            f"parameters, {best.trial.macs:,} MACs.</p>"
        )


def _spec_name(directory: Path) -> str:
    return next(
        (line[6:].strip() for line in (directory / names.SPEC).read_text().splitlines() if line.startswith("name: ")),
        directory.name,
    )


def _public_file(path: Path) -> str:
    """The text of a spec's file and the comments at its beginning, as others may see them."""
    comments = itertools.takewhile(lambda line: line.startswith("#"), path.read_text(encoding="utf-8").splitlines())
    return "".join(f"{public_text(line)}\n" for line in comments) + public_spec(load(path))


def _network(path: Path) -> str:
    """The drawing of a spec's network, or why there is none."""
    try:
        return f'<div class="wide">{draw(load(path)).svg()}</div>'
    except UserError as error:  # it is too large to be drawn
        return f"<p>{html.escape(str(error))}</p>"


def _reason(reason: str) -> str:
    if reason == "invalid":
        return "invalid"
    return "the same as an earlier trial" if reason == "same" else f"over the limit of {reason.replace('_', ' ')}"

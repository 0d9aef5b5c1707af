"""The table of all trials of a search, with links to their runs."""

from __future__ import annotations

import html
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

from builder.runs import names
from builder.runs.public import public_text
from builder.sweep.plan import value_text
from builder.sweep.records import Execution
from builder.sweep.report import marks
from builder.sweep.results import Outcome, Results, cost


def table(results: Results) -> Iterable[str]:
    """Yields the HTML of the table, the best trial first."""
    dimensions = [one.name for one in results.search.space.dimensions]
    objective = results.search.objective.name
    texts = ["trial", "state"]
    numbers = [objective, *dimensions, "trainable parameters", "MACs", "epochs", "training, s", "whole, s"]
    yield '<h2>All trials</h2><p class="note">Each number of a trial leads to the folder of its run; a click on a '
    yield 'heading sorts.</p><div class="wide"><table class="sortable"><thead><tr>'
    yield "".join(f'<th class="text">{head}</th>' for head in texts)
    yield (
        "".join(f"<th>{html.escape(head)}</th>" for head in numbers) + '<th class="text">files</th></tr></thead><tbody>'
    )
    best = results.best
    ranked = sorted(
        results.outcomes,
        key=lambda one: (
            not one.is_finished,
            cost(one.objective, one.direction) if one.is_finished else 0.0,
            one.trial.trainable_parameters,  # as the best of equal ones is the smallest
        ),
    )
    for one in ranked:
        last = _last(one)
        value = f"{one.objective:.4f}" if one.is_finished else ""
        cells = [
            value,
            *(value_text(one.trial.values[name]) if name in one.trial.values else "" for name in dimensions),
        ]
        cells += [f"{one.trial.trainable_parameters:,}", f"{one.trial.macs:,}", str(last.epochs) if last else ""]
        cells += [f"{sum(part.seconds for part in one.executions):.1f}"]
        cells += [f"{sum(part.wall_seconds for part in one.executions):.1f}"]
        mark = ' class="best"' if best is not None and one.trial.id == best.trial.id else ""
        title = f' title="{html.escape(public_text(last.message), quote=True)}"' if last and last.message else ""
        yield f'<tr{mark} data-mark="{marks.gid(one)}"{title}><td class="text">{_run_link(results, one)}</td>'
        yield f'<td class="text">{one.state.replace("_", " ")}</td>'
        yield "".join(f"<td>{html.escape(cell)}</td>" for cell in cells)
        yield f'<td class="text">{_file_links(results, one)}</td></tr>'
    yield "</tbody></table></div>"


def _last(one: Outcome) -> Execution | None:
    """The training that stands for a trial: the best one, or the last if it has not finished."""
    return one.execution if one.is_finished else one.executions[-1] if one.executions else None


def _run_link(results: Results, one: Outcome) -> str:
    """A trial's number, as a link to its run's folder if there is one."""
    last = _last(one)
    run = results.files.run(one.trial, last.number if last else 1)
    return _link(results, run, one.trial.id) or one.trial.id


def _file_links(results: Results, one: Outcome) -> str:
    """Links to what there is to read of a trial."""
    last = _last(one)
    count = last.number if last else 1
    run = results.files.run(one.trial, count)
    found = {"spec": run / names.SPEC, "curve": run / names.LEARNING_CURVE, "log": results.files.log(one.trial, count)}
    return " ".join(filter(None, (_link(results, path, text) for text, path in found.items())))


def _link(results: Results, path: Path, text: str) -> str:
    """A link that works wherever the search's folder is moved to; empty if there is no such file."""
    if not path.exists():
        return ""
    address = quote(path.relative_to(results.directory).as_posix()) + ("/" if path.is_dir() else "")
    return f'<a href="{address}">{text}</a>'

"""A survey of a search as text for a terminal, or as JSON values."""

from __future__ import annotations

import dataclasses
import textwrap
from typing import Any

from archspec import tables
from archspec.candidates.check import Verdict
from archspec.candidates.survey import Survey
from archspec.search.domains import short
from archspec.search.space import Dimension
from archspec.search.tuners import tuner_name

LIMIT_NAMES = {
    "trainable_parameters": "trainable parameters",
    "macs": "MACs",
    "training_activation_bytes": "training memory",
    "inference_activation_bytes": "inference memory",
    "latency_ms": "latency",
}


def to_text(survey: Survey, gflops: float | None = None) -> str:
    """The text of a survey, at most 80 columns wide. `gflops` is a machine's training rate, in GFLOP/s."""
    parts = [_title(survey), _space(survey), _counts(survey), _limits(survey), _networks(survey), _cost(survey, gflops)]
    return "\n\n".join(filter(None, parts))


def _title(survey: Survey) -> str:
    search = survey.search
    best = "highest" if search.objective.direction == "max" else "lowest"
    return _wrapped(f"{survey.spec.name}: {tuner_name(survey.search.tuner)} for the {best} {search.objective.name}")


def _space(survey: Survey) -> str:
    lines = []
    for one in survey.search.space.dimensions:
        text = f"{one.name}: {one.domain.show()}"
        for condition in one.when:
            text += f", when {condition.name} is {' or '.join(map(short, condition.values))}"
        lines.append(_wrapped(f"  {text}{_own(one)}", "      "))
    return "\n".join(["Space", *lines])


def _own(one: Dimension) -> str:
    if one.own is None:
        return ""
    return f" (the spec has {short(one.own)}{'' if one.domain.contains(one.own) else ', which is outside'})"


def _counts(survey: Survey) -> str:
    tally = survey.tally
    size = f"{survey.size:,}" if survey.size < 10**12 else f"{survey.size:.1e}"
    how = "all checked" if survey.every else f"{tally.checked:,} of them drawn at random and checked"
    if survey.search.space.continuous:
        how = f"ten points of each continuous range; {how}"
    rows = [("Candidates", size, how)]
    if survey.every and survey.settings < tally.checked - tally.invalid:
        rows.append(("Networks", f"{survey.settings:,}", "candidates differ in the recipe as well"))
    rows.append(("Valid", *_share(survey, tally.checked - tally.invalid)))
    rows.append(("Inside the budget", *_share(survey, tally.inside)))
    return _lines(rows)


def _share(survey: Survey, count: int) -> tuple[str, str]:
    share, low, high = survey.share(count)
    if survey.every:
        return f"{count:,}", _percent(share)
    return _percent(share), f"{_percent(low)} to {_percent(high)} of all, at 95 % confidence"


def _percent(share: float) -> str:
    text = f"{100 * share:.1f} %"
    return {"0.0 %": "0 %" if share == 0 else "<0.1 %", "100.0 %": "100 %" if share == 1 else ">99.9 %"}.get(text, text)


def _limits(survey: Survey) -> str:
    tally = survey.tally
    rows = []
    for name, limit in survey.search.budget.limits():
        if name == "latency_ms":
            rows.append((LIMIT_NAMES[name], f"{limit:g} ms", "measured when the search runs", ""))
            continue
        excluded, alone = (_percent(survey.share(counts[name])[0]) for counts in (tally.over, tally.over_alone))
        rows.append((LIMIT_NAMES[name], _amount(name, limit), excluded, alone))
    return tables.plain(("limit", "at most", "excludes", "it alone"), rows) if rows else "No budget."


def _amount(name: str, value: float) -> str:
    return tables.size(round(value)) if name.endswith("bytes") else f"{value:,.0f}"


def _networks(survey: Survey) -> str:
    shown = [("smallest inside", survey.smallest), ("largest inside", survey.largest)]
    shown += [("the spec", survey.own)] if survey.own.measures is not None else []  # a search may mend its values
    rows = [(name, *_cells(verdict)) for name, verdict in shown]
    values = [_wrapped(f"{name}: {_values(survey, verdict)}", "    ") for name, verdict in shown[:2]]
    return "\n".join([tables.plain(("network", "trainable", "MACs", "training memory", ""), rows), *values])


def _cells(verdict: Verdict) -> tuple[str, ...]:
    measures = verdict.measures
    assert measures is not None  # candidates within the budget are valid
    over = f"beyond {', '.join(LIMIT_NAMES[name] for name in verdict.over)}" if verdict.over else ""
    step = measures.training_activation_bytes
    training = "auto batch" if step is None else tables.size(step)
    return f"{measures.trainable_parameters:,}", tables.compact(measures.macs), training, over


def _values(survey: Survey, verdict: Verdict) -> str:
    values = verdict.candidate.values
    return " ".join(f"{name}={short(values[name])}" for name in survey.network_names if name in values)


def _cost(survey: Survey, gflops: float | None) -> str:
    cost = survey.cost
    if cost is None:
        return "No 'train' section, so no cost."
    rounds = [f"{count:,} x {epochs:g} epoch{'' if epochs == 1 else 's'}" for count, epochs in cost.trainings]
    shown = rounds if len(rounds) <= 3 else [*rounds[:2], "...", rounds[-1]]
    rows = [("Trials", f"{sum(count for count, _ in cost.trainings):,}", ", ".join(shown))]
    flops = f"{tables.compact(round(cost.flops))} FLOP"
    if cost.pictures is None:
        rows.append(("Cost", flops, "times the training pictures (--pictures N)"))
        return _lines(rows)
    rows.append(("Cost", flops, f"{cost.pictures:,} pictures, 6 x MACs each, estimated"))
    if gflops is not None:
        rows.append(("Time", _duration(cost.flops / gflops / 1e9), f"at {gflops:,g} GFLOP/s"))
    return _lines(rows)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:,.1f} h"


def _lines(rows: list[tuple[str, str, str]]) -> str:
    labels, values = (max(len(row[column]) for row in rows) for column in (0, 1))
    indent = " " * (labels + values + 4)
    return "\n".join(_wrapped(f"{label:<{labels}}  {value:>{values}}  {note}", indent) for label, value, note in rows)


def _wrapped(text: str, indent: str = "  ") -> str:
    return textwrap.fill(text, tables.WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


# -- JSON ------------------------------------------------------------------------------------------------------------


def to_json(survey: Survey, gflops: float | None = None) -> dict[str, Any]:
    """All of a survey as JSON values. Shares are of the candidates checked."""
    tally, cost = survey.tally, survey.cost
    return {
        "name": survey.spec.name,
        "tuner": tuner_name(survey.search.tuner),
        "objective": {"name": survey.search.objective.name, "direction": survey.search.objective.direction},
        "space": {one.name: one.domain.show() for one in survey.search.space.dimensions},
        "size": survey.size,
        "continuous": survey.search.space.continuous,
        "every": survey.every,
        "checked": tally.checked,
        "settings_of_the_network": survey.settings,
        "valid": tally.checked - tally.invalid,
        "inside": tally.inside,
        "inside_interval": list(survey.share(tally.inside)[1:]),
        "limits": {
            name: {"limit": limit, "excludes": tally.over[name], "alone": tally.over_alone[name]}
            for name, limit in survey.search.budget.limits()
        },
        "smallest": _verdict_json(survey.smallest),
        "largest": _verdict_json(survey.largest),
        "own": None if survey.own.measures is None else _verdict_json(survey.own),
        "cost": None
        if cost is None
        else {
            "trainings": [list(one) for one in cost.trainings],
            "pictures": cost.pictures,
            "flops" if cost.pictures else "flops_per_picture": cost.flops,
            "hours": cost.flops / gflops / 3.6e12 if gflops and cost.pictures else None,
        },
    }


def _verdict_json(verdict: Verdict) -> dict[str, Any]:
    measures = verdict.measures
    assert measures is not None
    return {"values": dict(verdict.candidate.values), **dataclasses.asdict(measures), "over": list(verdict.over)}

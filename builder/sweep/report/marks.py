"""A trial in the figures of a search: its mark, what is said where the pointer is, and the width of all figures."""

from __future__ import annotations

from builder.sweep.plan import value_text
from builder.sweep.results import Outcome, Results
from builder.system.terminal import clock

WIDTH = 10.0
"""The width of a figure, in inches."""


def gid(one: Outcome, part: str = "") -> str:
    """The gid of what shows a trial, or of one of several parts of a figure that do."""
    return f"trial-{one.trial.id}{f':{part}' if part else ''}"


def number(one: Outcome) -> str:
    """The number of a trial, as short as labels need it."""
    return one.trial.id.lstrip("0") or one.trial.id


def seconds(results: Results, one: Outcome) -> float:
    """The seconds of training and validation that a trial has taken, in all of its rounds."""
    rounds = (other for other in results.outcomes if other.trial.root == one.trial.root)
    return sum(part.seconds for other in rounds for part in other.executions)


def time_unit(longest: float) -> tuple[float, str]:
    """The unit in which times of up to so many seconds are shown: its seconds, and its name."""
    return (1, "s") if longest < 180 else (60, "min") if longest < 180 * 60 else (3600, "h")


def texts(results: Results) -> dict[str, str]:
    """What is said of each trial, by the gid of its marks."""
    return {gid(one): _text(results, one) for one in results.outcomes}


def _text(results: Results, one: Outcome) -> str:
    trial = one.trial
    lines = [f"Trial {trial.id}" + ("" if one.is_finished else f", {one.state.replace('_', ' ')}")]
    if one.is_finished:
        lines.append(f"{results.search.objective.name} {one.objective:.4f}")
    lines += [f"{name} = {value_text(value)}" for name, value in trial.values.items()]
    lines.append(f"{trial.trainable_parameters:,} trainable parameters, {trial.macs:,} MACs")
    if one.executions:
        lines.append(f"{one.executions[-1].epochs} epochs in {clock(seconds(results, one))} of training")
    return "\n".join(lines)

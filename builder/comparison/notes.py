"""What a reader of a comparison has to know besides its numbers: what does not count, and what was not measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from archspec.wording import counted, first_few
from builder.comparison import differences, latency
from builder.comparison.groups import Group
from builder.comparison.record import COMPLETE, IMPORTED, STOPPED, TRAINING, Record
from builder.runs.advice import resume_command
from builder.runs.evaluations import evaluate_command

if TYPE_CHECKING:
    from builder.comparison.comparison import Comparison

NAMED = 3
"""How many runs a note names."""
MACHINE = ("devices", "instruction_set", "cpus")
"""What decides how long a training takes."""


def notes(comparison: Comparison) -> Iterator[str]:
    """Notes, a sentence each, in the order of their weight."""
    call = comparison.labels.__getitem__
    if len(comparison.tasks) > 1:
        letters = "; ".join(f"{_letters(task.groups)}: {task.headline}" for task in comparison.tasks)
        is_unclear = len({task.headline for task in comparison.tasks}) < len(comparison.tasks)
        told = ", which have other pictures or classes" if is_unclear else ""
        yield f"the runs were trained on different data{told}, so results are compared within each only: {letters}"
    yield from _states(comparison.records, call)
    for task in comparison.tasks:
        yield from _incomparable(task.groups)
    for group in comparison.groups:
        yield from _of_group(group)
    trained = [group for group in comparison.groups if group.complete]
    if len(trained) > 1 and all(len(group.seeds) < 2 for group in trained):
        yield (
            "each group has a single seed, so nothing can be said of what other seeds would give; train with several, "
            "such as --set train.seed=1"
        )
    if max(sum(one.error is not None for one in comparison.contrasts), len(comparison.disagreements)) > 1:
        yield "each interval and test stands for itself: of equally good ones, one in twenty differs as much by chance"
    yield from _times(comparison.records, call)
    yield from _untested(comparison, call)
    for one in comparison.records:
        yield from one.notes


def _states(records: Sequence[Record], call: Callable[[Record], str]) -> Iterator[str]:
    """Runs whose training has not come to its end."""
    for one in records:
        if one.state in (COMPLETE, IMPORTED) and not one.reason:
            continue
        reason = f": {one.reason}" if one.reason else ""
        if one.state == TRAINING:
            yield f"{call(one)} is training, epoch {one.epochs} of {one.epochs_planned}, and does not count yet{reason}"
        elif one.state == STOPPED:
            resume = f"; {resume_command('train', one.directory)}" if not one.is_of_search else ""
            yield f"{call(one)} was stopped and does not count{reason}{resume}"
        elif one.state in (COMPLETE, IMPORTED):
            yield f"{call(one)}{reason}"
        else:
            yield f"{call(one)} {_failed(one.state)} and does not count{reason}"


def _failed(state: str) -> str:
    words = {"failed": "failed", "diverged": "diverged", "killed": "was killed", "unreadable": "cannot be read"}
    return words.get(state, f"ended: {state.replace('_', ' ')},")


def _incomparable(groups: Sequence[Group]) -> Iterator[str]:
    """What the groups of one task have measured in different ways."""
    recipes = [(group.letter, recipe) for group in groups if (recipe := group.records[0].recipe) is not None]

    def differ(value: Callable[[Any], Any]) -> str:
        found: dict[Any, list[str]] = {}
        for letter, recipe in recipes:
            found.setdefault(value(recipe), []).append(letter)
        return "; ".join(f"{key} in {', '.join(some)}" for key, some in found.items()) if len(found) > 1 else ""

    if monitors := differ(lambda recipe: recipe.checkpoints.best):
        yield f"the best epoch is chosen by different metrics, {monitors}; that favours the metric that chose"
    if smoothing := differ(lambda recipe: recipe.label_smoothing):
        yield f"losses are not comparable, as their label smoothing differs ({smoothing}); errors are"
    if sizes := differ(lambda recipe: recipe.eval_resize or recipe.resize):
        yield f"validation pictures are resized differently: {sizes}"


def _of_group(group: Group) -> Iterator[str]:
    if seeds := group.repeated_seeds:
        numbers = ", ".join(map(str, seeds))
        yield f"{group.letter} has several runs with the seed {numbers}, whose mean counts once"
    if inside := differences.inside(group):
        yield f"the runs of {group.letter} differ in more than the seed: {', '.join(inside)}"
    ended = [one for one in group.records if not one.is_complete]
    if group.complete and ended:
        yield (
            f"{group.letter} has {counted(len(group.complete), 'complete run')} of {len(group.records)}; if those that "
            "failed did so because of their seed, its mean is too good"
        )


def _times(records: Sequence[Record], call: Callable[[Record], str]) -> Iterator[str]:
    """What was timed on different machines, or not at all."""
    machines = {
        tuple(str(one.run.environment.get(name)) for name in MACHINE)
        for one in records
        if one.run is not None and one.rows
    }
    if len(machines) > 1:
        yield "the runs were trained on different devices, so their seconds are not comparable"
    timed = [one for one in records if one.latency is not None]
    untimed = [one for one in records if one.latency is None and (one.is_complete or one.state == IMPORTED)]
    if len({(one.latency.by, one.latency.machine) for one in timed if one.latency}) > 1:
        yield "latencies were measured in different ways or on different machines, so they are not comparable"
    if untimed:
        yield (
            f"the latency of {_few(untimed, call)} was not measured; "
            f"{latency.command(untimed[0].directory)} measures it"
        )


def _untested(comparison: Comparison, call: Callable[[Record], str]) -> Iterator[str]:
    """What could not be compared picture by picture."""
    missing = [one for one in comparison.records if not one.tested and (one.is_complete or one.state == IMPORTED)]
    if missing and len(comparison.records) > 1:
        yield (
            f"{_few(missing, call)} {'has' if len(missing) == 1 else 'have'} no evaluation, so it is not known which "
            f"pictures they recognise; {evaluate_command(missing[0].directory)} tests one"
        )
    yield from first_few(comparison.untested, NAMED)


def _few(records: Sequence[Record], call: Callable[[Record], str]) -> str:
    return ", ".join(first_few([call(one) for one in records], NAMED))


def _letters(groups: Sequence[Group]) -> str:
    return ", ".join(first_few([group.letter for group in groups], 2 * NAMED))

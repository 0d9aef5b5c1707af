"""A run that is trained for more epochs than it began with: `--resume RUN --set train.epochs=65`."""

from __future__ import annotations

from pathlib import Path

from archspec import Spec, load
from archspec.errors import file_problem
from archspec.recipe import SCHEDULES, Train
from archspec.recipe.schedules import Training
from archspec.spec.addresses import recipe_of
from builder.runs.metrics import read_metrics
from builder.runs.names import METRICS, SPEC

STEPS = 1000
"""Steps of an epoch for the rates in a message, where the data are not loaded yet."""


def check_extension(directory: Path, spec: Spec, extend: bool) -> None:
    """Refuses a change of `train.epochs` that a run cannot take when it is resumed.

    More epochs change nothing about those that are done where the learning rate does not depend on their number. Where
    it does, the rate leaves the curve that the run has followed so far, which the user has to ask for.

    Args:
        directory: the run's, with a `spec.yaml` that is like `spec` otherwise.
        spec: the spec to resume it with.
        extend: whether a change of the learning rate's curve is asked for.

    Raises:
        FileError: there are fewer epochs, or more of them would change the curve and `extend` is false.
    """
    path = directory / SPEC
    if not path.exists():  # the run was stopped before the spec was written
        return
    before, now = recipe_of(load(path)), recipe_of(spec)
    changed = f"train.epochs was {before.epochs}, is {now.epochs}"
    if now.epochs < before.epochs:
        raise file_problem(
            directory,
            f"{changed}, and a run can only be made longer; give at least --set train.epochs={before.epochs}, or start "
            "a new run",
        )
    if now.epochs == before.epochs or extend or not now.schedule.depends_on_length:
        return
    done = _epochs_done(directory)
    if not done:
        return
    old, new = _next_rate(before, done), _next_rate(now, done)
    raise file_problem(
        directory,
        f"{changed}, and the {_name(now)} schedule depends on the number of epochs: after epoch {done}, where the "
        f"learning rate is {old:.3g}, the longer curve continues at {new:.3g}; give --extend (in Python extend=True) "
        "if that is meant",
    )


def extended_from(directory: Path, spec: Spec) -> int | None:
    """The number of epochs that a run was to have so far, if `spec` has more."""
    path = directory / SPEC
    if not path.exists():
        return None
    before = recipe_of(load(path)).epochs
    return before if before < recipe_of(spec).epochs else None


def _epochs_done(directory: Path) -> int:
    try:
        return len(read_metrics(directory / METRICS))
    except (OSError, ValueError):  # they are written again from the checkpoint
        return 0


def _next_rate(recipe: Train, done: int) -> float:
    """The rate of the first step after some epochs, without the drops of a plateau."""
    training = Training(batch_size=recipe.global_batch, steps_per_epoch=STEPS, epochs=recipe.epochs)
    return recipe.schedule.rate(done * STEPS, training)


def _name(recipe: Train) -> str:
    return next(name for name, record in SCHEDULES.items() if record.build is type(recipe.schedule))

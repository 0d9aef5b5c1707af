"""The recipe of a run in a few rows of a table, for its model card."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from typing import Any

from archspec.recipe import Train
from builder.exports.markdown import escaped
from builder.runs.public import public_path
from builder.runs.run import Run

SHOWN = ("data", "augment", "optimizer", "learning_rate", "batch_size", "epochs", "precision", "seed")
"""The fields of a recipe that have a row of their own."""
IRRELEVANT = ("cache", "checkpoints", "distribute", "xla", "rematerialize")
"""The fields that change no result."""


def rows(run: Run, best: Mapping[str, float] | None) -> Iterator[tuple[str, str]]:
    """What was done, and how, in Markdown.

    Args:
        run: the run.
        best: the row of `metrics.csv` of the epoch that is exported; None if it is not known.
    """
    recipe = run.recipe
    yield "augmentation", ", ".join(map(_escaped, recipe.augment)) or "none"
    yield "optimizer", f"{_whole(recipe.optimizer)}, batches of {recipe.batch_size}"
    yield "learning rate", _whole(recipe.learning_rate)
    yield "epochs", f"{recipe.epochs}{_kept(recipe, best)}"
    yield "precision", f"{recipe.precision}; the files are float32 unless they say otherwise"
    if others := _others(recipe):
        yield "other settings", ", ".join(others)
    yield "seed", f"{recipe.seed}"
    yield "normalisation", f"built in: mean {_numbers(run.about.mean)}, deviation {_numbers(run.about.std)}"
    yield "versions", ", ".join(_versions(run.environment))


def _kept(recipe: Train, best: Mapping[str, float] | None) -> str:
    """Which of the epochs is exported."""
    if best is None:
        return ""
    return f"; the weights are those of epoch {int(best['epoch'])}, the best by `{recipe.checkpoints.best}`"


def _others(recipe: Train) -> list[str]:
    """The other fields that are not as they are by default."""
    return [
        f"{field.name} {_escaped(value)}"
        for field in dataclasses.fields(recipe)
        if field.name not in (*SHOWN, *IRRELEVANT) and (value := getattr(recipe, field.name)) != _default(field)
    ]


def _escaped(value: Any) -> str:
    return escaped(described(value))


def _whole(value: Any) -> str:
    return escaped(described(value, whole=True))


def described(value: Any, whole: bool = False) -> str:
    """A value of a recipe as words; of a record those fields that are not as they are by default, or all that are set.

    Args:
        value: a value that a spec can have.
        whole: whether fields are shown that are as they are by default.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        given = [
            f"{field.name} {described(one)}"
            for field in dataclasses.fields(value)
            if (one := getattr(value, field.name)) != _default(field) or (whole and one is not None)
        ]
        name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(value).__name__).lower()
        return f"{name} ({', '.join(given)})" if given else name
    if isinstance(value, tuple):
        return f"[{', '.join(map(described, value))}]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:g}"
    return public_path(value) if isinstance(value, str) else str(value)


def _default(field: dataclasses.Field[Any]) -> Any:
    return field.default if field.default_factory is dataclasses.MISSING else field.default_factory()


def _numbers(values: tuple[float, ...]) -> str:
    return ", ".join(f"{value:.4g}" for value in values)


def _versions(environment: Mapping[str, Any]) -> Iterator[str]:
    """The versions of what it was trained with."""
    if python := environment.get("python"):
        yield f"Python {escaped(str(python))}"
    for package, version in environment.get("packages", {}).items():
        if version:
            yield f"{package} {escaped(str(version))}"
    if commit := environment.get("git_commit"):
        yield f"convspec at commit {escaped(str(commit)[:12])}"

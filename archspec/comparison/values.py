"""Where two pieces of data differ: the values of recipes, and any others that have paths."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from archspec.recipe import AUGMENTATIONS, DATA, DISTRIBUTE, OPTIMIZERS, SCHEDULES
from archspec.source.expressions import has_expression
from archspec.spec import overrides
from archspec.spec.paths import PathError
from archspec.spec.spec import Spec


@dataclass(frozen=True)
class Missing:
    """What stands in the place of a value that is not given."""

    def __str__(self) -> str:
        return "not given"


MISSING = Missing()


class Differing(NamedTuple):
    """A value that is another one.

    Attributes:
        path: where it stands, such as `train.optimizer.sgd.momentum`.
        before: the first value, or MISSING.
        after: the second value, or MISSING.
    """

    path: str
    before: Any
    after: Any


def differing(before: Any, after: Any, path: str = "") -> Iterator[Differing]:
    """The innermost values at which two pieces of data differ: mappings are compared key by key, and lists of one
    length item by item. One-key mappings of different keys, which choose different things, differ as a whole."""
    if isinstance(before, Mapping) and isinstance(after, Mapping) and not _is_other_choice(before, after):
        for key in {**before, **after}:
            yield from differing(before.get(key, MISSING), after.get(key, MISSING), f"{path}.{key}".lstrip("."))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for i, pair in enumerate(zip(before, after, strict=True)):
            yield from differing(*pair, f"{path}[{i}]")
    elif before != after or (type(before) is not type(after) and not (_is_number(before) and _is_number(after))):
        yield Differing(path, before, after)


def _is_other_choice(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    return (
        len(before) == len(after) == 1
        and before.keys() != after.keys()
        and isinstance(next(iter(before.values())), Mapping)
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


# -- recipes ---------------------------------------------------------------------------------------------------------


def recipe_changes(before: Spec, after: Spec) -> list[Differing]:
    """The fields of `params`, `train` and `search` that differ, by their dotted paths.

    A field of `train` that a spec leaves out has its default; MISSING stands where a section, a parameter or a name of
    the search is not given at all.
    """
    found = differing(_data(before), _data(after))
    return [Differing(path, _as_written(before, path, a), _as_written(after, path, b)) for path, a, b in found]


def _data(spec: Spec) -> dict[str, Any]:
    """The sections' values: of parameters as they are computed, of `train` with defaults, of `search` as written."""
    train = spec.train
    if train is not None:
        train = dataclasses.replace(train, learning_rate=train.schedule, weight_decay=train.penalty)
    search = spec.tree.value.get("search")
    sections = {"params": dict(spec.params), "train": _plain(train), "search": search and search.plain()}
    return {name: value for name, value in sections.items() if value}


CHOICES = {
    record.build: name
    for records in (DATA, OPTIMIZERS, SCHEDULES, AUGMENTATIONS, DISTRIBUTE)
    for name, record in records.items()
}
"""The words for the kinds of values that are chosen by a word."""


def _plain(value: Any) -> Any:
    """A value of a recipe as plain data, with all its fields: `{sgd: {momentum: 0.9, nesterov: false}}`."""
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if not dataclasses.is_dataclass(value):
        return value
    fields = {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    name = CHOICES.get(type(value))
    return fields if name is None else {name: fields}


def _as_written(spec: Spec, path: str, value: Any) -> Any:
    """A value as the spec has it, which is shorter than with all its defaults, where it holds no expressions."""
    if not isinstance(value, Mapping | list):
        return value
    try:
        tree = overrides.value_at(spec.tree, path)
    except PathError:
        tree = None
    plain = tree.plain() if tree is not None else None
    return value if plain is None or _has_expressions(plain) else plain


def _has_expressions(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(map(_has_expressions, value.values()))
    return any(map(_has_expressions, value)) if isinstance(value, list) else has_expression(value)

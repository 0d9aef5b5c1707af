"""The `params` section: named values, which may be computed from each other."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from archspec.errors import INVALID, Problem
from archspec.fields.base import MAX_WORK, Reader, weight
from archspec.source.expressions import FUNCTIONS, PATTERN, ExpressionError, has_expression
from archspec.source.tree import Tree
from archspec.wording import describe, quoted


def check_name(name: str, tree: Tree, path: str, reader: Reader) -> None:
    """Reports a name that no parameter may have, as expressions could not use it."""
    if keyword.iskeyword(name) or name in FUNCTIONS:
        reader.fail(tree, path, f"'{name}' means something else in expressions; give the parameter another name", name)
    elif not name.isidentifier():
        message = f"{quoted(name)} cannot be a parameter's name; use letters, digits and '_', a letter first"
        reader.fail(tree, path, message, name)


def read_params(tree: Tree | None, reader: Reader) -> Mapping[str, Any]:
    """The values of the parameters; INVALID for each whose problem has been reported."""
    if tree is None or tree.value is None:
        return {}
    if not isinstance(tree.value, dict):
        reader.expect(tree, "params", "a mapping from names to values")
        return _Anything()
    for name in tree.value:
        check_name(name, tree, f"params.{name}", reader)
    params = _Params(tree, reader)
    return {name: params[name] for name in params}


def with_values_from_outside(
    problems: Iterable[Problem], params: Tree | None, values: Mapping[str, Any]
) -> list[Problem]:
    """The problems; those at a `${...}` get a note for each value in it that comes from `--set`, not from the file."""
    trees = params.value if params is not None and isinstance(params.value, dict) else {}
    outside = {name: tree for name, tree in trees.items() if tree.span is None or not tree.span.source.is_file}
    return [_noted(problem, outside, values) for problem in problems] if outside else list(problems)


def _noted(problem: Problem, outside: Mapping[str, Tree], values: Mapping[str, Any]) -> Problem:
    span = problem.where.span
    if span is None or not span.source.is_file:
        return problem
    text = span.source.line(span.line)[span.column : span.column + span.length]
    names = {name for expression in PATTERN.findall(text) for name in _NAMES.findall(expression)}
    notes = []
    for name in sorted(names & outside.keys()):
        given = outside[name].span
        by = f"{given.source.name} {given.source.text}" if given else "an override"
        if values.get(name, INVALID) is not INVALID:
            notes.append(f"{name} is {describe(values[name])}, set by {by}")
    return replace(problem, notes=(*notes, *problem.notes)) if notes else problem


_NAMES = re.compile(r"[^\W\d]\w*")


class _Anything(dict[str, Any]):
    """Stands for parameters that could not be read; their use causes no further problem."""

    def __contains__(self, name: object) -> bool:
        return True

    def __getitem__(self, name: str) -> Any:
        return INVALID


class _Params(Mapping[str, Any]):
    """Parameters by name; each is evaluated once, at its first use."""

    def __init__(self, tree: Tree, reader: Reader):
        self.trees, self.reader = tree.value, reader
        self.values_: dict[str, Any] = {}
        self.active: list[str] = []

    def __iter__(self) -> Iterator[str]:
        return iter(self.trees)

    def __len__(self) -> int:
        return len(self.trees)

    def __contains__(self, name: object) -> bool:
        return name in self.trees

    def __getitem__(self, name: str) -> Any:
        if name not in self.values_:
            if name in self.active:
                circle = " → ".join([*self.active[self.active.index(name) :], name])
                raise ExpressionError(f"the parameters depend on each other in a circle: {circle}")
            if len(self.active) >= MAX_CHAIN:
                raise ExpressionError(f"more than {MAX_CHAIN} parameters in a chain, the limit")
            self.active.append(name)
            self.values_[name] = self.evaluated(self.trees[name], f"params.{name}")
            self.active.pop()
        return self.values_[name]

    def evaluated(self, tree: Tree, path: str) -> Any:
        if isinstance(tree.value, list):
            items = [self.evaluated(part, f"{path}[{i}]") for i, part in enumerate(tree.value)]
            self.reader.spend(tree, path, values=weight(items, MAX_WORK))
            return INVALID if INVALID in items else items
        if isinstance(tree.value, dict):
            return self.reader.expect(tree, path, "a number, a text, true, false or a list of them")
        if not has_expression(tree.value):
            return tree.value
        return self.reader.evaluate(tree, path, self)


MAX_CHAIN = 50
"""How many parameters may be computed from each other in a row, where each is written before the one that it uses."""

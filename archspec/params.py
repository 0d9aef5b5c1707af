"""The `params` section: names for values, which may be computed from each other."""

from __future__ import annotations

import keyword
from collections.abc import Iterator, Mapping
from typing import Any

from archspec.errors import INVALID, quoted
from archspec.expressions import ExpressionError, has_expression
from archspec.forms import Reader
from archspec.reading import MAX_WORK, weight
from archspec.source import Tree

_FUNCTIONS = ("min", "max", "round", "int")


def check_name(name: str, tree: Tree, path: str, reader: Reader) -> None:
    """Reports a parameter's name that expressions could not use."""
    if keyword.iskeyword(name) or name in _FUNCTIONS:
        reader.fail(tree, path, f"'{name}' means something else in expressions; give the parameter another name", name)
    elif not name.isidentifier():
        message = f"{quoted(name)} cannot be a parameter's name; use letters, digits and '_', a letter first"
        reader.fail(tree, path, message, name)


def read_params(tree: Tree | None, reader: Reader) -> Mapping[str, Any]:
    """The parameters' values. Those about which a problem has been reported are INVALID."""
    if tree is None or tree.value is None:
        return {}
    if not isinstance(tree.value, dict):
        reader.expect(tree, "params", "a mapping from names to values")
        return _Anything()
    for name in tree.value:
        check_name(name, tree, f"params.{name}", reader)
    params = _Params(tree, reader)
    return {name: params[name] for name in params}


class _Anything(dict[str, Any]):
    """Stands for parameters that could not be read: whatever uses one has been reported by that."""

    def __contains__(self, name: object) -> bool:
        return True

    def __getitem__(self, name: str) -> Any:
        return INVALID


class _Params(Mapping[str, Any]):
    """Parameters by name; each is evaluated once, when first asked for."""

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
"""Parameters, each computed from the next; those written in their order of use need none."""

"""Reads the `search` section: compares the names, values and conditions of its space with the spec it stands in."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from archspec.errors import INVALID, SpecError, Where
from archspec.fields.base import Reader
from archspec.search.domains import Domain
from archspec.search.entries import SpaceEntry
from archspec.search.section import SEARCH
from archspec.search.space import Condition, Dimension, Space
from archspec.source.expressions import ExpressionError, evaluate, has_expression
from archspec.source.tree import Tree, wrap
from archspec.spec import overrides
from archspec.spec.paths import PathError, steps_of
from archspec.wording import describe, did_you_mean

PATH = "search.space"
MAX_NAMES = 100
MAX_CONDITIONAL = 16
"""Names with conditions. In the worst case each of them doubles the time to count a grid."""


def read_search(section: Tree, spec: Tree, reader: Reader) -> Any:
    """The `search` section as a `Search`; INVALID, and problems, where it does not fit the spec.

    Args:
        section: the section.
        spec: the whole spec's tree.
        reader: has the parameters' values, and takes the problems.
    """
    values = SEARCH.values(section, "search", reader, spec.key_span("search"))
    if values is INVALID:
        return INVALID
    entries = {name: entry for name, entry in values["space"] if entry is not None}
    space = _space(entries, section.value["space"], spec, reader)
    return INVALID if space is INVALID else SEARCH.construct({**values, "space": space}, section, "search", reader)


def _space(entries: Mapping[str, SpaceEntry], tree: Tree, spec: Tree, reader: Reader) -> Any:
    """The space of these entries; INVALID, and problems, where they do not fit the spec."""
    if not entries:
        return reader.fail(tree, PATH, "the space is empty; name at least one parameter or path to search over")
    if len(entries) > MAX_NAMES:
        return reader.fail(tree, PATH, f"{len(entries):,} names; the limit is {MAX_NAMES}")
    conditional = [name for name, entry in entries.items() if entry.when is not None]
    if len(conditional) > MAX_CONDITIONAL:
        name, message = conditional[MAX_CONDITIONAL], f"more than {MAX_CONDITIONAL} names with conditions, the limit"
        return reader.fail(tree, f"{PATH}.{name}", message, name)
    before = len(reader.problems)
    dimensions = _names(entries, tree, spec, reader)
    for name, entry in entries.items():
        if name in dimensions:
            conditions = _conditions(name, entry, entries, tree, reader)
            known = tuple(condition for condition in conditions if condition.name in dimensions)
            dimensions[name] = dataclasses.replace(dimensions[name], when=known)
    ordered = _ordered(dimensions, spec, tree, reader)
    if ordered is INVALID:
        return INVALID
    space = Space(ordered)
    for one in space.dimensions:
        problem = _path_problem(one, space, spec)
        if problem:
            reader.fail(tree, one.where.path, problem, one.name)
    return INVALID if len(reader.problems) > before else space


def _names(entries: Mapping[str, SpaceEntry], tree: Tree, spec: Tree, reader: Reader) -> dict[str, Dimension]:
    """The names that the spec knows, each with its default."""
    dimensions: dict[str, Dimension] = {}
    taken: dict[tuple[str | int, ...], str] = {}
    for name, entry in entries.items():
        path = f"{PATH}.{name}"
        try:
            steps = tuple(steps_of(name, spec))
        except PathError as error:
            reader.fail(tree, path, str(error), name)
            continue
        if steps[0] in ("search", "expect", "name", "description") or steps == ("params",):
            reader.fail(tree, path, f"'{steps[0]}' cannot be searched over", name)
        elif steps in taken:
            reader.fail(tree, path, f"is the same as '{taken[steps]}'; keep one of them", name)
        else:
            taken[steps] = name
            own = _own_value(name, spec, reader)
            default = _default(entry, own, path, reader)
            where = Where(path, tree.key_span(name))
            dimensions[name] = Dimension(name, entry.domain, default, own, where=where)
    return dimensions


def _path_problem(one: Dimension, space: Space, spec: Tree) -> str | None:
    """Why a path leads nowhere although its conditions are met; None where it leads somewhere."""
    values = {**space.satisfying(one.name), one.name: one.default}
    try:
        overrides.apply(spec, {name: wrap(value, None) for name, value in values.items()})
    except SpecError as error:
        return next((problem.message for problem in error.problems if problem.where.path == one.name), None)
    return None


def _own_value(name: str, spec: Tree, reader: Reader) -> Any:
    """The value that the spec has now, None where it says nothing."""
    tree = overrides.value_at(spec, name)
    if tree is None:
        return None
    if not has_expression(tree.value):
        return tree.plain()
    try:
        return evaluate(tree.value, reader.names)
    except ExpressionError:  # reported where it stands
        return None


def _default(entry: SpaceEntry, own: Any, path: str, reader: Reader) -> Any:
    """The default that is written, which must be in the domain; without one, the value nearest to the spec's own."""
    if entry.default is None:
        return entry.domain.nearest(own)
    value = entry.default.plain()
    if not entry.domain.contains(value):
        return reader.expect(entry.default, f"{path}.default", f"a value of {entry.domain.show()}")
    return entry.domain.nearest(value)


def _conditions(
    name: str, entry: SpaceEntry, entries: Mapping[str, SpaceEntry], tree: Tree, reader: Reader
) -> tuple[Condition, ...]:
    if entry.when is None:
        return ()
    conditions = []
    for other, value in entry.when.value.items():
        path = f"{PATH}.{name}.when.{other}"
        if other not in entries:
            known = [known for known in entries if known != name]
            message = f"no other name of the space is '{other}'{did_you_mean(other, known)}"
            reader.fail(entry.when, path, message, other)
            continue
        domain = entries[other].domain
        if domain.continuous:
            message = f"'{other}' is never exactly a number, as it may be any of {domain.show()}; give it a step"
            reader.fail(entry.when, path, message, other)
            continue
        conditions.append(Condition(other, _values(value, domain, other, path, reader)))
    return tuple(conditions)


def _values(tree: Tree, domain: Domain, other: str, path: str, reader: Reader) -> tuple[Any, ...]:
    """The values of a condition, written as a list or as one value."""
    several = isinstance(tree.value, list) and not domain.contains(tree.plain())
    parts = tree.value if several else [tree]
    if not parts:
        reader.fail(tree, path, f"the list is empty; name at least one value of '{other}'")
        return (domain.point(0),)  # any will do, so that the rest can be checked
    for part in parts:
        if not domain.contains(part.plain()):
            reader.fail(part, path, f"'{other}' is never {describe(part.value)}; it may be {domain.show()}")
    return tuple(domain.nearest(part.plain()) for part in parts)


def _ordered(dimensions: Mapping[str, Dimension], spec: Tree, tree: Tree, reader: Reader) -> Any:
    """The dimensions, each after those that its conditions name and those whose values it changes a part of."""
    steps = {name: steps_of(name, spec) for name in dimensions}
    needs = {
        name: [*(condition.name for condition in one.when)]
        + [other for other in dimensions if other != name and steps[name][: len(steps[other])] == steps[other]]
        for name, one in dimensions.items()
    }
    ordered: dict[str, Dimension] = {}
    active: list[str] = []

    def visit(name: str) -> bool:
        if name in active:
            circle = " → ".join([*active[active.index(name) :], name])
            message = f"the conditions depend on each other in a circle: {circle}"
            reader.fail(tree, f"{PATH}.{name}", message, name)
            return False
        if name in ordered:
            return True
        active.append(name)
        if not all(visit(other) for other in needs[name]):
            return False
        active.pop()
        ordered[name] = dimensions[name]
        return True

    return tuple(ordered.values()) if all(visit(name) for name in dimensions) else INVALID

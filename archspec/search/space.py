"""The space of a search: its names with the values each may have, and the candidates in it."""

from __future__ import annotations

import functools
import itertools
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from archspec.errors import Where
from archspec.search.domains import Domain, canonical


@dataclass(frozen=True)
class Condition:
    """A condition for setting a name: another name of the space, and the values it must have."""

    name: str
    values: tuple[Any, ...]

    def holds(self, values: Mapping[str, Any]) -> bool:
        """Whether the values of other names meet the condition."""
        return self.name in values and canonical(values[self.name]) in self._accepted

    @functools.cached_property
    def _accepted(self) -> frozenset[str]:
        """The values in the form in which they are compared."""
        return frozenset(map(canonical, self.values))


@dataclass(frozen=True)
class Dimension:
    """One name of a space.

    Attributes:
        name: a parameter, or the path of anything in the spec.
        domain: the values that it may have.
        default: the value to start from: the spec's own, or the nearest to it in the domain, unless the space sets it.
        own: the spec's own value; None where it has none.
        when: the conditions under which the name is set at all; otherwise the spec's own value stays.
        where: the address of its entry.
    """

    name: str
    domain: Domain
    default: Any
    own: Any = None
    when: tuple[Condition, ...] = ()
    where: Where = field(default=Where(""), compare=False, repr=False)

    def active(self, values: Mapping[str, Any]) -> bool:
        """Whether all conditions for setting the name hold."""
        return all(condition.holds(values) for condition in self.when)


@dataclass(frozen=True, eq=False)
class Candidate:
    """One point of a space: the value of each name that is set. Candidates with equal values are equal."""

    values: Mapping[str, Any]

    @cached_property
    def key(self) -> str:
        """A text that equal candidates share, in whatever order their names are."""
        return canonical(dict(self.values))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Candidate) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)


@dataclass(frozen=True)
class Space:
    """The names of a search, each after the names in its conditions."""

    dimensions: tuple[Dimension, ...]

    def __getitem__(self, name: str) -> Dimension:
        """The dimension of a name."""
        return next(one for one in self.dimensions if one.name == name)

    @property
    def continuous(self) -> bool:
        """Whether there are infinitely many candidates."""
        return any(one.domain.continuous for one in self.dimensions)

    def candidate(self, values: Mapping[str, Any]) -> Candidate:
        """The candidate with these values; names whose conditions do not hold are left out."""
        counting: dict[str, Any] = {}
        for one in self.dimensions:
            if one.active(counting):
                counting[one.name] = values[one.name]
        return Candidate(counting)

    def defaults(self) -> dict[str, Any]:
        """The default value of each name."""
        return {one.name: one.default for one in self.dimensions}

    def sample(self, rng: random.Random, fixed: Mapping[str, Any] | None = None) -> Candidate:
        """Draws a candidate at random: each name independently, uniformly in share of its domain.

        Names in `fixed` have the value given there.
        """
        drawn = {one.name: one.domain.at(rng.random()) for one in self.dimensions}
        return self.candidate({**drawn, **(fixed or {})})

    def satisfying(self, name: str) -> dict[str, Any]:
        """Values of other names that meet the conditions of a name, and the conditions of those names in turn."""
        values: dict[str, Any] = {}
        for condition in self[name].when:
            values |= self.satisfying(condition.name)
        for condition in self[name].when:
            values.setdefault(condition.name, condition.values[0])
        return values

    def grid(self) -> Iterator[Candidate]:
        """Yields every candidate, the last name varying fastest, with ten points of each continuous range."""
        return map(Candidate, self._grid(0, {}))

    def _grid(self, index: int, values: dict[str, Any]) -> Iterator[dict[str, Any]]:
        if index == len(self.dimensions):
            yield dict(values)
            return
        one = self.dimensions[index]
        if not one.active(values):
            yield from self._grid(index + 1, values)
            return
        for value in one.domain.values():
            values[one.name] = value
            yield from self._grid(index + 1, values)
        values.pop(one.name, None)

    def grid_size(self) -> int:
        """The number of candidates that `grid` yields, counted without making them."""
        return math.prod(_grid_size(group) for group in self._groups())

    def _groups(self) -> list[list[Dimension]]:
        """The dimensions in groups that no condition connects."""
        groups: list[list[Dimension]] = []
        for one in self.dimensions:
            names = {condition.name for condition in one.when}
            tied = [group for group in groups if any(other.name in names for other in group)]
            groups = [group for group in groups if group not in tied] + [[*itertools.chain(*tied), one]]
        return groups


def _grid_size(group: Sequence[Dimension]) -> int:
    """The size of the grid of dimensions that conditions connect."""
    # A choice matters only through the later dimensions that it switches off.
    later = [group[index + 1 :] for index in range(len(group))]

    @functools.cache
    def count(index: int, off: frozenset[str]) -> int:
        if index == len(group):
            return 1
        one = group[index]
        conditions = [(other.name, part) for other in later[index] for part in other.when if part.name == one.name]
        if one.name in off:
            return count(index + 1, off | {name for name, _ in conditions})
        mentioned = {canonical(value): value for _, part in conditions for value in part.values}
        total = 0
        for value in mentioned.values():
            switched_off = {name for name, part in conditions if not part.holds({one.name: value})}
            total += count(index + 1, off | switched_off)
        others = one.domain.points - len(mentioned)
        return total + (others * count(index + 1, off | {name for name, _ in conditions}) if others else 0)

    return count(0, frozenset())

"""The space of a search: its names, what each may be, and the candidates in it."""

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
    """Another name of the space, and the values of it with which a dimension counts."""

    name: str
    values: tuple[Any, ...]

    def holds(self, values: Mapping[str, Any]) -> bool:
        return self.name in values and canonical(values[self.name]) in map(canonical, self.values)


@dataclass(frozen=True)
class Dimension:
    """One name of a space.

    Attributes:
        name: a parameter, or the path of anything in the spec.
        domain: what it may be.
        default: the spec's own value, or the nearest to it in the domain, unless the space says otherwise.
        own: the spec's own value, None where it has none.
        when: the conditions under which it is set at all; otherwise the spec's own value stays.
    """

    name: str
    domain: Domain
    default: Any
    own: Any = None
    when: tuple[Condition, ...] = ()
    where: Where = field(default=Where(""), compare=False, repr=False)

    def active(self, values: Mapping[str, Any]) -> bool:
        return all(condition.holds(values) for condition in self.when)


@dataclass(frozen=True, eq=False)
class Candidate:
    """One point of a space: the value of each name that is set. Equal where all values are."""

    values: Mapping[str, Any]

    @cached_property
    def key(self) -> str:
        """A text that equal candidates share, whatever the order of their names."""
        return canonical(dict(self.values))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Candidate) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)


@dataclass(frozen=True)
class Space:
    """Names and what each may be; a name comes after those that its conditions name."""

    dimensions: tuple[Dimension, ...]

    def __getitem__(self, name: str) -> Dimension:
        return next(one for one in self.dimensions if one.name == name)

    @property
    def continuous(self) -> bool:
        """Whether there are infinitely many candidates."""
        return any(one.domain.continuous for one in self.dimensions)

    def candidate(self, values: Mapping[str, Any]) -> Candidate:
        """The candidate of these values, by name: those of them that count."""
        counting: dict[str, Any] = {}
        for one in self.dimensions:
            if one.active(counting):
                counting[one.name] = values[one.name]
        return Candidate(counting)

    def defaults(self) -> dict[str, Any]:
        """The default of each name."""
        return {one.name: one.default for one in self.dimensions}

    def sample(self, rng: random.Random, fixed: Mapping[str, Any] | None = None) -> Candidate:
        """A candidate drawn at random, each name by itself, equal shares of its range equally likely.

        Names in `fixed` have the value given there.
        """
        drawn = {one.name: one.domain.at(rng.random()) for one in self.dimensions}
        return self.candidate({**drawn, **(fixed or {})})

    def satisfying(self, name: str) -> dict[str, Any]:
        """Values of other names with which a name counts: its conditions' first, and those that they need."""
        values: dict[str, Any] = {}
        for condition in self[name].when:
            values |= self.satisfying(condition.name)
        for condition in self[name].when:
            values.setdefault(condition.name, condition.values[0])
        return values

    def grid(self) -> Iterator[Candidate]:
        """Every candidate, in the order of the names, the last fastest; ten points of each continuous range."""
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
        """How many candidates `grid` gives, counted without making them."""
        return math.prod(_grid_size(group) for group in self._groups())

    def _groups(self) -> list[list[Dimension]]:
        """Dimensions that conditions tie together."""
        groups: list[list[Dimension]] = []
        for one in self.dimensions:
            names = {condition.name for condition in one.when}
            tied = [group for group in groups if any(other.name in names for other in group)]
            groups = [group for group in groups if group not in tied] + [[*itertools.chain(*tied), one]]
        return groups


def _grid_size(group: Sequence[Dimension]) -> int:
    """The grid's size of dimensions whose conditions name each other."""
    # What has been chosen counts only by the later dimensions that it puts out.
    later = [group[index + 1 :] for index in range(len(group))]

    @functools.cache
    def count(index: int, out: frozenset[str]) -> int:
        if index == len(group):
            return 1
        one = group[index]
        conditions = [(other.name, part) for other in later[index] for part in other.when if part.name == one.name]
        if one.name in out:
            return count(index + 1, out | {name for name, _ in conditions})
        mentioned = {canonical(value): value for _, part in conditions for value in part.values}
        total = 0
        for value in mentioned.values():
            put_out = {name for name, part in conditions if not part.holds({one.name: value})}
            total += count(index + 1, out | put_out)
        others = one.domain.points - len(mentioned)
        return total + (others * count(index + 1, out | {name for name, _ in conditions}) if others else 0)

    return count(0, frozenset())

"""How the parts of a group stand: one below the other, and side by side where they do not see each other.

Parts that every tensor passes cut a group into sections. The parts of a section that are connected are a branch, and
the branches of a section stand side by side, each arranged in the same way. What is left, sections that no part cuts
and that do not fall into branches, stands one below the other in the order of the graph.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

Link = tuple[int, int]
"""From one child of a group to another, by their numbers; -1 stands for what enters the group, and the number of
children for what leaves it."""


@dataclass(frozen=True, slots=True)
class Stack:
    """Parts one below the other.

    Attributes:
        items: from the top down, each a child or a row of branches. A row takes the output of what stands above it, and
            nothing but what stands below it takes its own.
        entry: what enters the first item: a child above, or -1.
        exit: what takes the output of the last one: a child below, or the number of children.
    """

    items: tuple[int | Row, ...]
    entry: int
    exit: int

    def children(self) -> Iterator[int]:
        """All children, those in rows too."""
        for item in self.items:
            if isinstance(item, Row):
                yield from item.children()
            else:
                yield item


@dataclass(frozen=True, slots=True)
class Row:
    """Branches side by side."""

    branches: tuple[Stack, ...]

    def children(self) -> Iterator[int]:
        """All children of all branches."""
        for branch in self.branches:
            yield from branch.children()


def arranged(count: int, links: Sequence[Link], is_plain: Callable[[int, int], bool]) -> Stack:
    """The arrangement of a group's children.

    Args:
        count: the number of children.
        links: the edges between them, each from a lower number to a higher one.
        is_plain: whether a link leaves its source at the bottom and enters its target at the top. Others, which come
            from inside of a frame or lead there, are drawn beside a stack, never in a row.
    """
    return Stack(_items(range(count), sorted(set(links)), -1, count, is_plain), -1, count)


def _items(
    children: Sequence[int], links: Sequence[Link], entry: int, leaving: int, is_plain: Callable[[int, int], bool]
) -> tuple[int | Row, ...]:
    """The items of a stack of some children between two others, `entry` and `leaving`."""
    if len(children) < 2:
        return tuple(children)
    place = {child: number for number, child in enumerate((entry, *children, leaving))}
    links = links[bisect_left(links, (entry,)) : bisect_left(links, (leaving,))]  # they are sorted by their sources
    inner = [(a, b) for a, b in links if a in place and b in place and (a, b) != (entry, leaving)]
    cuts = _cuts(len(place), [(place[a], place[b]) for a, b in inner])
    if not cuts:
        return _branches(children, inner, entry, leaving, is_plain)
    items: list[int | Row] = []
    bounds = [0, *cuts, len(place) - 1]
    all_places = (entry, *children, leaving)
    for above, below in pairwise(bounds):
        section = children[above : below - 1]
        items += _items(section, inner, all_places[above], all_places[below], is_plain)
        items += [all_places[below]] if below < len(place) - 1 else []
    return tuple(items)


def _cuts(places: int, links: Sequence[Link]) -> list[int]:
    """The places, but the first and the last, that no link passes."""
    passing = [0] * (places + 1)
    for source, target in links:
        passing[source + 1] += 1
        passing[target] -= 1
    cuts, over = [], 0
    for place in range(places):
        over += passing[place]
        if 0 < place < places - 1 and not over:
            cuts.append(place)
    return cuts


def _branches(
    children: Sequence[int], links: Sequence[Link], entry: int, leaving: int, is_plain: Callable[[int, int], bool]
) -> tuple[int | Row, ...]:
    """Children that nothing cuts: a row of branches, or if they are all connected, one below the other."""
    component = {child: child for child in children}

    def root(child: int) -> int:
        while component[child] != child:
            component[child] = component[component[child]]
            child = component[child]
        return child

    for source, target in links:
        if source in component and target in component:
            first, second = sorted((root(source), root(target)))
            component[second] = first
    groups: dict[int, list[int]] = {}
    for child in children:
        groups.setdefault(root(child), []).append(child)
    if len(groups) < 2 or not all(is_plain(*link) for link in links):
        return tuple(children)
    stacks = (Stack(_items(group, links, entry, leaving, is_plain), entry, leaving) for group in groups.values())
    return (Row(tuple(stacks)),)

"""A comparison of two specs: what differs between their networks and between their recipes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from archspec.analysis import Analysis
from archspec.comparison import text
from archspec.comparison.differences import Difference, differences
from archspec.comparison.names import names_of
from archspec.comparison.values import Differing, recipe_changes
from archspec.drawing.marks import UNCHANGED
from archspec.drawing.outline import outline
from archspec.graph.graph import Graph
from archspec.network import Network, as_graph, as_spec
from archspec.spec.spec import Spec


@dataclass(frozen=True, repr=False)
class Comparison:
    """What differs between two specs. Its text is a table of the parts that differ, the totals, and the fields of the
    recipes that differ. A notebook shows it as a table.

    Attributes:
        names: what the two are called.
        analyses: the shapes and counts of the two networks.
        network: what became of the first network in the second, as a tree of its parts.
        recipe: the fields of `params`, `train` and `search` that differ; None where one of the two is a graph, without
            a recipe.
    """

    names: tuple[str, str]
    analyses: tuple[Analysis, Analysis]
    network: Difference
    recipe: tuple[Differing, ...] | None = ()

    @property
    def differs(self) -> bool:
        """Whether the networks differ."""
        return self.network.status != UNCHANGED

    @property
    def equal(self) -> bool:
        """Whether neither the networks nor the recipes differ."""
        return not self.differs and not self.recipe

    @property
    def marks(self) -> tuple[dict[str, str], dict[str, str]]:
        """For each of the two networks, whether a part is `added`, `removed`, `changed` or `unchanged`, by its path:
        what `archspec.draw` takes to show the difference as a picture."""
        return dict(_marks(self.network, 0)), dict(_marks(self.network, 1))

    def __str__(self) -> str:
        return text.plain(self)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return text.html(self)

    def to_markdown(self) -> str:
        """The comparison in GitHub's Markdown."""
        return text.markdown(self)

    def to_json(self) -> dict[str, Any]:
        """All that differs as JSON values, as `convspec compare --json` prints it."""
        return text.to_json(self)


def compare(before: Network, after: Network) -> Comparison:
    """What differs between two networks, and between their recipes: parts that were added, removed or changed, aligned
    by the structure of the networks.

        print(archspec.compare("resnet34", "resnet50"))

    Args:
        before: the path of a spec, its data as a mapping, a `Spec` or a `Graph`.
        after: what it is compared with, in any of these ways. Where one of the two is a graph, there are no recipes.

    Returns:
        An object whose text is a table of the differences. Notebooks show it as HTML, `to_json()` gives it as JSON
        values, and `equal` says whether there are none.

    Raises:
        SpecError: a spec has mistakes.
        TypeError: something else is given.
    """
    given = [one if isinstance(one, Graph) else as_spec(one) for one in (before, after)]
    paths = [os.fspath(one) for one in (before, after) if isinstance(one, str | os.PathLike)]
    names = [one.name for one in given]
    if names[0] == names[1] and len({*paths}) == 2:
        names = paths
    return _compared(given[0], given[1], names)


def with_first(specs: Sequence[Spec], paths: Sequence[str], assignments: Sequence[str] = ()) -> list[Comparison]:
    """Each of several specs, but for the first, compared with the first.

    Args:
        specs: two or more.
        paths, assignments: what the user calls them, as in `names_of`.
    """
    names = names_of(specs, paths, assignments)
    return [_compared(specs[0], spec, (names[0], name)) for spec, name in zip(specs[1:], names[1:], strict=True)]


def _compared(before: Spec | Graph, after: Spec | Graph, names: Sequence[str]) -> Comparison:
    outlines = [outline(as_graph(one)) for one in (before, after)]
    recipe = None
    if isinstance(before, Spec) and isinstance(after, Spec):
        recipe = tuple(recipe_changes(before, after))
    analyses = outlines[0].analysis, outlines[1].analysis
    return Comparison((names[0], names[1]), analyses, differences(*outlines), recipe)


def _marks(difference: Difference, side: int) -> Iterator[tuple[str, str]]:
    """The statuses of a difference and of all parts inside of it, in one of the networks."""
    part = (difference.before, difference.after)[side]
    if part is None:
        return
    if part.path:
        yield part.path, difference.status
    for child in difference.children:
        yield from _marks(child, side)

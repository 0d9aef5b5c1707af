"""What differs between two specs: parts of their networks, and values of their recipes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from archspec.errors import argument_problem
from archspec.graph.graph import Graph


def marks_of(graphs: Sequence[Graph]) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """What became of the parts of two networks, by path (`Comparison.marks`), for `draw --diff`.

    Raises:
        UserError: there are more or fewer than two.
    """
    from archspec.comparison.comparison import compare  # which drawing alone does not need

    if len(graphs) != 2:
        raise argument_problem("--diff", f"expected two specs, or one with --set, got {len(graphs)}")
    return compare(*graphs).marks

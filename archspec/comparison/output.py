"""What `tools/compare.py` prints for specs."""

from __future__ import annotations

import json
from collections.abc import Sequence

from archspec.comparison.comparison import with_first
from archspec.errors import argument_problem
from archspec.spec.spec import Spec


def show(specs: Sequence[Spec], paths: Sequence[str], assignments: Sequence[str], form: str) -> bool:
    """Prints each of several specs compared with the first.

    Args:
        specs: two or more.
        paths: what the user calls each of them; one path if the second is the first with the assignments.
        assignments: `--set` arguments.
        form: `text`, `json` or `markdown`.

    Returns:
        Whether all are equal.

    Raises:
        UserError: there is one spec alone.
    """
    if len(specs) < 2:
        raise argument_problem("SPEC", "expected two specs or more, got one; with --set, it is compared with itself")
    found = with_first(specs, paths, assignments)
    if form == "json":
        objects = [comparison.to_json() for comparison in found]
        print(json.dumps(objects if len(objects) > 1 else objects[0], indent=2))
    else:
        print("\n\n".join(one.to_markdown() if form == "markdown" else str(one) for one in found))
    return all(comparison.equal for comparison in found)

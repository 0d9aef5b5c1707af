"""Whether a comparison is one of runs or of specs. It imports little, as specs are compared in a third of a second."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from archspec.errors import argument_problem
from archspec.source.shipped import shipped_names
from builder.runs.names import MODEL, SPEC, TRIALS

OPTIONS = ("markdown", "csv", "set", "out", "all", "exports")
"""Options that are for specs or for runs alone."""
OF_SPECS = ("markdown", "set")


def are_runs(paths: Sequence[str]) -> bool:
    """Whether paths mean runs and searches, rather than specs.

    Raises:
        UserError: some mean runs and others specs.
    """
    runs = [path for path in paths if _is_of_runs(Path(path))]
    specs = [path for path in paths if path not in runs and _is_of_specs(path)]
    if runs and specs:
        folder = Path(runs[0])
        what = "a search" if (folder / TRIALS).is_dir() else "a run" if (folder / SPEC).is_file() else "a folder"
        spec = f"; the spec of {folder} is {folder / SPEC}" if (folder / SPEC).is_file() else ""
        message = f"{runs[0]} is {what}, and {specs[0]} a spec: compare runs with runs, or specs with specs{spec}"
        raise argument_problem("PATH", message)
    return bool(runs)


def check_options(given: Mapping[str, Any], is_of_runs: bool) -> None:
    """Refuses options that are for the other kind of comparison, rather than ignoring them.

    Args:
        given: the values of options, by the names in `OPTIONS`.
        is_of_runs: whether runs are compared.

    Raises:
        UserError: naming the first such option.
    """
    for name in OPTIONS:
        if given.get(name) and (name in OF_SPECS) == is_of_runs:
            kinds = ("specs", "runs") if is_of_runs else ("runs", "specs")
            raise argument_problem(f"--{name}", "is for comparisons of {}, and these are {}".format(*kinds))


def _is_of_runs(path: Path) -> bool:
    """Whether a path leads to a folder, of a run or one that should be, or to a run's model."""
    if path.name == MODEL:
        return path.is_file()
    return path.is_dir() and ((path / SPEC).is_file() or path.name not in shipped_names())


def _is_of_specs(path: str) -> bool:
    return Path(path).is_file() or path in shipped_names() or path.endswith((".yaml", ".yml", ".json"))

"""What a spec can be named by besides its file: the name of one that comes with the package, or a run's directory."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parents[1]
IS_INSTALLED = (_PACKAGE / "specs").is_dir()
"""Whether this is an installed package, which holds the specs, and not a checkout, where they stand beside it."""
FOLDER = _PACKAGE / "specs" if IS_INSTALLED else _PACKAGE.parent / "specs"


IN_RUNS = "spec.yaml"
"""The resolved spec in the directory of a run or of a search."""


def shipped_names() -> list[str]:
    """The names of all shipped specs, such as `resnet50`, in alphabetical order."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def located(path: Path, name: str) -> Path:
    """The file that a user means by a name: the one at `path`, the spec of the run whose directory that is, or else the
    shipped spec of that name.

    Args:
        path: where the name leads as a path.
        name: what the user wrote; a shipped spec is named without a folder and a suffix.
    """
    try:
        if (path / IN_RUNS).is_file():
            return path / IN_RUNS
        return FOLDER / f"{name}.yaml" if name in shipped_names() and not path.is_file() else path
    except (OSError, ValueError):  # no possible path, which reading the file reports
        return path

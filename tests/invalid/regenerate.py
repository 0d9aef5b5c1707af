"""Writes what the language says of each invalid spec in this folder, to be read over before it is committed.

python tests/invalid/regenerate.py [NAME ...]
"""

import json
import os
import sys
from pathlib import Path

import archspec
from archspec.candidates.survey import survey
from archspec.spec.overrides import parse_assignments

FOLDER = Path(__file__).parent
ARGUMENTS = json.loads((FOLDER / "arguments.json").read_text())
"""Mistakes outside the file: by name, the path that is loaded and its overrides or `--set` arguments."""


def names() -> list[str]:
    """The names of all cases: the files of this folder, without their suffix, and those in arguments.json."""
    files = [path for path in FOLDER.iterdir() if path.suffix in (".yaml", ".json") and path.name != "arguments.json"]
    return sorted([path.stem for path in files] + [*ARGUMENTS])


def output(name: str) -> str:
    """What a user reads. Run in this folder, so that paths in it are short and the same everywhere.

    Raises:
        ValueError: the spec is valid.
    """
    try:
        if name in ARGUMENTS:
            case = ARGUMENTS[name]
            overrides = parse_assignments(case["set"]) if "set" in case else case.get("overrides")
            spec = archspec.load(case["path"], overrides)
        else:
            spec = archspec.load(next(path.name for path in sorted(FOLDER.glob(f"{name}.*")) if path.suffix != ".txt"))
        if spec.search is not None:
            survey(spec)  # a mistake that only reading candidates shows
    except archspec.UserError as error:
        return f"{error}\n"
    raise ValueError(f"{name} is a valid spec")


if __name__ == "__main__":
    os.chdir(FOLDER)
    for name in sys.argv[1:] or names():
        Path(f"{name}.txt").write_text(output(name), encoding="utf-8")

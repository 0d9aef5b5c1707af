"""Runs the examples in the README and in docs/, and puts in their actual output.

python -m tests.tools.refresh_docs
python -m tests.tools.refresh_docs README.md

Nothing else should run on the machine, as the output contains times. Only figures may change; people write the rest.
The files that the commands make stay in the folder that is printed.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.tools.test_docs import ANY, PAGES, furnish, happenings, shape, shown_parts


def main(names: list[str]) -> None:
    chosen = {Path(name).name for name in names} or {page.name for page in PAGES}
    if unknown := chosen - {page.name for page in PAGES}:
        sys.exit(f"no such page, or one that is tested elsewhere: {', '.join(sorted(unknown))}")
    for page in PAGES:
        if page.name in chosen:
            folder = Path(tempfile.mkdtemp(prefix=f"{page.stem}-"))
            furnish(folder)
            print(f"{page.name}: {folder}", flush=True)
            refresh(page, folder)


def refresh(page: Path, folder: Path) -> None:
    text = page.read_text()
    for command, expected, found in happenings(page, folder, ["", "slow"]):
        shown = f"$ {command}\n{expected}"
        assert text.count(shown) == 1, command
        text = text.replace(shown, f"$ {command}\n{excerpt(expected, found, command)}")
    page.write_text(text)


def excerpt(shown: str, found: str, command: str) -> str:
    """The lines of `found` that correspond to the lines of `shown`, with its `...`."""
    lines = found.splitlines(keepends=True)
    parts = [part.splitlines(keepends=True) for part in shown_parts(shown)]
    taken, begin = [], 0
    for number, part in enumerate(parts):
        if number and number == len(parts) - 1:
            begin = len(lines) - len(part)
        while number and begin + len(part) <= len(lines) and not alike(part, lines[begin : begin + len(part)]):
            begin += 1
        here = lines[begin : begin + len(part)]
        if not alike(part, here):
            sys.exit(f"$ {command}\n{found}\n--- has not what is shown:\n{''.join(part)}")
        taken.append("".join(here))
        begin += len(part)
    if begin != len(lines) and not shown.endswith(ANY):
        sys.exit(f"$ {command}\n{found}\n--- has more than is shown:\n{''.join(lines[begin:])}")
    return ANY.join(taken)


def alike(one: list[str], other: list[str]) -> bool:
    return shape("".join(one)).splitlines() == shape("".join(other)).splitlines()


if __name__ == "__main__":
    main(sys.argv[1:])

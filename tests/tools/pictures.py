"""The drawings that the pages show, each with the arguments of the command that draws it.

python -m tests.tools.pictures draws them again, after a change of a network or of how drawings look.
"""

from __future__ import annotations

import contextlib
import runpy
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.tools.test_docs import write_specs

ROOT = Path(__file__).parents[2]
IMAGES = ROOT / "docs" / "images"
PICTURES = {
    "figure3.svg": ["vgg_e", "plain34", "resnet34"],
    "alexnet_two_tower.svg": ["alexnet_two_tower"],
    "resnet50_macs.svg": ["resnet50", "--by", "macs", "--depth", "2"],
    "diff.svg": ["resnet34", "resnet50", "--diff"],
    "fields.svg": ["one_5x5.yaml", "two_3x3.yaml", "--field"],
}
PAGE = ROOT / "docs" / "seeing.md"
"""The page that shows them, and the specs that are no shipped ones."""


def draw(arguments: Sequence[str], file: Path) -> None:
    """Runs `tools/draw.py` in this process, in a folder that holds the page's specs."""
    before, sys.argv = sys.argv, ["tools/draw.py", *arguments, "-o", str(file)]
    try:
        with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
            write_specs(PAGE, Path(folder))
            runpy.run_path(str(ROOT / "tools" / "draw.py"), run_name="__main__")
    finally:
        sys.argv = before


if __name__ == "__main__":
    for name, arguments in PICTURES.items():
        draw(arguments, IMAGES / name)

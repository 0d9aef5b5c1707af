"""The commands, as the user at hand starts them: from a checkout, or installed."""

from __future__ import annotations

import re
import sys
from pathlib import Path

IS_INSTALLED = (Path(__file__).parent / "specs").is_dir()
"""Whether this is an installed package, which holds the specs, and not a checkout, where they stand beside it."""
INSTALLED = "convspec"
COMMANDS = {
    "summary": "summary",
    "draw": "draw",
    "compare": "compare",
    "train": "train",
    "tune": "tune",
    "evaluate": "evaluate",
    "predict": "predict",
    "export": "export",
    "preview": "preview",
    "log": "log",
    "weights": "convert_weights",
}
"""What `convspec` can be asked to do, each with the name of its file in `tools/`."""


def as_started(text: str) -> str:
    """A text whose commands are those of a checkout, `python tools/train.py`, with the commands as this user starts
    them: `convspec train` where the package is installed."""
    if is_installed():
        for name, file in COMMANDS.items():
            text = re.sub(rf"\b(python )?tools/{file}\.py\b", f"{INSTALLED} {name}", text)
    return text


def is_installed() -> bool:
    """Whether this process was started by `convspec`, or from an installed package."""
    return IS_INSTALLED or sys.argv[0].startswith(f"{INSTALLED} ")

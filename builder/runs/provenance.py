"""Which exports were made here, by this user: those of others are programs that somebody else wrote."""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path

from archspec.files import read_bytes
from builder.system.user_cache import folder

GRAPH = "saved_model.pb"
"""The file of a SavedModel that holds its program."""


def record(export: Path) -> None:
    """Notes that the program of a SavedModel was made here. If the user's cache cannot be written, nothing is noted."""
    with contextlib.suppress(OSError):
        mark = _mark(export)
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()


def warning(export: Path) -> str:
    """What TensorFlow's documentation says about models of others, for a SavedModel that was not made here; else
    nothing."""
    with contextlib.suppress(OSError):
        if _mark(export).exists():
            return ""
    return (
        f"{export} was not exported here. A SavedModel is a program: TensorFlow runs it with all that you may do, and "
        "is no sandbox; run one that you do not trust inside of one (docs/trust.md)"
    )


def _mark(export: Path) -> Path:
    """The file whose presence says that an export was made here."""
    return folder() / "exports" / hashlib.sha256(read_bytes(export / GRAPH)).hexdigest()[:32]

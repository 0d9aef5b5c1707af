"""What runs are called where others may read it: as short as tells them apart, without the folders of this machine."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from builder.runs.public import public_path


def public_names(names: Sequence[str]) -> list[str]:
    """The paths of runs as others may see them: as they are if none leads out of the current directory, else no more of
    their last parts than tells them apart."""
    if all(public_path(name) == name for name in names):
        return list(names)
    parts = [Path(name).absolute().parts[1:] for name in names]
    candidates = (["/".join(part[-length:]) for part in parts] for length in range(1, max(map(len, parts)) + 1))
    return next(found for found in candidates if len(set(found)) == len(found))


def without_common_folder(names: Sequence[str]) -> tuple[str, list[str]]:
    """The folder that all paths begin with, empty if there is none, and the paths from there on."""
    if len(names) < 2:
        return "", list(names)
    common = os.path.commonpath([os.path.dirname(name) for name in names])
    return common, [os.path.relpath(name, common) for name in names] if common else list(names)

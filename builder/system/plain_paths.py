"""Paths for TensorFlow, which restores variables by a pattern: from `a[1]/` it would read the files of `a1/`."""

from __future__ import annotations

import contextlib
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

_OF_PATTERNS = re.compile(r"[][*?\\]")


def is_pattern(path: Path) -> bool:
    """Whether TensorFlow takes the path of an existing file or folder for a pattern."""
    return bool(_OF_PATTERNS.search(str(path.absolute())))


@contextlib.contextmanager
def plain_path(path: Path) -> Iterator[Path]:
    """A path to the same folder that is no pattern: the path itself, or a link, which is there during the block."""
    if not is_pattern(path):
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        link = Path(folder) / "link"
        link.symlink_to(path.absolute())
        yield link

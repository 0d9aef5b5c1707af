"""The folder in which a user's computer keeps what can be computed again. No TensorFlow."""

from __future__ import annotations

import os
from pathlib import Path


def folder() -> Path:
    """Where cached files are: `$XDG_CACHE_HOME/convspec`, by default `~/.cache/convspec`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "convspec"

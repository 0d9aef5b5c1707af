"""Python processes that tests start."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.forked import python

ROOT = Path(__file__).parents[1]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
"""A process with it finds the repository's packages as an installation would."""


def process(*command: Any, status: int = 0, **options: Any) -> str:
    """What a Python process prints: its errors if it is expected to fail, else its output."""
    is_fresh = command[0] in ("-c", "-m") or "preexec_fn" in options
    result = subprocess.run(
        [sys.executable if is_fresh else python(), *map(str, command)],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=600,
        **options,
    )
    assert result.returncode == status, result.stderr
    assert "Traceback" not in result.stderr
    return result.stderr if status else result.stdout

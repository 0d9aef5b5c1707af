"""Python's garbage collection, held off where it finds nothing."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def without_collections() -> Iterator[None]:
    """Collects no garbage during the block. It is for work that makes very many objects, all of which stay alive: each
    of many collections would go through those made so far."""
    is_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if is_enabled:
            gc.enable()

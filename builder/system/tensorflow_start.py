"""Imports TensorFlow without the lines that it prints when it starts."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator

from builder.system import ctrl_c


def import_tensorflow() -> None:
    """Imports TensorFlow and Keras and looks for devices, without the lines on a missing GPU and the like, which C++
    code writes before any setting of its log takes effect. If the import fails, those lines are shown. Meanwhile Ctrl-C
    ends the process; afterwards it raises KeyboardInterrupt."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with ctrl_c.ends_at_once(), announced("loading TensorFlow ..."), stderr_captured():
        import keras  # noqa: F401
        import tensorflow as tf

        tf.config.list_physical_devices()


@contextlib.contextmanager
def announced(text: str) -> Iterator[None]:
    """Shows a text on a terminal while the block takes its seconds."""
    is_shown = sys.stderr is not None and sys.stderr.isatty() and "tensorflow" not in sys.modules
    if is_shown:
        print(text, end="", file=sys.stderr, flush=True)
    try:
        yield
    finally:
        if is_shown:
            print(f"\r{' ' * len(text)}\r", end="", file=sys.stderr, flush=True)


@contextlib.contextmanager
def stderr_captured() -> Iterator[None]:
    """Holds back what is written to the process's stderr, at the level of the file descriptor; shows it if the block
    fails."""
    sys.stderr.flush()
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as captured:
        os.dup2(captured.fileno(), 2)
        try:
            yield
        except Exception:  # Ctrl-C is no error
            captured.seek(0)
            os.write(stderr, captured.read())
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)

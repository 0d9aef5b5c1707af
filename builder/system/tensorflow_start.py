"""TensorFlow without what it says when it starts."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator

from builder.system import ctrl_c


def import_tensorflow() -> None:
    """Imports TensorFlow and Keras and looks for devices, without the lines on a missing GPU and the like: C++ writes
    them before any setting of its log is heard. What is said on the way to an error is shown. Ctrl-C meanwhile ends the
    process; from then on it is a KeyboardInterrupt."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with ctrl_c.ends_at_once(), stderr_kept():
        import keras  # noqa: F401
        import tensorflow as tf

        tf.config.list_physical_devices()


@contextlib.contextmanager
def stderr_kept() -> Iterator[None]:
    """Keeps what is written to the process's stderr, at the level of the file descriptor, unless the block fails."""
    sys.stderr.flush()
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as kept:
        os.dup2(kept.fileno(), 2)
        try:
            yield
        except Exception:  # Ctrl-C is no error
            kept.seek(0)
            os.write(stderr, kept.read())
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)

"""Imports TensorFlow and Keras quickly, and without the lines that they print when they start."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import LazyLoader
from types import ModuleType

from builder.system import ctrl_c
from builder.system.garbage import without_collections

DEFERRED = frozenset({"keras.wrappers", "keras.visualization", "keras.src.visualization"})
"""Parts of Keras that nothing here uses. Importing them imports scikit-learn and matplotlib, which takes a third of the
time that TensorFlow and Keras take together."""


def import_tensorflow() -> None:
    """Imports TensorFlow and Keras and looks for devices, without the lines on a missing GPU and the like, which C++
    code writes before any setting of its log takes effect. If the import fails, those lines are shown. Meanwhile Ctrl-C
    ends the process; afterwards it raises KeyboardInterrupt.

    The modules of `DEFERRED` are imported when they are first used."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with (
        ctrl_c.ends_at_once(),
        announced("loading TensorFlow ..."),
        stderr_captured(),
        deferred_imports(),
        without_collections(),
    ):
        import keras  # noqa: F401
        import tensorflow as tf

        tf.config.list_physical_devices()


class _Deferring(MetaPathFinder):
    """Finds the modules of `DEFERRED` as Python does, with its standard loader for modules that are imported at their
    first use, `importlib.util.LazyLoader`."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path, target) if name in DEFERRED else None
        if spec is not None and spec.loader is not None:
            spec.loader = LazyLoader(spec.loader)
        return spec


@contextlib.contextmanager
def deferred_imports() -> Iterator[None]:
    """Defers the modules of `DEFERRED` that the block imports."""
    finder = _Deferring()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


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

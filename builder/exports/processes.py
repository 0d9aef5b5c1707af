"""Steps of an export in processes of their own, whose memory is free again when they end.

TensorFlow keeps what it once allocated for tensors, and its converters hold a network several times over: the steps of
a large network, one after the other in a single process, would add up.

python -m builder.exports.processes FILE

`FILE` holds a pickled function and its arguments; what it returns or raises takes their place.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from archspec.wording import first_line
from builder.system.tensorflow_start import import_tensorflow

T = TypeVar("T")
ROOT = Path(__file__).parents[2]
PYTHON = [sys.executable, "-P"]
"""The interpreter. -P keeps the current folder off its path, where a file could pass for another's package."""


Call = Callable[..., Any]
"""Calls a function with arguments: `directly`, or `in_own_process`."""


def directly(function: Callable[..., T], *arguments: Any) -> T:
    """Calls a function in this process."""
    return function(*arguments)


class ProcessLost(RuntimeError):
    """A process ended without an answer."""


def in_own_process(function: Callable[..., T], *arguments: Any) -> T:
    """Calls a function of this project in a process of its own.

    Args:
        function: one that can be imported by its name.
        arguments: what it is given; it is copied.

    Raises:
        ProcessLost: the process was killed, most likely as the memory did not suffice, or crashed.
        Exception: what the function raised.
    """
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "task"
        file.write_bytes(pickle.dumps((function, arguments)))
        command = [*PYTHON, "-m", __name__, str(file)]
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, errors="replace", check=False)
        if ended.returncode < 0:
            raise ProcessLost(f"the process was ended by signal {-ended.returncode}; is there enough memory?")
        if ended.returncode:
            lines = [line for line in ended.stderr.splitlines() if line.strip()]
            raise ProcessLost(f"the process failed: {lines[-1] if lines else ended.returncode}")
        succeeded, answer = pickle.loads(file.read_bytes())  # noqa: S301  # what this project has just written
    if succeeded:
        return answer
    raise answer


def main(path: str) -> None:
    import_tensorflow()
    file = Path(path)
    function, arguments = pickle.loads(file.read_bytes())  # noqa: S301  # as above
    try:
        answer = (True, function(*arguments))
    except Exception as error:
        answer = (False, _portable(error))
    file.write_bytes(pickle.dumps(answer))


def _portable(error: Exception) -> Exception:
    """The error itself if it can be pickled, or one with the same text."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301  # as above
        return error
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {first_line(error)}")


if __name__ == "__main__":
    main(sys.argv[1])

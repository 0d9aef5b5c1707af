"""Processes that train, started ahead of time: TensorFlow is imported while other trials run."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeVar

ROOT = Path(__file__).parents[2]
T = TypeVar("T")
CHILD = [sys.executable, "-m", "builder.sweep.child"]
GRACE_SECONDS = 20.0
"""Between asking a process to save its state and end, and ending it."""


@dataclass
class Job:
    """A process that waits for its task, or is at it."""

    process: subprocess.Popen[bytes]
    output: IO[bytes]

    @classmethod
    def ready(cls) -> Job:
        """Starts a process, which will wait for its task."""
        output = tempfile.TemporaryFile()  # noqa: SIM115 (it lives as long as the process)
        paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        process = subprocess.Popen(
            CHILD,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C reaches the sweep alone, which decides
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        )
        return cls(process, output)

    def give(self, task: Mapping[str, Any]) -> bool:
        """Hands over the task; False where the process has died."""
        if self.process.poll() is not None:
            return False
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(task).encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            return False
        return True

    def status(self) -> int | None:
        """None while it runs; its exit status, negative for a signal."""
        return self.process.poll()

    def said(self) -> str:
        """What it said before it had a task."""
        self.output.seek(0)
        return self.output.read().decode(errors="replace").strip()

    def ask_to_stop(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGTERM)

    def end(self) -> None:
        """Ends it now."""
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()
        if self.process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self.process.stdin.close()
        self.output.close()


def shares(workers: int, gpus: Sequence[str]) -> list[tuple[list[int], str | None]]:
    """The cores and GPUs of each of some workers on this machine; all cores, and no choice of GPUs, for one.

    Args:
        gpus: the machine's, by the names that CUDA_VISIBLE_DEVICES takes.
    """
    cores = sorted(os.sched_getaffinity(0))
    if workers == 1:
        return [([], None)]
    return [
        (_share(cores, index, workers), ",".join(_share(list(gpus), index, workers)) if gpus else None)
        for index in range(workers)
    ]


def _share(things: list[T], index: int, workers: int) -> list[T]:
    """A worker's part of some things; one of them, if need be shared, where there are fewer than workers."""
    own = things[index * len(things) // workers : (index + 1) * len(things) // workers]
    return own or [things[index % len(things)]]

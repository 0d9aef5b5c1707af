"""Processes that train, one an execution, without the seconds that importing TensorFlow takes."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

ROOT = Path(__file__).parents[3]
T = TypeVar("T")
CHILD = [sys.executable, "-m", "builder.sweep.processes.child"]
GRACE_SECONDS = 20.0
"""Between asking a process to save its state and end, and ending it."""


class ForkServer:
    """A process that has imported TensorFlow, and forks one for each task, so that a trial starts at once.

    All it does otherwise is to say which of its processes have begun and ended. When it ends, whatever ended it, so do
    they, after they have saved their state. `builder.sweep.processes.child` has its side, and why forking it is sound.
    """

    def __init__(self) -> None:
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 (it lives as long as the process)
        paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        self._process = subprocess.Popen(
            CHILD,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._output,
            start_new_session=True,  # Ctrl-C reaches the sweep alone, which decides
            # numpy's threads are the only ones that importing all of it would start.
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "OPENBLAS_NUM_THREADS": "1"},
        )
        self._jobs: list[Job] = []
        self._text, self._said = b"", ""
        self._dead_since: float | None = None

    def start(self, task: Mapping[str, Any]) -> Job:
        """A process at a task."""
        job = Job(self)
        self._jobs.append(job)
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps({**task, "job": len(self._jobs) - 1}).encode() + b"\n")
            self._process.stdin.flush()
        return job

    @property
    def is_dead(self) -> bool:
        """Whether it starts no more processes; those that it started may be saving their state.

        Raises:
            RuntimeError: it ended by itself without having started any; with what it said.
        """
        status = self._process.poll()
        if status is not None and status >= 0 and not any(job.pid is not None for job in self._jobs):
            self.close()
            raise RuntimeError(f"no process can be started for a trial:\n{self._said}")
        return status is not None

    def look(self) -> None:
        """Takes note of processes that have begun and ended."""
        output = self._process.stdout
        assert output is not None
        while not output.closed and select.select([output], [], [], 0)[0]:
            part = os.read(output.fileno(), 65536)
            if not part:  # the last of them has ended
                for job in self._jobs:
                    job.ended = -signal.SIGKILL if job.ended is None else job.ended
                self._close()
                return
            *lines, self._text = (self._text + part).split(b"\n")
            for line in lines:
                number, kind, value = line.split()
                if kind == b"began":
                    self._jobs[int(number)].pid = int(value)
                else:
                    self._jobs[int(number)].ended = int(value)
        if self._process.poll() is not None and not output.closed:
            self._dead_since = self._dead_since or time.monotonic()
            if time.monotonic() - self._dead_since > GRACE_SECONDS:
                self._kill()

    def stop(self) -> None:
        """Ends it, and asks its processes to save their state and end."""
        self._process.terminate()

    def close(self) -> None:
        """Ends it and all its processes now."""
        self.look()
        self._kill()
        self._close()

    def _kill(self) -> None:
        if self._process.stdout is not None and not self._process.stdout.closed:
            with contextlib.suppress(
                ProcessLookupError, PermissionError
            ):  # the latter is macOS's, of one that has ended
                os.killpg(self._process.pid, signal.SIGKILL)

    def _close(self) -> None:
        if self._output.closed:
            return
        self._process.wait()
        self._output.seek(0)
        self._said = self._output.read().decode(errors="replace").strip()
        assert self._process.stdin is not None and self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.stdout.close()
        self._output.close()


@dataclass(eq=False)
class Job:
    """A process at a task; `pid` is None until it has begun, `ended` its status once it has."""

    nursery: ForkServer
    pid: int | None = None
    ended: int | None = None

    def status(self) -> int | None:
        """None while it runs; its exit status, negative for a signal."""
        self.nursery.look()
        return self.ended

    def send(self, number: int) -> None:
        """Sends a signal, if it runs."""
        if self.pid is not None and self.ended is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)


def shares(workers: int, gpus: Sequence[str]) -> list[tuple[list[int], str | None]]:
    """The cores and GPUs of each of some workers on this machine; all cores, and no choice of GPUs, for one.

    Args:
        gpus: the machine's, by the names that CUDA_VISIBLE_DEVICES takes.
    """
    cores = sorted(os.sched_getaffinity(0)) if sys.platform == "linux" else list(range(os.cpu_count() or 1))
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

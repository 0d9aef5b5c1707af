"""Starts a process for each execution without the seconds that importing TensorFlow takes."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from builder.sweep.processes.task import Task, to_line

ROOT = Path(__file__).parents[3]
T = TypeVar("T")
CHILD = [sys.executable, "-m", "builder.sweep.processes.child"]
GRACE_SECONDS = 20.0
"""Seconds between asking a process to save its state and end, and killing it."""


class ForkServer:
    """A process that has imported TensorFlow and forks itself for each task, so that a trial starts at once.

    It also reports which of its processes have begun and ended. When it ends, for whatever reason, they save their
    state and end too. Its own side is `builder.sweep.processes.child`, which explains why it may safely fork.
    """

    def __init__(self) -> None:
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 (it lives as long as the process)
        paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        self._process = subprocess.Popen(
            CHILD,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._output,
            start_new_session=True,  # Ctrl-C reaches only the process of the search, which decides
            # The only threads that its imports would start are those of numpy.
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "OPENBLAS_NUM_THREADS": "1"},
        )
        self._processes: list[TaskProcess] = []
        self._answers, self._errors = b"", ""
        self._dead_since: float | None = None

    def start(self, task: Task) -> TaskProcess:
        """Starts a process for a task."""
        process = TaskProcess(self)
        self._processes.append(process)
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(to_line(task, len(self._processes) - 1))
            self._process.stdin.flush()
        return process

    @property
    def is_dead(self) -> bool:
        """Whether it has ended and starts no more processes; those that it started may still be saving their state.

        Raises:
            RuntimeError: it ended by itself before it had started any process; the message has its output.
        """
        status = self._process.poll()
        if status is not None and status >= 0 and all(process.pid is None for process in self._processes):
            self.close()
            raise RuntimeError(f"no process can be started for a trial:\n{self._errors}")
        return status is not None

    def update(self) -> None:
        """Reads which processes have begun and ended."""
        output = self._process.stdout
        assert output is not None
        while not output.closed and select.select([output], [], [], 0)[0]:
            part = os.read(output.fileno(), 65536)
            if not part:  # the last of its processes has ended too
                for process in self._processes:
                    process.exit_status = -signal.SIGKILL if process.exit_status is None else process.exit_status
                self._close()
                return
            *lines, self._answers = (self._answers + part).split(b"\n")
            for line in lines:
                number, event, value = line.split()
                if event == b"began":
                    self._processes[int(number)].pid = int(value)
                else:
                    self._processes[int(number)].exit_status = int(value)
        if self._process.poll() is not None and not output.closed:
            self._dead_since = self._dead_since or time.monotonic()
            if time.monotonic() - self._dead_since > GRACE_SECONDS:
                self._kill()

    def stop(self) -> None:
        """Ends it, whereupon its processes save their state and end."""
        self._process.terminate()

    def close(self) -> None:
        """Kills it and all its processes."""
        self.update()
        self._kill()
        self._close()

    def _kill(self) -> None:
        if self._process.stdout is not None and not self._process.stdout.closed:
            # macOS raises PermissionError for a process that has ended.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def _close(self) -> None:
        if self._output.closed:
            return
        self._process.wait()
        self._output.seek(0)
        self._errors = self._output.read().decode(errors="replace").strip()
        assert self._process.stdin is not None and self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.stdout.close()
        self._output.close()


@dataclass(eq=False)
class TaskProcess:
    """The process of a task.

    Attributes:
        server: the fork server that started it.
        pid: its process id, or None until it has begun.
        exit_status: None until it has ended; negative for a signal.
    """

    server: ForkServer
    pid: int | None = None
    exit_status: int | None = None

    def status(self) -> int | None:
        """Returns the exit status, negative for a signal, or None while it runs."""
        self.server.update()
        return self.exit_status

    def send(self, number: int) -> None:
        """Sends a signal to the process if it runs."""
        if self.pid is not None and self.exit_status is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)


def shares(workers: int, gpus: Sequence[str]) -> list[tuple[list[int], str | None]]:
    """Divides the cores and GPUs of this machine among its workers.

    Args:
        workers: how many there are.
        gpus: the names of the GPUs that CUDA_VISIBLE_DEVICES takes.

    Returns:
        For each worker its cores, and its value of CUDA_VISIBLE_DEVICES. A single worker uses all of them: its list of
        cores is empty, and the value None.
    """
    cores = sorted(os.sched_getaffinity(0)) if sys.platform == "linux" else list(range(os.cpu_count() or 1))
    if workers == 1:
        return [([], None)]
    return [
        (_share(cores, index, workers), ",".join(_share(list(gpus), index, workers)) if gpus else None)
        for index in range(workers)
    ]


def _share(things: list[T], index: int, workers: int) -> list[T]:
    """The part of one worker; where there are fewer things than workers, one thing, which several may share."""
    own = things[index * len(things) // workers : (index + 1) * len(things) // workers]
    return own or [things[index % len(things)]]

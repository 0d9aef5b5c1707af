"""Runs a job in the background, such as writing a checkpoint while the training continues. No TensorFlow."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from types import TracebackType


class BackgroundJob:
    """Runs one job at a time in a thread, beside the work of a `with` block. The end of the block waits for the last
    job.

    An error in a job is raised by the next call that looks at it: `begin`, `check`, `wait` or the end of the block. If
    the block itself ends with an error, that error is raised instead; if it ends with KeyboardInterrupt, which is to
    end everything at once, it does not wait for the job.
    """

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None

    def __enter__(self) -> BackgroundJob:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not isinstance(error, KeyboardInterrupt):
            with contextlib.suppress(Exception) if error else contextlib.nullcontext():
                self.wait()

    def begin(self, job: Callable[[], object]) -> None:
        """Starts a job, after the previous one has ended."""
        self.wait()
        self._thread = threading.Thread(target=self._run, args=[job], daemon=True)
        self._thread.start()

    def check(self) -> None:
        """Raises the error of a job that has ended, without waiting for one that has not."""
        if self._thread is not None and not self._thread.is_alive():
            self.wait()

    def wait(self) -> None:
        """Waits until the job has ended, and raises its error."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        error, self._error = self._error, None
        if error is not None:
            raise error

    def _run(self, job: Callable[[], object]) -> None:
        try:
            job()
        except BaseException as error:
            self._error = error

"""Files that are written while the training goes on. No TensorFlow."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from types import TracebackType


class BackgroundJob:
    """One job at a time, in a thread behind the work of its block, which ends when the last job has.

    What a job raises is raised by whoever looks next: the next job, `check`, `wait` or the end of the block. An error
    that ends the block itself comes first, and KeyboardInterrupt, which is to end all at once, does not wait.
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
        """Starts a job, when the one before has ended."""
        self.wait()
        self._thread = threading.Thread(target=self._run, args=[job], daemon=True)
        self._thread.start()

    def check(self) -> None:
        """Raises what a job that has ended raised; waits for none."""
        if self._thread is not None and not self._thread.is_alive():
            self.wait()

    def wait(self) -> None:
        """Until the job has ended."""
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

"""Files that are written while the training goes on. No TensorFlow."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType


class Behind:
    """One job at a time, in a thread behind the work of its block, which ends when the last job has.

    What a job raises is raised by whoever waits for it next: the next job, `wait` or the end of the block. An error
    that ends the block itself comes first.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "behind")  # which begins with the first job
        self._job: Future[object] | None = None

    def __enter__(self) -> Behind:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            with contextlib.suppress(Exception) if error else contextlib.nullcontext():
                self.wait()
        finally:
            self._thread.shutdown()

    def begin(self, job: Callable[[], object]) -> None:
        """Starts a job, when the one before has ended."""
        self.wait()
        self._job = self._thread.submit(job)

    def wait(self) -> None:
        """Until all is written."""
        job, self._job = self._job, None
        if job is not None:
            job.result()

"""Notes Ctrl-C and SIGTERM until the work is at a point where it can stop, or ends the work. No TensorFlow."""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

_RETRY_SECONDS = 0.05


class Interrupts:
    """Within its block, the first Ctrl-C or SIGTERM is noted in `signal`; a second Ctrl-C raises KeyboardInterrupt.

    Python calls a handler once for all signals of a kind that arrive during a call of other code than Python's, such as
    TensorFlow's, which may take a second. The number of interrupts is therefore that of the bytes which the interpreter
    writes to a pipe, one for each signal when it arrives.

    Outside the main thread, where Python allows no handlers, nothing is caught.
    """

    signal: int | None = None

    def __enter__(self) -> Interrupts:
        self._before: dict[int, Any] = {}
        self._hook = sys.unraisablehook
        self._arrived = b""
        self._pipe: tuple[int, int] | None = None
        if threading.current_thread() is threading.main_thread():
            retry_swallowed()
            self._count_arrivals()
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._take)
        return self

    def _count_arrivals(self) -> None:
        """Opens the pipe, unless the interpreter writes to another one, of an event loop, already."""
        pipe = os.pipe()
        for end in pipe:
            os.set_blocking(end, False)
        before = signal.set_wakeup_fd(pipe[1], warn_on_full_buffer=False)
        if before == -1:
            self._pipe = pipe
            return
        signal.set_wakeup_fd(before)
        for end in pipe:
            os.close(end)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if self._pipe is not None:
            signal.set_wakeup_fd(-1)
            for end in self._pipe:
                os.close(end)
        sys.unraisablehook = self._hook

    def _take(self, number: int, frame: FrameType | None) -> None:
        is_second = self.signal == signal.SIGINT == number
        self.signal = number
        if self._pipe is not None:
            with contextlib.suppress(BlockingIOError):
                self._arrived += os.read(self._pipe[0], 1024)
            is_second = is_second or self._arrived.count(signal.SIGINT) > 1
        if number == signal.SIGINT and is_second:
            raise KeyboardInterrupt


def exit_on_sigterm() -> None:
    """Lets SIGTERM raise SystemExit, with a shell's status, 143, so that half-written files are removed."""
    retry_swallowed()
    signal.signal(signal.SIGTERM, _exit)


def _exit(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)


def retry_swallowed() -> None:
    """Sends a signal again when Python swallowed the exception that its handler raised.

    A handler runs between any two instructions, also those of a destructor or of a weak reference's callback, whose
    exceptions Python only reports ("Exception ignored in ..."). The work would continue as if there had been no signal.
    """
    sys.unraisablehook = functools.partial(_retry, sys.unraisablehook)


def _retry(otherwise: Callable[[Any], object], unraisable: Any) -> None:
    number = _number(unraisable.exc_value)
    if number is None:
        otherwise(unraisable)
        return
    # Later, and by another thread: the main thread would run the handler here at once, where it cannot raise either.
    main_thread = threading.main_thread().ident
    while True:
        again = threading.Timer(_RETRY_SECONDS, signal.pthread_kill, [main_thread, number])
        again.daemon = True
        try:
            again.start()
        except RuntimeError:  # no more threads, as the interpreter is ending anyway
            return
        except (KeyboardInterrupt, SystemExit):  # on a busy machine it came before the thread's start was over
            again.cancel()
            continue
        return


def _number(error: BaseException | None) -> int | None:
    """The signal whose handler raised an exception; None if it was raised by something else."""
    if isinstance(error, KeyboardInterrupt):
        return signal.SIGINT
    if isinstance(error, SystemExit) and isinstance(error.code, int) and error.code > 128:
        return error.code - 128
    return None

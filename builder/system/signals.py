"""Notes Ctrl-C and SIGTERM until the work is at a point where it can stop, or ends the work. No TensorFlow."""

from __future__ import annotations

import contextlib
import functools
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

_RETRY_SECONDS = 0.01


class Interrupts:
    """Within its block, the first Ctrl-C or SIGTERM is noted in `signal`; a second Ctrl-C raises KeyboardInterrupt.

    Outside the main thread, where Python allows no handlers, nothing is caught.
    """

    signal: int | None = None

    def __enter__(self) -> Interrupts:
        self._before: dict[int, Any] = {}
        self._hook = sys.unraisablehook
        if threading.current_thread() is threading.main_thread():
            retry_swallowed()
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._take)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        sys.unraisablehook = self._hook

    def _take(self, number: int, frame: FrameType | None) -> None:
        if self.signal == signal.SIGINT == number:
            raise KeyboardInterrupt
        self.signal = number


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
    again = threading.Timer(_RETRY_SECONDS, signal.pthread_kill, [main_thread, number])
    again.daemon = True
    with contextlib.suppress(RuntimeError):  # no more threads, as the interpreter is ending anyway
        again.start()


def _number(error: BaseException | None) -> int | None:
    """The signal whose handler raised an exception; None if it was raised by something else."""
    if isinstance(error, KeyboardInterrupt):
        return signal.SIGINT
    if isinstance(error, SystemExit) and isinstance(error.code, int) and error.code > 128:
        return error.code - 128
    return None

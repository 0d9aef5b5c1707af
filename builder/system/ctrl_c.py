"""Ends a command quietly if Ctrl-C comes while it still starts.

Tools import this module before all others, for its effect: their imports take up to five seconds, in which an interrupt
would otherwise end in a traceback. From here on no interrupt is lost either: see `signals.retry_swallowed`."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from types import FrameType

from builder.system.signals import retry_swallowed

try:
    _stderr = os.dup(2)  # the user's, even where something captures what is written to stderr
except OSError:  # closed by the shell, `2>&-`
    _stderr = -1


def end(number: int, frame: FrameType | None) -> None:
    """Ends the process with a line and the status that a shell has for Ctrl-C. There is nothing to clean up yet, and an
    exception would pass through whatever is being imported."""
    with contextlib.suppress(OSError):
        os.write(_stderr, b"interrupted\n")
    os._exit(128 + signal.SIGINT)


@contextlib.contextmanager
def ends_at_once() -> Iterator[None]:
    """Within the block Ctrl-C ends the process; after the block it raises KeyboardInterrupt."""
    arm()
    try:
        yield
    finally:
        disarm()


def arm() -> None:
    """Lets Ctrl-C end the process, unless it is ignored or has another handler."""
    with contextlib.suppress(ValueError):  # not the main thread
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, end)


def disarm() -> None:
    """Lets Ctrl-C raise KeyboardInterrupt from here on, if it would end the process."""
    if signal.getsignal(signal.SIGINT) is end:
        signal.signal(signal.SIGINT, signal.default_int_handler)


arm()
retry_swallowed()

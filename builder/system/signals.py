"""Ctrl-C and SIGTERM, taken note of until the work is at a point where it can stop. No TensorFlow."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any


class Interrupted(Exception):
    """A signal has ended the training, after its state was saved.

    Attributes:
        status: the process's exit status as a shell has it: 130 for Ctrl-C, 143 for SIGTERM.
        checkpoint: the state to go on from.
    """

    def __init__(self, number: int, checkpoint: Path | None):
        super().__init__(f"interrupted by {signal.Signals(number).name}")
        self.status = 128 + number
        self.is_termination = number == signal.SIGTERM
        self.checkpoint = checkpoint


class Interrupts:
    """Within its block, the first Ctrl-C or SIGTERM is kept in `signal`; a second Ctrl-C ends the process at once.

    Outside the main thread, where Python allows no handlers, nothing is caught.
    """

    signal: int | None = None

    def __enter__(self) -> Interrupts:
        self._before: dict[int, Any] = {}
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._take)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _take(self, number: int, frame: FrameType | None) -> None:
        if self.signal == signal.SIGINT == number:
            raise KeyboardInterrupt
        self.signal = number

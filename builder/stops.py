"""What ends a training early: signals, numbers that are not finite, workers, memory or pictures that are gone."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

import tensorflow as tf

from archspec import Problem, SpecError
from archspec.errors import Where
from builder.data import Data, Encoded, unreadable


class Diverged(RuntimeError):
    """The loss or the weights became NaN or infinite; the message says when, and what is kept."""


class WorkerLost(RuntimeError):
    """Another worker of the cluster died or cannot be reached; the message says what TensorFlow knows of it."""


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


PEER_ERRORS = (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.InternalError)
READING_ERRORS = (
    tf.errors.NotFoundError,
    tf.errors.InvalidArgumentError,
    tf.errors.PermissionDeniedError,
    tf.errors.DataLossError,
)


def explained(error: tf.errors.OpError, data: Data, is_multi_worker: bool, kept: str) -> Exception:
    """What to tell of an error that TensorFlow met in a step; the error itself where that is not known.

    Args:
        error: the error.
        data: what was trained on.
        is_multi_worker: whether there are other workers.
        kept: says which checkpoint there is.
    """
    if isinstance(error, tf.errors.ResourceExhaustedError):
        message = (
            f"a step needs more memory than there is; set a lower batch_size, or accumulate to go in parts; {kept}"
        )
        return SpecError([Problem(Where("train.batch_size"), message)])
    if is_multi_worker and isinstance(error, PEER_ERRORS):
        return WorkerLost(f"a worker is gone: {_reason(error)}; {kept}")
    if isinstance(error, READING_ERRORS) and any(isinstance(part, Encoded) for part in (data.train, data.validation)):
        return unreadable(data, error)
    return error


def _reason(error: tf.errors.OpError) -> str:
    """What TensorFlow's account says of a worker: its name, or why the connection ended."""
    lines = [line.strip() for line in str(error.message).splitlines() if line.strip()]
    told = [line for line in lines if line.startswith(("/job:", "Collective ops is aborted by:"))]
    return told[-1] if told else lines[-1] if lines else type(error).__name__

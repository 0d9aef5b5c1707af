"""The ways in which work ends early. No TensorFlow."""

from __future__ import annotations

import signal
from pathlib import Path


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


class TrialsFailed(RuntimeError):
    """As many trials in a row failed as `max_consecutive_failed_trials` allows; the message has the last one's."""

"""Exceptions for work that ends early. No TensorFlow."""

from __future__ import annotations

import errno
import signal
from pathlib import Path

from archspec.errors import system_error

FAULTS = (
    errno.ENOSPC,  # no space, or no more files
    errno.EDQUOT,
    errno.EFBIG,
    errno.EROFS,
    errno.EIO,
    errno.ESTALE,
    errno.ENFILE,  # ahead of EMFILE, whose words begin alike
    errno.EMFILE,
)
"""What ends any training on a machine until somebody mends the machine."""


def machine_fault(error: BaseException | None) -> int | None:
    """The one of `FAULTS` that is the reason of an error or of one that led to it; None if the machine is well."""
    while error is not None:
        if (number := system_error(error, FAULTS)) is not None:
            return number
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return None


class Diverged(RuntimeError):
    """The loss or the weights became NaN or infinite; the message says when, and names the last good checkpoint."""


class WorkerLost(RuntimeError):
    """Another worker of the cluster died or cannot be reached; the message says which, as far as TensorFlow knows."""


class Interrupted(Exception):
    """A signal has ended the training, after its state was saved.

    Attributes:
        status: the process's exit status as a shell has it: 130 for Ctrl-C, 143 for SIGTERM.
        checkpoint: the saved state; None if there is none yet.
    """

    def __init__(self, number: int, checkpoint: Path | None):
        super().__init__(f"interrupted by {signal.Signals(number).name}")
        self.status = 128 + number
        self.is_termination = number == signal.SIGTERM
        self.checkpoint = checkpoint


class TrialsFailed(RuntimeError):
    """As many trials in a row failed as `max_consecutive_failed_trials` allows; the message contains the last one's."""


class ExportFailed(RuntimeError):
    """Formats that could not be exported; the message has the reason for each.

    Attributes:
        folder: the folder with the other formats, which are complete; None if there are none.
    """

    def __init__(self, message: str, folder: Path | None):
        super().__init__(message)
        self.folder = folder

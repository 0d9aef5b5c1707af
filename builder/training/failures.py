"""Explains the errors of TensorFlow that end a training: lost workers, too little memory, unreadable pictures."""

from __future__ import annotations

import tensorflow as tf

from archspec.errors import Where, is_full_disk, problem_at
from builder.data import Data, Encoded, unreadable
from builder.system.endings import WorkerLost

PEER_ERRORS = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.InternalError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,  # what the worker at the other end of a dead link gets
)
READING_ERRORS = (
    tf.errors.NotFoundError,
    tf.errors.InvalidArgumentError,
    tf.errors.PermissionDeniedError,
    tf.errors.DataLossError,
)


def explained(
    error: tf.errors.OpError, data: Data, batch_size_at: Where, is_multi_worker: bool, last_checkpoint: str
) -> Exception:
    """The exception to raise for an error that TensorFlow met in a step; the error itself if its cause is not known.

    Args:
        error: the error.
        data: the data that the step read.
        batch_size_at: the position of the batch size in the spec.
        is_multi_worker: whether there are other workers.
        last_checkpoint: the newest checkpoint, in words.
    """
    if isinstance(error, tf.errors.ResourceExhaustedError) and not is_full_disk(error):
        advice = "set a lower batch_size, or accumulate to go in parts"
        message = f"a step needs more memory than there is; {advice}; {last_checkpoint}"
        return problem_at(batch_size_at, message)
    if is_multi_worker and isinstance(error, PEER_ERRORS):
        return WorkerLost(f"a worker is gone: {_reason(error)}; {last_checkpoint}")
    if isinstance(error, READING_ERRORS) and any(isinstance(part, Encoded) for part in (data.train, data.validation)):
        return unreadable(data, error)
    return error


def _reason(error: tf.errors.OpError) -> str:
    """The line of TensorFlow's message that names the lost worker, or says why the connection ended."""
    lines = [line.strip() for line in str(error.message).splitlines() if line.strip()]
    relevant = [line for line in lines if line.startswith(("/job:", "Collective ops is aborted by:"))]
    return relevant[-1] if relevant else lines[-1] if lines else type(error).__name__

"""What ends a training early besides signals: numbers that are not finite; lost workers, memory or pictures."""

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
    tf.errors.DeadlineExceededError,  # what the worker behind a dead link gets
)
READING_ERRORS = (
    tf.errors.NotFoundError,
    tf.errors.InvalidArgumentError,
    tf.errors.PermissionDeniedError,
    tf.errors.DataLossError,
)


def explained(
    error: tf.errors.OpError, data: Data, batch_size_at: Where, is_multi_worker: bool, kept: str
) -> Exception:
    """What to tell of an error that TensorFlow met in a step; the error itself where that is not known.

    Args:
        error: the error.
        data: what was trained on.
        batch_size_at: where the spec has the batch size.
        is_multi_worker: whether there are other workers.
        kept: says which checkpoint there is.
    """
    if isinstance(error, tf.errors.ResourceExhaustedError) and not is_full_disk(error):
        message = (
            f"a step needs more memory than there is; set a lower batch_size, or accumulate to go in parts; {kept}"
        )
        return problem_at(batch_size_at, message)
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

"""Explains the errors of TensorFlow that end a training: lost workers, too little memory, unreadable pictures."""

from __future__ import annotations

import tensorflow as tf

from archspec.errors import is_full_disk, problem_at
from archspec.spec.addresses import address
from archspec.wording import counted
from builder.data import Encoded, unreadable
from builder.system.endings import WorkerLost
from builder.training.batch_size import smaller_batch
from builder.training.setup import Setup

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


def explained(error: tf.errors.OpError, setup: Setup, last_checkpoint: str) -> Exception:
    """The exception to raise for an error that TensorFlow met in a step; the error itself if its cause is not known.

    Args:
        error: the error.
        setup: the training that it ended.
        last_checkpoint: the newest checkpoint, in words.
    """
    data = setup.data
    if isinstance(error, tf.errors.ResourceExhaustedError) and not is_full_disk(error):
        pictures = counted(setup.recipe.global_batch, "picture")
        message = f"a step of {pictures} needs more memory than there is; {smaller_batch(setup)}; {last_checkpoint}"
        return problem_at(address(setup.spec, "train", "batch_size"), message)
    if setup.placement.is_multi_worker and isinstance(error, PEER_ERRORS):
        return WorkerLost(f"a worker is gone: {_reason(error)}; {last_checkpoint}")
    if isinstance(error, READING_ERRORS) and any(isinstance(part, Encoded) for part in (data.train, data.validation)):
        return unreadable(data, error)
    return error


def _reason(error: tf.errors.OpError) -> str:
    """The line of TensorFlow's message that names the lost worker, or says why the connection ended."""
    lines = [line.strip() for line in str(error.message).splitlines() if line.strip()]
    relevant = [line for line in lines if line.startswith(("/job:", "Collective ops is aborted by:"))]
    return relevant[-1] if relevant else lines[-1] if lines else type(error).__name__

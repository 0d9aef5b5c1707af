"""Models whose variables have shapes and no values, for which no memory is taken: to look at, or to trace."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import keras
from keras.src.backend.common import global_state

WITHOUT_VALUES = "uninitialized_variables"
"""Keras's list of the variables without values."""


@contextlib.contextmanager
def shapes_only() -> Iterator[None]:
    """Makes variables without values in the block.

    Keras remembers them, to give them values when the next stateless scope ends. Here they are taken off its list, as
    that would cost the memory and the time of a second network.
    """
    before = list(global_state.get_global_attribute(WITHOUT_VALUES, []))
    try:
        with keras.StatelessScope(initialize_variables=False):
            yield
    finally:
        global_state.set_global_attribute(WITHOUT_VALUES, before)

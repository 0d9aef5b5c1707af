"""Arrays that TensorFlow reads without copying."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

ALIGNMENT = 64
"""TensorFlow can share an array whose address is a multiple of this many bytes."""


def aligned(shape: tuple[int, ...]) -> np.ndarray:
    """An uninitialised uint8 array that `shared` does not have to copy."""
    size = int(np.prod(shape))
    room = np.empty(size + ALIGNMENT, np.uint8)
    start = -room.ctypes.data % ALIGNMENT
    return room[start : start + size].reshape(shape)


def shared(array: np.ndarray) -> tf.Tensor:
    """The array as a tensor, in the same memory if the array's address allows it."""
    if not array.size or array.ctypes.data % ALIGNMENT or not array.flags.c_contiguous or not array.flags.writeable:
        return tf.constant(array)
    return tf.experimental.dlpack.from_dlpack(array.__dlpack__())

"""Single validation pictures, and what they are called."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from builder.data import Arrays, Data
from builder.pictures.resizing import centre_crop, decoded


def name_of(data: Data, number: int) -> str:
    """A validation picture's path, or its number in a data set that has no files."""
    split = data.validation
    return str(number) if isinstance(split, Arrays) else split.name(number)


def pictures_of(data: Data, numbers: Sequence[int], resize: int | None) -> list[np.ndarray]:
    """Validation pictures as the network sees them, uint8 (height, width, channels)."""
    split, found = data.validation, []
    for number in numbers:
        if isinstance(split, Arrays):
            picture = split.pictures[number]
        else:
            picture = decoded(split.read(tf.constant(number, tf.int64))[0], data.shape[2])
        found.append(centre_crop(picture, data.shape, resize).numpy())
    return found

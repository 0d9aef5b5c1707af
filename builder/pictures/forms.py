"""Pictures in the forms in which an exported network takes them. Importing it imports no TensorFlow."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Pictures(NamedTuple):
    """Pictures in each form in which a runtime takes them.

    Attributes:
        evaluated: uint8 (count, height, width, channels), after the evaluation transform.
        labels: int64 (count,).
        encoded: picture files that become these; empty if no file format has that many channels.
        raw: the first few before the transform, uint8 (height, width, channels) each.
    """

    evaluated: np.ndarray
    labels: np.ndarray
    encoded: list[bytes]
    raw: list[np.ndarray]

"""What the arrays of an `.npz` file claim, from their headers."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Sequence

import numpy as np


def claimed_bytes(archive: zipfile.ZipFile, names: Sequence[str]) -> int:
    """The bytes that some arrays of a file have in memory. `numpy.load` would allocate what a header says.

    Raises:
        ValueError: a header is damaged, its array has other bytes than it says, or holds Python objects.
        KeyError: there is no such array.
    """
    claimed = 0
    for name in names:
        member = archive.getinfo(f"{name}.npy" if f"{name}.npy" in archive.NameToInfo else name)
        with archive.open(member) as file:
            version = np.lib.format.read_magic(file)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, _, kind = read(file)
            size = member.file_size - file.tell()
        if kind.hasobject:
            raise ValueError("Object arrays are not loaded")
        if math.prod(shape) * kind.itemsize != size:
            raise ValueError(f"{name} has {size:,} bytes, and its header says {kind} {shape}")
        claimed += size
    return claimed

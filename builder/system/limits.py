"""What a file may claim to hold, whoever wrote it: the limits of training, prediction, preview, serving and weights.

Each is checked with a file's header, before anything is decoded or read, as a few bytes can claim any size.
"""

from __future__ import annotations

from archspec.tables import size
from builder.system.memory import free_memory

MOST_PIXELS = 2**29 // 3
"""A picture of more is refused. TensorFlow's decoder of JPEGs takes no more than 2^29 bytes of pixels, and Pillow
refuses the same number of pixels."""
LONGEST_SIDE = 65_535
"""A longer side is refused: the most that a JPEG can have. Resizing needs memory in proportion to it."""
SMALL_PICTURE, PIXELS_OF_BYTE = 2**25, 32
"""The pixels that a picture may have in any case, and for each byte of its file. Photographs have at most 20 for each,
drawings 30; a file of one colour may have a thousand."""
MOST_SCANS = 64
"""A JPEG of more scans is refused: each passes over the whole picture again. Progressive ones have about ten."""
MOST_PICTURE_BYTES = 2**30
"""A larger file is no picture of so many pixels, even without compression."""

EXPANSION = 100
"""How many times the bytes of its file an array may have. Keras's own limit for the files in a `.keras` file is the
same; compressed weights and pictures stay below 10."""
SMALL = 2**28
"""The bytes that a file's arrays may have in any case, together: zeros compress to almost nothing."""

MOST_PICKLE = 2**26
"""The most bytes that a pickle may have; a state dict's has about a hundred for each tensor."""
MOST_OPERATIONS = 600_000
"""The most operations that a pickle may have; a state dict's has about 40 for each tensor. Each takes microseconds."""
MOST_TENSORS = 15_000
"""The most tensors of a file of weights: ResNet-1001 has 5,000, and a moving average of them as many."""
MOST_LAYERS, BYTES_OF_LAYER = 3_000, 2**11
"""The most layers and connections of a model's configuration, which take a millisecond each, and how many bytes of its
file allow one more. The most that a network of keras.applications has is 2,500."""
MOST_JSON = 2**26
"""The most bytes that a JSON file of a run, a search or an export may have, and a model's configuration."""


def excess(claimed: int, stored: int, copies: int = 1) -> str:
    """Why the arrays of a file are not read, as a sentence about it; empty if they may be.

    Args:
        claimed: the bytes that they would have in memory.
        stored: the bytes of the file.
        copies: how many times they are in memory at once while they are read.
    """
    if claimed > max(SMALL, EXPANSION * stored):
        times = f"a file may claim {EXPANSION} times its size, and {size(SMALL)} in any case"
        return f"it claims {size(claimed)} of numbers and has {size(stored)}; {times}"
    free = free_memory()
    if claimed * copies > free:
        return f"it has {size(claimed)} of numbers, to be read in {size(claimed * copies)}, and {size(free)} are free"
    return ""

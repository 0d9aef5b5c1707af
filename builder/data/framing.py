"""How much of the pictures the centre crop of the evaluation transform cuts away because of their proportions."""

from __future__ import annotations

import numpy as np

from archspec.recipe import Train
from archspec.recipe.crops import CROPS
from builder.data.splits import Arrays, Data, Split

MOST_CUT = 1 / 3
"""A crop that cuts away a larger share of a picture may cut away what it shows."""
MANY = 0.1
"""The share of the pictures that is pointed out; a few panoramas are in every collection."""


def framing_warning(data: Data, recipe: Train) -> str | None:
    """The line that says that centre crops cut away more than a third of many pictures, or None.

    The margin that the crop leaves on all sides of every picture, 224 of 256 pixels, is not counted.
    """
    if recipe.resize != "crop":
        return None
    is_cropped = any(isinstance(one, CROPS) for one in recipe.augment)
    evaluated = [data.validation] if is_cropped else [data.train, data.validation]
    sizes = np.concatenate([_sizes(split) for split in evaluated])
    height, width, _ = data.shape
    ratio = (sizes[:, 1] / sizes[:, 0]) / (width / height)
    used = np.minimum(ratio, 1 / ratio)
    cut = used < 1 - MOST_CUT - 1e-6
    if cut.mean() < MANY:
        return None
    tall, wide = sizes[int(used.argmin())].tolist()
    return (
        f"centre crops cut away more than a third of {cut.sum():,} of {len(sizes):,} pictures ({1 - used.min():.0%} of "
        f"one of {wide}x{tall} pixels); train.resize: pad or stretch uses pictures whole"
    )


def _sizes(split: Split) -> np.ndarray:
    """The height and width of each picture of a split, (count, 2)."""
    if isinstance(split, Arrays):
        return np.tile(np.array(split.pictures.shape[1:3]), (split.count, 1))
    assert split.sizes is not None
    return split.sizes

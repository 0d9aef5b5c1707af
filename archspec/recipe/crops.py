"""Crops of training pictures to the network's size: at most one, and first among the augmentations."""

from __future__ import annotations

from dataclasses import dataclass

from archspec.fields.base import FieldError
from archspec.fields.records import Count
from archspec.recipe.intervals import Interval, check_interval


@dataclass(frozen=True, kw_only=True)
class ResizedCrop:
    """Resizes the shorter side to `side` pixels, then crops the network's size at random (Krizhevsky et al. 2012,
    section 4.1: 224 of 256).

    Example:
        augment: [{resized_crop: 256}]

    Attributes:
        side: pixels of the shorter side before the crop.
    """

    side: Count


@dataclass(frozen=True, kw_only=True)
class ScaleJitter:
    """Resizes the shorter side to a random length from `least` to `most` pixels, then crops the network's size at
    random (Simonyan and Zisserman 2014, section 3.1: [256, 512]).

    Example:
        augment: [{scale_jitter: {least: 256, most: 512}}]

    Attributes:
        least: the shortest that the shorter side becomes, in pixels.
        most: the longest that it becomes.
    """

    least: Count = 256
    most: Count = 512

    def __post_init__(self) -> None:
        if self.least > self.most:
            raise FieldError("most", f"most={self.most} must be at least least={self.least}")


@dataclass(frozen=True, kw_only=True)
class RandomResizedCrop:
    """Crops a random share `area` of the picture with a random `ratio` of width to height, and resizes it to the
    network's size (Szegedy et al. 2014, arXiv:1409.4842, section 6).

    Example:
        augment: [{random_resized_crop: {area: [0.35, 1]}}]

    Attributes:
        area: share of the picture's area, [least, most].
        ratio: width to height, [least, most].
    """

    area: Interval = (0.08, 1.0)
    ratio: Interval = (3 / 4, 4 / 3)

    def __post_init__(self) -> None:
        check_interval("area", self.area, 1.0)
        check_interval("ratio", self.ratio)


CROPS = (ResizedCrop, ScaleJitter, RandomResizedCrop)
"""The augmentations that bring pictures to the network's size."""

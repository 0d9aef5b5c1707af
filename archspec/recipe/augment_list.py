"""The list of augmentations in a spec: a possible order, and augmentations that fit the network's input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archspec.errors import INVALID
from archspec.fields.base import Reader
from archspec.fields.choices import Tagged
from archspec.fields.containers import ListOf
from archspec.recipe.augment import (
    AUGMENTATIONS,
    MIXING,
    NAMES,
    AugMix,
    ColorJitter,
    Grayscale,
    PcaColor,
    RandAugment,
    RandomCrop,
    TrivialAugment,
)
from archspec.recipe.crops import CROPS, ResizedCrop, ScaleJitter
from archspec.source.tree import Tree

MOST = 100
"""The most augmentations of a list. Whether one may follow those before it is asked of each."""


class Augmentations(ListOf):
    """A list of augmentations in a possible order: a crop to the network's size first, mixing last."""

    def __init__(self) -> None:
        super().__init__(Tagged("augmentation", AUGMENTATIONS, article="an"), "list of augmentations", or_one=True)

    def convert(self, tree: Tree, path: str, reader: Reader) -> Any:
        items = super().convert(tree, path, reader)
        if items is INVALID:
            return INVALID
        if len(items) > MOST:
            reader.fail(tree.value[MOST], f"{path}[{MOST}]", f"{len(items):,} augmentations; the limit is {MOST}")
            return INVALID
        problems = [(i, problem) for i, problem in enumerate(map(_misplaced, _before(items), items)) if problem]
        for i, problem in problems:
            reader.fail(tree.value[i], f"{path}[{i}]", problem)  # of one augmentation alone, there is none
        return INVALID if problems else items


def _before(items: Sequence[Any]) -> list[Sequence[Any]]:
    return [items[:i] for i in range(len(items))]


def _misplaced(before: Sequence[Any], item: Any) -> str | None:
    """The reason why an augmentation cannot follow the ones before it, or None."""
    name = NAMES[type(item)]
    for i, other in enumerate(before):
        first = NAMES[type(other)]
        if isinstance(item, CROPS):
            if isinstance(other, CROPS):
                return f"{first} in augment[{i}] has brought pictures to the network's size; keep one of the two"
            return f"{name} brings pictures to the network's size, so it comes first; move it before {first}"
        if isinstance(other, MIXING) and not isinstance(item, MIXING):
            return f"{name} is for single pictures, and {first} in augment[{i}] has mixed them; move it before {first}"
        if isinstance(other, MIXING) and other.probability == 1:
            return (
                f"a picture is mixed once, and {first} in augment[{i}] leaves none to {name}; "
                f"give {first} a probability, such as 0.5"
            )
    return None


def check_pictures(
    augmentations: Sequence[Any], shape: Sequence[int], tree: Tree | None, path: str, reader: Reader
) -> None:
    """Reports augmentations that do not fit the network's input, (height, width, channels)."""
    for i, item in enumerate(augmentations):
        problem = _unfit(item, shape)
        if problem:
            place = tree.value[i] if tree is not None and isinstance(tree.value, list) else tree
            reader.fail(place or Tree(None, None), f"{path}[{i}]", problem)


def _unfit(item: Any, shape: Sequence[int]) -> str | None:
    """The reason why an augmentation does not fit the network's input, or None."""
    name, size = NAMES[type(item)], "x".join(map(str, shape))
    if len(shape) != 3:
        return f"{name} is for pictures, and the network takes {shape[0]} features; remove it"
    height, width, channels = shape
    if isinstance(item, ResizedCrop | ScaleJitter):
        field = "side" if isinstance(item, ResizedCrop) else "least"
        side, least = getattr(item, field), max(height, width)
        if side < least:
            return f"{field}={side} leaves too little to crop {height}x{width} from; set it to at least {least}"
    if isinstance(item, RandomCrop) and item.pad >= min(height, width):
        limit = min(height, width)
        return f"pad={item.pad} would leave nothing of some pictures of {height}x{width}; set it to less than {limit}"
    if isinstance(item, PcaColor | Grayscale) and channels != 3:
        return f"{name} needs the 3 channels of colours, and the network takes {size}; remove it"
    if isinstance(item, ColorJitter) and channels != 3:
        if channels != 1:
            return f"color_jitter needs 3 channels, or 1, and the network takes {size}; remove it"
        if item.saturation or item.hue:
            return (
                f"grey pictures have no saturation and hue, and the network takes {size}; set saturation: 0 and hue: 0"
            )
    if isinstance(item, RandAugment | TrivialAugment | AugMix) and channels not in (1, 3):
        return f"{name} needs 3 channels, or 1, and the network takes {size}; remove it"
    return None

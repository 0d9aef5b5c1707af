"""Augmentations of training pictures, applied in the order in which a spec lists them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from archspec.errors import INVALID
from archspec.fields.base import FieldError, Reader
from archspec.fields.containers import ListOf
from archspec.fields.records import Count, Tagged, record_of
from archspec.fields.scalars import Integer, Number
from archspec.recipe.numbers import Positive, Probability
from archspec.source.tree import Tree

Pixel = Annotated[int, Integer(min=0, max=255), "The value of pixels from outside the picture, from 0 to 255."]
Interval = Annotated[tuple[float, ...], ListOf(Number(above=0), "list [least, most]", 2)]


def _check_interval(name: str, interval: tuple[float, ...], most: float | None = None) -> None:
    if len(interval) != 2 or interval[0] > interval[1] or (most is not None and interval[1] > most):
        limit = f", at most {most:g}" if most is not None else ""
        raise FieldError(name, f"expected [least, most], the least first{limit}, got {list(interval)}")


# -- crops to the network's size: at most one, and first ---------------------------------------------------------------


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
        _check_interval("area", self.area, 1.0)
        _check_interval("ratio", self.ratio)


@dataclass(frozen=True, kw_only=True)
class RandomCrop:
    """Pads every side by `pad` pixels of value `fill`, then crops the picture's own size at random (He et al. 2015,
    section 4.2).

    Example:
        augment: [{random_crop: {pad: 4}}]

    Attributes:
        pad: pixels that are added to every side before the crop.
    """

    pad: Annotated[int, Integer(min=1, max=1000)]
    fill: Pixel = 0


# -- one picture at a time ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class HorizontalFlip:
    """Mirrors a picture left to right with a probability.

    Example:
        augment: [horizontal_flip]
    """

    probability: Probability = 0.5


@dataclass(frozen=True, kw_only=True)
class PcaColor:
    """Adds the principal components of ImageNet's colours, each times its eigenvalue and a Gaussian of deviation `std`
    (Krizhevsky et al. 2012, section 4.1, who compute the components on their training pictures, ImageNet's).

    Example:
        augment: [pca_color]

    Attributes:
        std: the standard deviation of the Gaussians.
    """

    std: Positive = 0.1


@dataclass(frozen=True, kw_only=True)
class ColorJitter:
    """Multiplies brightness, contrast and saturation by factors in [1 - x, 1 + x], and turns the hue by up to x of the
    circle (Howard 2013, arXiv:1312.5402, without hue).

    Example:
        augment: [{color_jitter: {brightness: 0.2, hue: 0.1}}]

    Attributes:
        brightness: x for the brightness; 0 leaves it as it is.
        contrast: x for the contrast.
        saturation: x for the saturation.
        hue: the largest turn of the hue, as a share of the circle.
    """

    brightness: Probability = 0.4
    contrast: Probability = 0.4
    saturation: Probability = 0.4
    hue: Annotated[float, Number(min=0, max=0.5)] = 0.0


@dataclass(frozen=True, kw_only=True)
class RandAugment:
    """Applies `layers` operations drawn from fourteen, each at `magnitude` out of 30 (Cubuk et al. 2019,
    arXiv:1909.13719). Pixels from outside the picture have the value `fill`.

    Example:
        augment: [{rand_augment: {layers: 2, magnitude: 9}}]

    Attributes:
        layers: operations for each picture.
        magnitude: their strength, of 30.
    """

    layers: Annotated[int, Integer(min=1, max=14)] = 2
    magnitude: Annotated[float, Number(min=0, max=30)] = 9.0
    fill: Pixel = 128


@dataclass(frozen=True, kw_only=True)
class RandomErasing:
    """Fills a rectangle with noise, with a probability: a random share `area` of the picture, with a `ratio` of height
    to width drawn on a logarithmic scale (Zhong et al. 2017, arXiv:1708.04896).

    Example:
        augment: [{random_erasing: {probability: 0.25}}]

    Attributes:
        area: share of the picture's area, [least, most].
        ratio: height to width, [least, most].
    """

    probability: Probability = 0.25
    area: Interval = (0.02, 1 / 3)
    ratio: Interval = (0.3, 3.3)

    def __post_init__(self) -> None:
        _check_interval("area", self.area, 1.0)
        _check_interval("ratio", self.ratio)


# -- a batch at a time -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Mixup:
    """Averages a picture and its label with another's, with a weight drawn from Beta(alpha, alpha) (Zhang et al. 2017,
    arXiv:1710.09412).

    Example:
        augment: [{mixup: {alpha: 0.2}}]

    Attributes:
        alpha: the parameter of the Beta distribution; above 1, weights are near one half.
    """

    alpha: Positive = 0.2
    probability: Probability = 1.0


@dataclass(frozen=True, kw_only=True)
class Cutmix:
    """Replaces a rectangle of a picture by another's, and mixes the labels by area (Yun et al. 2019,
    arXiv:1905.04899).

    Example:
        augment: [{cutmix: {probability: 0.5}}]

    Attributes:
        alpha: the parameter of the Beta distribution from which the area is drawn.
    """

    alpha: Positive = 1.0
    probability: Probability = 1.0


AUGMENTATIONS = {
    "resized_crop": record_of(ResizedCrop, "resized_crop"),
    "scale_jitter": record_of(ScaleJitter, "scale_jitter"),
    "random_resized_crop": record_of(RandomResizedCrop, "random_resized_crop"),
    "random_crop": record_of(RandomCrop, "random_crop"),
    "horizontal_flip": record_of(HorizontalFlip, "horizontal_flip"),
    "pca_color": record_of(PcaColor, "pca_color"),
    "color_jitter": record_of(ColorJitter, "color_jitter"),
    "rand_augment": record_of(RandAugment, "rand_augment"),
    "random_erasing": record_of(RandomErasing, "random_erasing"),
    "mixup": record_of(Mixup, "mixup"),
    "cutmix": record_of(Cutmix, "cutmix"),
}
NAMES = {record.build: name for name, record in AUGMENTATIONS.items()}
CROPS = (ResizedCrop, ScaleJitter, RandomResizedCrop)
"""The augmentations that bring pictures to the network's size."""
MIXING = (Mixup, Cutmix)
"""The augmentations that mix the pictures of a batch. A picture is mixed at most once, by the first that its random
numbers select."""


# -- the list ----------------------------------------------------------------------------------------------------------


class Augmentations(ListOf):
    """A list of augmentations in a possible order: a crop to the network's size first, mixing last."""

    def __init__(self) -> None:
        super().__init__(Tagged("augmentation", AUGMENTATIONS, article="an"), "list of augmentations", or_one=True)

    def convert(self, tree: Tree, path: str, reader: Reader) -> Any:
        items = super().convert(tree, path, reader)
        if items is INVALID:
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
    if isinstance(item, PcaColor) and channels != 3:
        return f"pca_color needs the 3 channels of colours, and the network takes {size}; remove it"
    if isinstance(item, ColorJitter) and channels != 3:
        if channels != 1:
            return f"color_jitter needs 3 channels, or 1, and the network takes {size}; remove it"
        if item.saturation or item.hue:
            return (
                f"grey pictures have no saturation and hue, and the network takes {size}; set saturation: 0 and hue: 0"
            )
    if isinstance(item, RandAugment) and channels not in (1, 3):
        return f"rand_augment needs 3 channels, or 1, and the network takes {size}; remove it"
    return None

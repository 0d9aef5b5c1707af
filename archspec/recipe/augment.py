"""Augmentations of training pictures, applied in the order in which a spec lists them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from archspec.forms import FieldError, Integer, ListOf, Number
from archspec.recipe.numbers import Positive, Probability
from archspec.schema import Count, record_of

Interval = Annotated[tuple[float, ...], ListOf(Number(above=0), "list [least, most]", 2)]


def _check_interval(name: str, interval: tuple[float, ...], most: float | None = None) -> None:
    if len(interval) != 2 or interval[0] > interval[1] or (most is not None and interval[1] > most):
        limit = f", at most {most:g}" if most is not None else ""
        raise FieldError(name, f"expected [least, most], the least first{limit}, got {list(interval)}")


# -- cropping: one of these, first, where pictures are not of the network's size --------------------------------------


@dataclass(frozen=True, kw_only=True)
class ResizedCrop:
    """The shorter side resized to `side`, then a crop of the network's size at random (Krizhevsky et al. 2012, section
    4.1: 224 of 256)."""

    side: Count


@dataclass(frozen=True, kw_only=True)
class ScaleJitter:
    """The shorter side resized to a random length in [`least`, `most`], then a crop of the network's size at random
    (Simonyan and Zisserman 2014, section 3.1: [256, 512])."""

    least: Count = 256
    most: Count = 512

    def __post_init__(self) -> None:
        if self.least > self.most:
            raise FieldError("most", f"most={self.most} must be at least least={self.least}")


@dataclass(frozen=True, kw_only=True)
class RandomResizedCrop:
    """A crop of a random share `area` of the picture and a random `ratio` of width to height, resized to the network's
    size (Szegedy et al. 2014, arXiv:1409.4842, section 6)."""

    area: Interval = (0.08, 1.0)
    ratio: Interval = (3 / 4, 4 / 3)

    def __post_init__(self) -> None:
        _check_interval("area", self.area, 1.0)
        _check_interval("ratio", self.ratio)


@dataclass(frozen=True, kw_only=True)
class RandomCrop:
    """Pads `pad` zeros on every side and crops the picture's own size at random (He et al. 2015, section 4.2)."""

    pad: Annotated[int, Integer(min=1, max=1000)]


# -- one picture at a time ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class HorizontalFlip:
    """Mirrors half of the pictures."""


@dataclass(frozen=True, kw_only=True)
class PcaColor:
    """Adds principal components of the training pictures' colours, each by a Gaussian of deviation `std` times its
    eigenvalue (Krizhevsky et al. 2012, section 4.1)."""

    std: Positive = 0.1


@dataclass(frozen=True, kw_only=True)
class ColorJitter:
    """Brightness, contrast and saturation times a factor in [1 - x, 1 + x], hue turned by up to x of the circle."""

    brightness: Probability = 0.4
    contrast: Probability = 0.4
    saturation: Probability = 0.4
    hue: Annotated[float, Number(min=0, max=0.5)] = 0.0


@dataclass(frozen=True, kw_only=True)
class RandAugment:
    """`layers` operations drawn from fourteen, each at `magnitude` of 30 (Cubuk et al. 2019, arXiv:1909.13719)."""

    layers: Annotated[int, Integer(min=1, max=14)] = 2
    magnitude: Annotated[float, Number(min=0, max=30)] = 9.0


@dataclass(frozen=True, kw_only=True)
class RandomErasing:
    """With a probability, a rectangle of a random share `area` and `ratio` filled with noise (Zhong et al. 2017,
    arXiv:1708.04896)."""

    probability: Probability = 0.25
    area: Interval = (0.02, 1 / 3)
    ratio: Interval = (0.3, 3.3)

    def __post_init__(self) -> None:
        _check_interval("area", self.area, 1.0)
        _check_interval("ratio", self.ratio)


# -- a batch at a time -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Mixup:
    """Pictures and labels averaged with those of another, by a share drawn from Beta(alpha, alpha) (Zhang et al. 2017,
    arXiv:1710.09412)."""

    alpha: Positive = 0.2


@dataclass(frozen=True, kw_only=True)
class Cutmix:
    """A rectangle of each picture from another, labels by area (Yun et al. 2019, arXiv:1905.04899)."""

    alpha: Positive = 1.0


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
CROPS = (ResizedCrop, ScaleJitter, RandomResizedCrop)
"""Those that bring pictures to the network's size."""

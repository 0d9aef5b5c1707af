"""Augmentations of training pictures, applied in the order in which a spec lists them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from archspec.fields.records import record_of
from archspec.fields.scalars import Integer, Number
from archspec.recipe.crops import RandomResizedCrop, ResizedCrop, ScaleJitter
from archspec.recipe.intervals import Interval, check_interval
from archspec.recipe.numbers import Positive, Probability

Pixel = Annotated[int, Integer(min=0, max=255), "The value of pixels from outside the picture, from 0 to 255."]


# -- one picture at a time ---------------------------------------------------------------------------------------------


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


@dataclass(frozen=True, kw_only=True)
class HorizontalFlip:
    """Mirrors a picture left to right with a probability.

    Example:
        augment: [horizontal_flip]
    """

    probability: Probability = 0.5


@dataclass(frozen=True, kw_only=True)
class VerticalFlip:
    """Mirrors a picture top to bottom with a probability, for pictures that have no upright position, as those from
    microscopes and satellites.

    Example:
        augment: [vertical_flip]
    """

    probability: Probability = 0.5


@dataclass(frozen=True, kw_only=True)
class Rotation:
    """Turns a picture about its centre by a random angle of at most `degrees`, either way. Pixels from outside the
    picture have the value `fill`.

    Example:
        augment: [{rotation: 15}]

    Attributes:
        degrees: the largest angle, from 0 to 180.
    """

    degrees: Annotated[float, Number(min=0, max=180)]
    fill: Pixel = 0


@dataclass(frozen=True, kw_only=True)
class Affine:
    """Turns a picture by at most `degrees`, shears its rows by at most `shear` degrees, scales it by a factor in
    `scale`, and moves it by at most a share `translate` of its height and width, all at random and about its centre.
    Pixels from outside the picture have the value `fill`.

    Example:
        augment: [{affine: {degrees: 10, translate: 0.1, scale: [0.9, 1.1]}}]

    Attributes:
        degrees: the largest angle, from 0 to 180.
        translate: the largest shift, as a share of the height and of the width.
        scale: the factor of the size, [least, most].
        shear: the largest angle by which columns lean, from 0 to 60 degrees.
    """

    degrees: Annotated[float, Number(min=0, max=180)] = 10.0
    translate: Probability = 0.1
    scale: Interval = (0.9, 1.1)
    shear: Annotated[float, Number(min=0, max=60)] = 0.0
    fill: Pixel = 0

    def __post_init__(self) -> None:
        check_interval("scale", self.scale)


@dataclass(frozen=True, kw_only=True)
class Blur:
    """Blurs a picture with a probability, by a Gaussian whose deviation is drawn from `sigma`, in pixels (Chen et al.
    2020, arXiv:2002.05709, appendix A, for pictures of 224x224).

    Example:
        augment: [{blur: {probability: 0.5, sigma: [0.1, 2.0]}}]

    Attributes:
        sigma: the standard deviation of the Gaussian in pixels, [least, most].
    """

    probability: Probability = 0.5
    sigma: Interval = (0.1, 2.0)

    def __post_init__(self) -> None:
        check_interval("sigma", self.sigma, 100.0)


@dataclass(frozen=True, kw_only=True)
class Grayscale:
    """Replaces the colours of a picture by their grey with a probability (Chen et al. 2020, arXiv:2002.05709, appendix
    A: 0.2).

    Example:
        augment: [{grayscale: {probability: 0.2}}]
    """

    probability: Probability = 0.1


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
class TrivialAugment:
    """Applies one operation, drawn from RandAugment's fourteen, at a magnitude drawn from 0 to 30 (Mueller and Hutter
    2021, arXiv:2103.10158, with RandAugment's ranges). Pixels from outside the picture have the value `fill`.

    Example:
        augment: [trivial_augment]
    """

    fill: Pixel = 128


@dataclass(frozen=True, kw_only=True)
class AugMix:
    """Averages the results of `width` chains of one to three operations with random weights, and the picture itself
    with that average (Hendrycks et al. 2019, arXiv:1912.02781, without its consistency loss). The operations are nine
    of RandAugment's, none of which the paper's test of corruptions uses, at a magnitude of at most `severity` out of
    10. Pixels from outside the picture have the value `fill`.

    Example:
        augment: [{aug_mix: {severity: 3}}]

    Attributes:
        severity: the largest strength of an operation, of 10.
        width: chains that are averaged.
    """

    severity: Annotated[float, Number(above=0, max=10)] = 3.0
    width: Annotated[int, Integer(min=1, max=10)] = 3
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
        check_interval("area", self.area, 1.0)
        check_interval("ratio", self.ratio)


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
    "vertical_flip": record_of(VerticalFlip, "vertical_flip"),
    "rotation": record_of(Rotation, "rotation"),
    "affine": record_of(Affine, "affine"),
    "blur": record_of(Blur, "blur"),
    "grayscale": record_of(Grayscale, "grayscale"),
    "pca_color": record_of(PcaColor, "pca_color"),
    "color_jitter": record_of(ColorJitter, "color_jitter"),
    "rand_augment": record_of(RandAugment, "rand_augment"),
    "trivial_augment": record_of(TrivialAugment, "trivial_augment"),
    "aug_mix": record_of(AugMix, "aug_mix"),
    "random_erasing": record_of(RandomErasing, "random_erasing"),
    "mixup": record_of(Mixup, "mixup"),
    "cutmix": record_of(Cutmix, "cutmix"),
}
NAMES = {record.build: name for name, record in AUGMENTATIONS.items()}
MIXING = (Mixup, Cutmix)
"""The augmentations that mix the pictures of a batch. A picture is mixed at most once, by the first that its random
numbers select."""

"""The data of a run, as its `environment.json` describes them. No TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from builder.pictures.pixel_range import ANY, PixelRange

if TYPE_CHECKING:
    from builder.pictures.normalisation import Normalisation


@dataclass(frozen=True)
class DataDescription:
    """The data of a run, as `environment.json` describes them.

    Attributes:
        train_count, validation_count: pictures.
        mean, std: of the training pixels, by channel.
        pixel_range: the lowest and the highest training pixel; 0 to 255 if it is not known.
        darkest: the highest pixel of the darkest training picture; 0 if it is not known.
        fingerprint: a hash of the pictures and labels.
    """

    name: str
    train_count: int
    validation_count: int
    class_names: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    pixel_range: PixelRange
    darkest: int
    fingerprint: str

    @property
    def normalisation(self) -> Normalisation:
        """The normalisation inside the model."""
        from builder.pictures.normalisation import Normalisation

        return Normalisation(self.mean, self.std)


def described(data: Mapping[str, Any]) -> DataDescription:
    """The description that the entry `data` of `environment.json` holds.

    Raises:
        KeyError, TypeError, ValueError: it is damaged.
    """
    return DataDescription(
        name=str(data["name"]),
        train_count=int(data["train"]),
        validation_count=int(data["validation"]),
        class_names=tuple(map(str, data["classes"])),
        mean=tuple(map(float, data["pixel_mean"])),
        std=tuple(map(float, data["pixel_std"])),
        pixel_range=pixel_range_of(data),
        darkest=darkest_of(data),
        fingerprint=str(data["fingerprint"]),
    )


def pixel_range_of(data: Mapping[str, Any]) -> PixelRange:
    """The range of training pixels that the entry `data` of `environment.json` records."""
    least, most = map(int, data.get("pixel_range", ANY))
    return PixelRange(least, most)


def darkest_of(data: Mapping[str, Any]) -> int:
    """The highest pixel of the darkest training picture that the entry `data` of `environment.json` records."""
    return int(data.get("darkest_picture", 0))

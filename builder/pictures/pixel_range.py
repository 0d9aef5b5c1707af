"""The range of pixel values: what a network was trained on, and pictures that arrive far outside it."""

from __future__ import annotations

from typing import NamedTuple

DARK_SHARE = 1 / 8
"""Pictures whose pixels all lie within this share of the trained range, at its dark end, were scaled differently: to 0
to 1, or to 0 to 16 as scikit-learn's digits are."""


class PixelRange(NamedTuple):
    """The lowest and the highest value of pixels, from 0 to 255."""

    least: int
    most: int

    def __str__(self) -> str:
        return f"{self.least} to {self.most}"


ANY = PixelRange(0, 255)
NONE = PixelRange(255, 0)
"""The range of no pixels at all."""


def is_outside(seen: PixelRange, trained: PixelRange) -> bool:
    """Whether pixels lie outside a range by more than its width."""
    width = max(trained.most - trained.least, 1)
    return seen.most - trained.most > width or trained.least - seen.least > width


def is_far(seen: PixelRange, trained: PixelRange) -> bool:
    """Whether the pixels of all pictures lie outside a range by more than its width, or fill only its dark end.

    One picture among others may well be dark, and a blank one says nothing about the scale.
    """
    width = max(trained.most - trained.least, 1)
    return is_outside(seen, trained) or seen.least < seen.most <= trained.least + width * DARK_SHARE


def union(one: PixelRange, other: PixelRange) -> PixelRange:
    """The range of the pixels of two pictures together."""
    return PixelRange(min(one.least, other.least), max(one.most, other.most))


def warning(whose: str, seen: PixelRange, trained: PixelRange) -> str:
    """The line that says that pixels are far from what a network was trained on.

    Args:
        whose: the pictures, such as `a.png`.
        seen: their range.
        trained: the range of the training pictures.
    """
    return (
        f"the pixels of {whose} are from {seen}, and the network was trained on pixels from {trained}; "
        "scale them alike, or what it predicts means little"
    )

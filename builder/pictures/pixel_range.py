"""The range of pixel values: what a network was trained on, and pictures that arrive far outside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from archspec.wording import counted, printable

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
NAMED = 3
"""How many of the pictures far outside a range are named."""


def is_outside(seen: PixelRange, trained: PixelRange) -> bool:
    """Whether pixels lie outside a range by more than its width."""
    width = max(trained.most - trained.least, 1)
    return seen.most - trained.most > width or trained.least - seen.least > width


def is_dark(seen: PixelRange, trained: PixelRange) -> bool:
    """Whether pixels fill only the dark end of a range. Pixels of one value say nothing about the scale."""
    width = max(trained.most - trained.least, 1)
    return seen.least < seen.most <= trained.least + width * DARK_SHARE


def is_far(seen: PixelRange, trained: PixelRange) -> bool:
    """Whether pixels lie outside a range by more than its width, or fill only its dark end."""
    return is_outside(seen, trained) or is_dark(seen, trained)


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


class Ranges:
    """The ranges of pictures, one after the other, each compared with what a network was trained on."""

    def __init__(self, trained: PixelRange) -> None:
        self.trained = trained
        self.count = 0
        self._far = {judge: _Far() for judge in (is_outside, is_dark)}

    def add(self, name: str, seen: PixelRange) -> None:
        """Takes note of the range of a picture."""
        self.count += 1
        for judge, far in self._far.items():
            if judge(seen, self.trained):
                far.add(name, seen)
                break

    def warnings(self) -> Iterator[str]:
        """A line about the pictures that lie outside the range, and one about those at its dark end, if there are
        any, with the names of the first."""
        for far in self._far.values():
            if far.count:
                names = ", ".join(_few(far.names, far.count))
                some = f"{far.count:,} of {counted(self.count, 'picture')} ({names})"
                yield warning(some, far.range, self.trained)


def _few(names: Sequence[str], count: int) -> list[str]:
    return [*names, *([f"and {count - len(names):,} more"] if count > len(names) else [])]


class _Far:
    """Pictures far from a range: the names of the first, their number, and their range together."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.count = 0
        self.range = NONE

    def add(self, name: str, seen: PixelRange) -> None:
        if self.count < NAMED:
            self.names.append(printable(name))
        self.count += 1
        self.range = union(self.range, seen)

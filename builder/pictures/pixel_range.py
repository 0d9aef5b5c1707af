"""The range of pixel values: what a network was trained on, and pictures that arrive far outside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from archspec.wording import counted, printable

DARK_SHARE = 1 / 8
"""Pictures whose pixels all lie within this share of the trained range, at its dark end, were scaled differently: to 0
to 1, or to 0 to 16 as scikit-learn's digits are."""


DARKER = 4
"""How many times darker a single picture is than the darkest one of the training before it is said to be far."""


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
    """Whether the pixels of all pictures lie outside a range by more than its width, or fill only its dark end."""
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
    """The ranges of pictures, one after the other, compared with what a network was trained on."""

    def __init__(self, trained: PixelRange, darkest: int = 0) -> None:
        """
        Args:
            trained: the range of the pixels that it was trained on.
            darkest: the highest pixel of the darkest picture among them; 0 if it is not known.
        """
        self.trained, self.darkest = trained, darkest
        self.count = 0
        self._all, self._outside, self._dark = _Far(), _Far(), _Far()

    def add(self, name: str, seen: PixelRange) -> None:
        """Takes note of the range of a picture. One that is dark is far from the others only if no picture that the
        network was trained on is nearly as dark: a photograph of the night is not scaled wrongly."""
        self.count += 1
        self._all.add(name, seen)
        if is_outside(seen, self.trained):
            self._outside.add(name, seen)
        elif is_dark(seen, self.trained) and seen.most * DARKER <= self.darkest:
            self._dark.add(name, seen)

    def warnings(self) -> Iterator[str]:
        """A line about the pictures that lie outside the range, and one about those that are too dark, with the names
        of the first; or one about all of them, if together they are too dark."""
        if self.count and not self._outside.count and is_dark(self._all.range, self.trained):
            yield warning("all pictures together", self._all.range, self.trained)
            return
        for far in (self._outside, self._dark):
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
        self.count, self.range = 0, NONE

    def add(self, name: str, seen: PixelRange) -> None:
        if self.count < NAMED:
            self.names.append(printable(name))
        self.count += 1
        self.range = union(self.range, seen)

"""The widths of texts in the drawings' typeface, without a font: Adobe's metrics of Helvetica and Helvetica Bold, which
Arial and Liberation Sans share."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

REGULAR = (
    *(278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278),
    *(556,) * 10,
    *(278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778),
    *(667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556, 556),
    *(278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334),
    *(260, 334, 584),
)
"""Thousandths of the type's size, for the characters from the space to the tilde."""
BOLD = (
    *(278, 333, 474, 556, 556, 889, 722, 238, 333, 333, 389, 584, 278, 333, 278, 278),
    *(556,) * 10,
    *(333, 333, 584, 584, 584, 611, 975, 722, 722, 722, 722, 667, 611, 778, 722, 278, 556, 722, 611, 833, 722, 778),
    *(667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 333, 278, 333, 584, 556, 333, 556, 611, 556, 611, 556),
    *(333, 611, 611, 278, 278, 556, 278, 889, 611, 611, 611, 611, 389, 556, 333, 611, 556, 778, 556, 556, 500, 389),
    *(280, 389, 584),
)
OTHERS = {"×": 584, "−": 584, "·": 278, "–": 556, "…": 1000, "→": 1000}
WIDEST = 1000
"""For characters whose width is not known, such as those of Chinese; few are wider."""


@lru_cache(maxsize=4096)
def width(text: str, size: float, bold: bool = False) -> float:
    """How wide a text is, in the unit of the type's size."""
    known = BOLD if bold else REGULAR
    return size / 1000 * sum(_advance(character, known) for character in text)


def _advance(character: str, known: tuple[int, ...]) -> int:
    code = ord(character) - ord(" ")
    if 0 <= code < len(known):
        return known[code]
    return OTHERS.get(character, 0 if unicodedata.combining(character) else WIDEST)


def shortened(text: str, most: float, size: float, bold: bool = False) -> str:
    """The text, with an ellipsis for its middle where it would be wider than `most`."""
    if width(text, size, bold) <= most:
        return text
    kept = len(text) - 1
    while kept > 1 and width(_cut(text, kept), size, bold) > most:
        kept -= 1
    return _cut(text, kept)


def _cut(text: str, kept: int) -> str:
    tail = kept // 2
    return f"{text[: kept - tail]}…{text[len(text) - tail :]}"

"""Words of messages: values, counts and names as an error shows them."""

from __future__ import annotations

import difflib
import math
import unicodedata
from collections.abc import Iterable
from typing import Any

LONGEST_WORD = 80
LONGEST_MESSAGE = 1000


def printable(text: str) -> str:
    """The text with what a terminal would not show, or would obey, written as an escape."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def quoted(text: str) -> str:
    """A word of the user's in quotes, cut when it is long."""
    return f"'{text if len(text) <= LONGEST_WORD else text[: LONGEST_WORD - 3] + '...'}'"


def columns(text: str) -> int:
    """The columns of a terminal that a printable text takes."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def describe(value: Any) -> str:
    """A received value, in words short enough for one line."""
    if value is None:
        return "nothing (null)"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"the text '{value if len(value) <= 40 else value[:37] + '...'}'"
    if isinstance(value, dict):
        keys = ", ".join(list(value)[:4]) + (", ..." if len(value) > 4 else "")
        return f"a mapping ({keys})" if value else "an empty mapping"
    if isinstance(value, list):
        return f"a list of {len(value)}" if value else "an empty list"
    if isinstance(value, float) and not math.isfinite(value):
        return "not a number (.nan)" if math.isnan(value) else "infinity"
    if isinstance(value, int) and abs(value) > 10**39:
        return "a number of more than 40 digits"
    text = f"{value}"
    return text if len(text) <= 40 else f"{text[:37]}..."


def counted(count: int, noun: str, plural: str = "") -> str:
    """A count with its noun: `1 epoch`, `1,200 epochs`, `2 classes`."""
    return f"{count:,} {noun if count == 1 else plural or f'{noun}s'}"


def closest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant, if any is near. Case, '_' and the like do not count."""
    words = {_bare(w): w for w in sorted(known)}
    meant = _bare(word[: 2 * LONGEST_WORD])
    if meant in words or len(meant) < 3:
        return words.get(meant) or next(iter(difflib.get_close_matches(meant, words, n=1)), None)
    holding = [w for w in words if meant in w]
    beginning = [w for w in words if len(w) >= 3 and meant.startswith(w)]
    near = holding if len(holding) == 1 else difflib.get_close_matches(meant, words, n=1, cutoff=0.6)
    near = near or sorted(beginning, key=len, reverse=True) or [w for w in words if w.startswith(meant)]
    return words[near[0]] if near else None


def _bare(word: str) -> str:
    return "".join(c for c in word.lower() if c.isalnum())


def did_you_mean(word: str, known: Iterable[str], few: int = 12) -> str:
    """`; did you mean 'x'?` for the closest known word, else the known words when they are at most `few`."""
    words = sorted(known)
    close = closest(word, words)
    if close is not None:
        return f"; did you mean '{close}'?"
    return f"; known: {', '.join(words)}" if words and len(words) <= few else ""

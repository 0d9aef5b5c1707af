"""The wording of messages: how they show values, counts and names."""

from __future__ import annotations

import difflib
import math
import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

LONGEST_WORD = 80
LONGEST_MESSAGE = 1000


def printable(text: str) -> str:
    """The text with every character that a terminal would hide or obey written as an escape."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def quoted(text: str) -> str:
    """A word that the user wrote, in quotes, cut when it is long."""
    return f"'{text if len(text) <= LONGEST_WORD else text[: LONGEST_WORD - 3] + '...'}'"


def columns(text: str) -> int:
    """How many columns of a terminal a printable text takes."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def describe(value: Any) -> str:
    """A received value in words, short enough for one line."""
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


def first_few(parts: Sequence[str], count: int) -> list[str]:
    """The first parts of a list, and `and 3 more` where there are more than `count`."""
    return [*parts[:count], *([f"and {len(parts) - count:,} more"] if len(parts) > count else [])]


def first_line(error: BaseException, longest: int = 300) -> str:
    """The first line of an error's text, cut when it is long; the error's class where it has no text."""
    text = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return text if len(text) <= longest else f"{text[: longest - 3]}..."


def closest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant, or None when none is near. Case and punctuation do not count."""
    words = {bare(w): w for w in sorted(known)}
    meant = bare(word[: 2 * LONGEST_WORD])
    if meant in words or len(meant) < 3:
        return words.get(meant) or next(iter(difflib.get_close_matches(meant, words, n=1)), None)
    holding = [w for w in words if meant in w]
    beginning = [w for w in words if len(w) >= 3 and meant.startswith(w)]
    matches = difflib.get_close_matches(meant, words, n=3, cutoff=0.6)
    near = holding if len(holding) == 1 else [one for one in matches if _is_respelt(word, words[one])]
    near = near or sorted(beginning, key=len, reverse=True) or [w for w in words if w.startswith(meant)]
    return words[near[0]] if near else None


def _is_respelt(word: str, known: str) -> bool:
    """Whether one word may be the other, misspelt: of words with as many parts, each part is like the other's, so that
    `random_flip` is not taken for `random_crop`."""
    parts, others = ([part.lower() for part in _PART.findall(one)] for one in (word, known))
    if len(parts) != len(others):
        return True
    return all(difflib.SequenceMatcher(None, a, b).ratio() >= 0.5 for a, b in zip(parts, others, strict=True))


_PART = re.compile(r"[A-Z]?[^\W_A-Z]+|[A-Z]+")


def bare(word: str) -> str:
    """A word without its case and punctuation, for comparisons."""
    return "".join(c for c in word.lower() if c.isalnum())


def did_you_mean(word: str, known: Iterable[str], few: int = 12) -> str:
    """`; did you mean 'x'?` for the closest known word; where none is close, all known words, if at most `few`."""
    words = sorted(known)
    close = closest(word, words)
    if close is not None:
        return f"; did you mean '{close}'?"
    return f"; known: {', '.join(words)}" if words and len(words) <= few else ""

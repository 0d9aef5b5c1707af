"""Characters that look like those of YAML and are others, as word processors and some keyboards write them."""

from __future__ import annotations

import unicodedata

_DOUBLE = "\u201c\u201d\u201e\u00ab\u00bb"  # quotation marks: left, right, low, and French ones
_SINGLE = "\u2018\u2019\u201a"
QUOTES = _DOUBLE + _SINGLE
DASHES = "\u2010\u2011\u2012\u2013\u2014\u2212\u2022\u00b7\u2023"
"""Hyphens, dashes, the minus sign and bullets, which stand for the `-` of a list in texts from elsewhere."""
_INVISIBLE = "\u00ad\u200b\u200c\u200d\u2060\ufeff"
_PLAIN = {
    **dict.fromkeys(_DOUBLE, '"'), **dict.fromkeys(_SINGLE, "'"), **dict.fromkeys(DASHES, "-"),
    "\u3001": ",", "\u3002": ".", "\u3010": "[", "\u3011": "]",
}  # fmt: skip
"""The plain character for each that Unicode does not map to one; the last four are ideographic."""


def is_odd_space(char: str) -> bool:
    """Whether a character looks like a space, or like nothing at all, and is neither a space nor a tab."""
    return char in _INVISIBLE or (char != " " and unicodedata.category(char) == "Zs")


def plain(char: str) -> str | None:
    """The plain character that this one looks like: `:` for a full-width colon, nothing for an invisible one; None for
    any other character."""
    if is_odd_space(char):
        return "" if char in _INVISIBLE else " "
    if char in _PLAIN:
        return _PLAIN[char]
    same = unicodedata.normalize("NFKC", char)
    return same if "\uff00" <= char <= "\uff5e" and len(same) == 1 else None


def in_plain(text: str) -> str:
    """A text with plain characters in place of those that look like them."""
    return "".join(char if char.isascii() or (same := plain(char)) is None else same for char in text)


def first_alike(text: str) -> int | None:
    """The position of the first character that looks like a plain one; None where there is none."""
    return next((i for i, char in enumerate(text) if not char.isascii() and plain(char) is not None), None)


def named(char: str) -> str:
    """A character by its name in Unicode: `a no-break space (U+00A0)`."""
    name = unicodedata.name(char, "character").lower().replace("fullwidth", "full-width")
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name} (U+{ord(char):04X})"


def mend(char: str) -> str:
    """What to write in place of a character: `write :`."""
    same = plain(char)
    if not same:
        return "remove it"
    return "write a space" if same == " " else f"write {same}"


def alike_hint(text: str) -> str:
    """The end of a message about a text: its first character that looks like a plain one; empty where there is none."""
    position = first_alike(text)
    if position is None:
        return ""
    char = text[position]
    return f"; it holds {named(char)}: {mend(char)}"

"""Texts of others, such as names of classes, as parts of a Markdown page, where they mean nothing but themselves."""

from __future__ import annotations

import re

from archspec.wording import printable

_SPECIAL = re.compile(r"[\\`*{}\[\]<~$]|(?<!\w)_|_(?!\w)|^[-+#>=]|!(?=\[)|&(?=#?\w+;)")
"""What would begin something other than text within a line; and at its beginning a list, a heading or a rule."""
_NUMBER = re.compile(r"^(\d+)(?=[.)](?:\s|$))")
"""The number of an item of a list, at the beginning of a line."""


def escaped(text: str) -> str:
    """A text as text: no emphasis, link, HTML, formula or cell begins in it."""
    shown = _SPECIAL.sub(lambda found: "\\" + found[0], printable(text))
    return _NUMBER.sub(r"\1\\", shown).replace("|", "&#124;")


def code(text: str) -> str:
    """A text in the typeface of programs."""
    shown = printable(text) or " "
    fence = "`" * (_longest_run(shown) + 1)
    space = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{space}{shown}{space}{fence}"


def block(text: str, language: str) -> str:
    """Lines in the typeface of programs."""
    fence = "`" * max(3, _longest_run(text) + 1)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


def _longest_run(text: str) -> int:
    """The length of the longest run of backticks in a text."""
    return max(map(len, re.findall("`+", text)), default=0)

"""A value of a spec with its position in the text."""

from __future__ import annotations

import numbers
import re
from dataclasses import dataclass, field
from typing import Any

from archspec.errors import Span

_NULL = re.compile(r"~|null|Null|NULL|")
_TRUE = re.compile(r"true|True|TRUE")
_FALSE = re.compile(r"false|False|FALSE")
_INT = re.compile(r"[-+]?[0-9]{1,300}")
_OCTAL = re.compile(r"0o[0-7]{1,60}")
_HEX = re.compile(r"0x[0-9a-fA-F]{1,60}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INFINITY = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


@dataclass(slots=True, eq=False)
class Tree:
    """A value with its position. `value` is a scalar, a list of trees or a dict of trees.

    A tree made by a block may also hold an object that needs no further reading.
    """

    value: Any
    span: Span | None
    keys: dict[str, Span | None] = field(default_factory=dict)
    size: int = 1
    quoted: bool = False

    def key_span(self, key: str) -> Span | None:
        """Where `key` stands, or the mapping itself when the key is absent."""
        return self.keys.get(key, self.span)

    def without(self, *names: str) -> Tree:
        """A mapping without some of its keys."""
        rest = {key: child for key, child in self.value.items() if key not in names}
        return Tree(rest, self.span, {key: self.keys[key] for key in rest}, self.size)

    def plain(self) -> Any:
        """The value without positions: scalars, lists and dicts."""
        if isinstance(self.value, dict):
            return {key: child.plain() for key, child in self.value.items()}
        if isinstance(self.value, list):
            return [child.plain() for child in self.value]
        return self.value


def wrap(value: Any, span: Span | None) -> Tree:
    """A tree of Python data, with `span` as the position of every part.

    Trees inside are kept as they are, and an item that follows itself in a list (a block's copies) stays one object.
    """
    if isinstance(value, Tree):
        return value
    if isinstance(value, dict):
        children = {key if isinstance(key, str) else str(key): wrap(child, span) for key, child in value.items()}
        return Tree(children, span, dict.fromkeys(children, span))
    if isinstance(value, list | tuple):
        items: list[Tree] = []
        for i, child in enumerate(value):
            items.append(items[-1] if i and child is value[i - 1] else wrap(child, span))
        return Tree(items, span)
    if isinstance(value, numbers.Real) and not isinstance(value, int | float):  # numpy's, from a search
        value = int(value) if isinstance(value, numbers.Integral) else float(value)
    return Tree(value, span)


def resolve_scalar(text: str) -> bool | int | float | str | None:
    """The value of a plain scalar by the core schema of YAML 1.2.2, section 10.3."""
    if _NULL.fullmatch(text):
        return None
    if _TRUE.fullmatch(text):
        return True
    if _FALSE.fullmatch(text):
        return False
    if _INT.fullmatch(text):
        return int(text)
    if _OCTAL.fullmatch(text):
        return int(text[2:], 8)
    if _HEX.fullmatch(text):
        return int(text[2:], 16)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _INFINITY.fullmatch(text):
        return float(text.replace(".", "", 1))
    return text

"""Specs that are given as Python values: a text, or a mapping."""

from __future__ import annotations

import json
import math
import numbers
from collections.abc import Mapping
from typing import Any, NoReturn

from archspec.errors import Problem, Source, Span, SpecError, Where
from archspec.source.reading import MAX_BYTES, MAX_DEPTH, MAX_KEY, MAX_TEXT, MAX_VALUES, parse
from archspec.source.tree import Tree, wrap
from archspec.wording import quoted

TEXT = "<text>"
MAPPING = "<mapping>"
LARGEST = 10**300
"""Whole numbers stay below it, as in a file, where longer ones are texts."""


def read_text(text: str) -> Tree:
    """The tree of a text: JSON where it is valid JSON, else YAML.

    Raises:
        SpecError: the text is too long, or is not well formed.
    """
    if len(text) > MAX_BYTES:
        raise SpecError([Problem(Where(TEXT), f"is longer than {MAX_BYTES:,} characters, the limit for a spec")])
    return parse(Source(TEXT, text), _is_json(text))


def _is_json(text: str) -> bool:
    try:
        json.loads(text, parse_constant=_refuse, parse_int=str)
    except (ValueError, RecursionError):
        return False
    return True


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def read_mapping(values: Mapping[Any, Any]) -> Tree:
    """The tree of Python data as a YAML reader would give it: mappings, lists or tuples, texts, numbers, booleans and
    None. NumPy's numbers count as Python's.

    Values have no place in a text; each has one in the order of the mapping, so that problems are sorted.

    Raises:
        SpecError: other objects, or more values, deeper nesting, or longer texts and keys than a file may hold.
    """
    return _Wrapping().tree(values, "", 0)


class _Wrapping:
    def __init__(self) -> None:
        self.source = Source(MAPPING, "", is_file=False)
        self.around: dict[int, str] = {}
        """The mappings and lists that hold the value at hand, by their ids, with their paths."""
        self.count = 0
        self.places = 0

    def span(self) -> Span:
        """The next place."""
        self.places += 1
        return Span(self.source, 0, self.places)

    def tree(self, value: Any, path: str, depth: int) -> Tree:
        span = self.span()
        self.count += 1
        if self.count > MAX_VALUES:
            self.fail(path, span, f"the mapping holds more than {MAX_VALUES:,} values, the limit")
        if depth > MAX_DEPTH:
            self.fail(path, span, f"is nested deeper than {MAX_DEPTH} levels, the limit")
        if id(value) in self.around:
            whole = f"'{self.around[id(value)]}'" if self.around[id(value)] else "the whole mapping"
            self.fail(path, span, f"contains itself: it is {whole} again")
        if isinstance(value, Mapping | list | tuple):
            self.around[id(value)] = path
            tree = self.collection(value, path, depth, span)
            del self.around[id(value)]
            return tree
        if isinstance(value, str):
            self.check_text(value, path, span)
            return Tree(value, span, size=1 + len(value) // 64, quoted=True)
        if isinstance(value, int) and abs(value) >= LARGEST:
            self.fail(path, span, f"a number of more than {round(math.log10(LARGEST))} digits, the limit")
        if value is None or isinstance(value, numbers.Real):  # NumPy's too
            return wrap(value, span)
        kinds = "mappings, lists, texts, numbers, true, false and null (None)"
        self.fail(path, span, f"a spec holds {kinds}, got an object of type {type(value).__name__}")

    def collection(
        self, value: Mapping[Any, Any] | list[Any] | tuple[Any, ...], path: str, depth: int, span: Span
    ) -> Tree:
        if isinstance(value, Mapping):
            keys: dict[str, Span | None] = {}
            trees: dict[str, Tree] = {}
            for key, child in value.items():
                name = self.key(key, path, span)
                keys[name] = self.span()
                trees[name] = self.tree(child, f"{path}.{name}".lstrip("."), depth + 1)
            return Tree(trees, span, keys, 1 + sum(tree.size for tree in trees.values()))
        items = [self.tree(child, f"{path}[{i}]", depth + 1) for i, child in enumerate(value)]
        return Tree(items, span, size=1 + sum(tree.size for tree in items))

    def key(self, key: Any, path: str, span: Span) -> str:
        """The key as a text; epochs, say, may be numbers, as in YAML."""
        if not isinstance(key, str | int | float) or isinstance(key, bool):
            self.fail(path, span, f"a key is a text or a number, got an object of type {type(key).__name__}")
        text = str(key)
        if len(text) > MAX_KEY:
            self.fail(path, span, f"a key of {len(text):,} characters; the limit is {MAX_KEY}")
        self.check_text(text, path, span)
        return text

    def check_text(self, text: str, path: str, span: Span) -> None:
        if len(text) > MAX_TEXT:
            self.fail(path, span, f"a text of {len(text):,} characters; the limit is {MAX_TEXT:,}")
        if any("\ud800" <= c <= "\udfff" for c in text):
            self.fail(path, span, f"the text {quoted(text)} holds half a character (a surrogate without its pair)")

    def fail(self, path: str, span: Span, message: str) -> NoReturn:
        raise SpecError([Problem(Where(path, span), message)])

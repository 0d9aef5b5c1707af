"""Forms of single values: numbers, booleans, texts and words."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

from archspec.characters import in_plain
from archspec.fields.base import Form, Reader
from archspec.source.tree import Tree
from archspec.vocabulary.suggestions import value_hint
from archspec.wording import did_you_mean


@dataclass(frozen=True)
class Integer(Form):
    min: int | None = None
    max: int | None = None

    @property
    def expected(self) -> str:  # type: ignore[override]
        return "a whole number" + _range(self.min, self.max)

    def accepts(self, value: Any) -> bool:
        return isinstance(value, int | float) and not isinstance(value, bool)

    def convert(self, tree: Tree, path: str, reader: Reader) -> Any:
        value = tree.value
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if type(value) is not int:
            return reader.expect(tree, path, self.expected, number_hint(value, whole=True))
        return value if _within(value, self.min, self.max) else reader.expect(tree, path, self.expected)

    def json_schema(self) -> dict[str, Any]:
        return _numeric_schema("integer", self.min, self.max)


@dataclass(frozen=True)
class Number(Form):
    min: float | None = None
    max: float | None = None
    above: float | None = None
    below: float | None = None

    @property
    def expected(self) -> str:  # type: ignore[override]
        words = "a number" + _range(self.min, self.max)
        words += f" above {self.above}" if self.above is not None else ""
        return words + (
            f"{' and' if 'at' in words or 'above' in words else ''} below {self.below}"
            if self.below is not None
            else ""
        )

    def accepts(self, value: Any) -> bool:
        return isinstance(value, int | float) and not isinstance(value, bool)

    def convert(self, tree: Tree, path: str, reader: Reader) -> Any:
        value = tree.value
        if isinstance(value, bool) or not isinstance(value, int | float):
            return reader.expect(tree, path, self.expected, number_hint(value))
        fits = (
            (math.isfinite(value) if isinstance(value, float) else abs(value) < _LARGEST)
            and _within(value, self.min, self.max)
            and (self.above is None or value > self.above)
            and (self.below is None or value < self.below)
        )
        return float(value) if fits else reader.expect(tree, path, self.expected)

    def json_schema(self) -> dict[str, Any]:
        schema = _numeric_schema("number", self.min, self.max)
        if self.above is not None:
            schema["exclusiveMinimum"] = self.above
        if self.below is not None:
            schema["exclusiveMaximum"] = self.below
        return schema


_LARGEST = 2**1000
"""Larger than any number that a spec needs, and still a float."""


def _range(low: float | None, high: float | None) -> str:
    if low is not None and high is not None:
        return f" from {low} to {high}"
    if low is not None:
        return f" of at least {low}"
    return f" of at most {high}" if high is not None else ""


def _within(value: float, low: float | None, high: float | None) -> bool:
    return (low is None or value >= low) and (high is None or value <= high)


def _numeric_schema(kind: str, low: float | None, high: float | None) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": kind}
    if low is not None:
        schema["minimum"] = low
    if high is not None:
        schema["maximum"] = high
    return schema


def number_hint(value: Any, whole: bool = False) -> str:
    """A hint on how to write a number that is in quotes, or that has separators of thousands or a decimal comma."""
    if not isinstance(value, str):
        return ""
    text = in_plain(value).strip().rstrip(",;")
    if share := re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?) ?%", text):
        return f"; write {float(share[1]) / 100:g}"
    if re.fullmatch(r"\d+ ?/ ?\d+", text):
        return f'; write "${{{text}}}"'
    if power := re.fullmatch(r"10(?:\^|\*\*)(-?\d{1,3})", text):
        return f"; write 1e{power[1]}"
    bare = text.replace("_", "") if re.fullmatch(r"[\d_.,eE+-]+", text) else text
    if re.fullmatch(r"[1-9]\d{0,2}(,\d{3})+", bare):
        bare = bare.replace(",", "")
    bare = re.sub(r"(?<=\d),(?=\d)", ".", bare)
    if not re.fullmatch(r"[0-9]+" if whole else r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?", bare):
        return ""
    return f"; write {bare}{' without quotes' if bare == value else ''}"


def list_hint(value: Any) -> str:
    """A hint on how to write a list of whole numbers that is a text: `3x3`, `3,3` or `(3, 3)`, or the start of the
    last inside other brackets, where the comma ends the text."""
    if not isinstance(value, str):
        return ""
    numbers = re.fullmatch(r"\(?(\d{1,6}(?: ?[x*,\u00d7] ?\d{1,6}){1,3})\)?", value)
    if numbers is not None:
        return f"; a list stands in square brackets: [{', '.join(re.findall('[0-9]+', numbers[1]))}]"
    return "; a list stands in square brackets, such as [3, 3]" if re.fullmatch(r"\(\d{1,6}", value) else ""


class Boolean(Form):
    expected = "true or false"

    def accepts(self, value: Any) -> bool:
        return isinstance(value, bool)

    def convert(self, tree: Tree, path: str, reader: Reader) -> Any:
        if isinstance(tree.value, bool):
            return tree.value
        words = {"yes": "true", "on": "true", "no": "false", "off": "false"}
        mend = words.get(str(tree.value).lower()) if isinstance(tree.value, str) else None
        hint = f"; write {mend}, as '{tree.value}' is a text in YAML 1.2" if mend else ""
        return reader.expect(tree, path, self.expected, hint)

    def json_schema(self) -> dict[str, Any]:
        return {"type": "boolean"}


@dataclass(frozen=True)
class Text(Form):
    expected: str = "a text"
    takes_expression = False  # an expression is a text

    def accepts(self, value: Any) -> bool:
        return isinstance(value, str)

    def convert(self, tree: Tree, path: str, reader: Reader) -> Any:
        if isinstance(tree.value, str) and tree.value.strip():
            return tree.value
        if isinstance(tree.value, str):
            return reader.fail(tree, path, f"expected {self.expected}, which may not be empty")
        return reader.expect(tree, path, self.expected)

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string"}


@dataclass(frozen=True)
class Choice(Form):
    """One of a few words."""

    words: tuple[str, ...]
    noun: str = ""

    @property
    def expected(self) -> str:  # type: ignore[override]
        if len(self.words) > 8:
            return f"the name of {self.noun}"
        return (
            ", ".join(f"'{word}'" for word in self.words[:-1]) + f" or '{self.words[-1]}'"
            if self.words[1:]
            else f"'{self.words[0]}'"
        )

    def accepts(self, value: Any) -> bool:
        return isinstance(value, str)

    def convert(self, tree: Tree, path: str, reader: Reader) -> Any:
        if tree.value in self.words and isinstance(tree.value, str):
            return tree.value
        hint = value_hint(path, tree.value)
        if isinstance(tree.value, str) and not hint:
            hint = did_you_mean(tree.value, self.words, few=0)
        return reader.expect(tree, path, self.expected, hint)

    def json_schema(self) -> dict[str, Any]:
        return {"enum": list(self.words)}

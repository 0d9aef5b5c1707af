"""Forms: what a value may be. A form reads a tree into a Python value, or reports what it expected; and it says
the same as JSON Schema."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from archspec.errors import INVALID, Problem, Where, did_you_mean
from archspec.expressions import DependsOnInvalid, ExpressionError, evaluate, has_expression
from archspec.source import Tree, resolve_scalar, wrap

EXPRESSION = {"type": "string", "pattern": r"\$\{"}


class FieldError(ValueError):
    """Raised by a dataclass or block that refuses its fields; `field` names the one to point at."""

    def __init__(self, field: str, message: str):
        super().__init__(message)
        self.field = field


@dataclass(slots=True)
class Reader:
    """What reading needs to know besides the tree: the names that expressions see, and where problems go."""

    names: Mapping[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    used_at: tuple[Where, ...] = ()
    context: Any = None  # the layer reader, for forms that hold layers

    def fail(self, tree: Tree, path: str, message: str, key: str | None = None) -> Any:
        span = tree.key_span(key) if key is not None else tree.span
        self.problems.append(Problem(Where(path, span, self.used_at), message))
        return INVALID

    def expect(self, tree: Tree, path: str, expected: str, hint: str = "") -> Any:
        return self.fail(tree, path, f"expected {expected}, got {describe(tree.value)}{hint}")

    def evaluated(self, tree: Tree, path: str) -> Tree:
        """The tree with its `${...}` replaced by their values."""
        if not has_expression(tree.value):
            return tree
        try:
            return wrap(evaluate(tree.value, self.names), tree.span)
        except DependsOnInvalid:
            return Tree(INVALID, tree.span)
        except ExpressionError as error:
            self.fail(tree, path, f"in {tree.value}: {error}")
            return Tree(INVALID, tree.span)


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
        return f"a list of {len(value)}"
    return f"{value}" if len(str(value)) <= 40 else f"{str(value)[:37]}..."


class Form:
    """A kind of value. `expected` completes the sentence 'expected ...'."""

    expected: str = "a value"
    takes_expression: bool = True
    """Whether the schema must allow `${...}` besides what the form says."""

    def read(self, tree: Tree, path: str, reader: Reader) -> Any:
        tree = reader.evaluated(tree, path)
        return INVALID if tree.value is INVALID else self.convert(tree, path, reader)

    def convert(self, tree: Tree, path: str, reader: Reader) -> Any:
        raise NotImplementedError

    def accepts(self, value: Any) -> bool:
        """Whether a union should read a value of this shape by this form."""
        return True

    def json_schema(self) -> dict[str, Any]:
        return {}


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
            return reader.expect(tree, path, self.expected, _number_hint(value))
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
            return reader.expect(tree, path, self.expected, _number_hint(value))
        fits = (
            math.isfinite(value)
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


def _number_hint(value: Any) -> str:
    if not isinstance(value, str):
        return ""
    bare = value.replace("_", "").replace(",", "")
    return f"; write {bare}" if bare.replace(".", "", 1).isdigit() else ""


class Boolean(Form):
    expected = "true or false"

    def accepts(self, value: Any) -> bool:
        return isinstance(value, bool)

    def convert(self, tree: Tree, path: str, reader: Reader) -> Any:
        if isinstance(tree.value, bool):
            return tree.value
        words = {"yes": "true", "on": "true", "no": "false", "off": "false"}
        mend = words.get(str(tree.value).lower()) if isinstance(tree.value, str) else None
        return reader.expect(tree, path, self.expected, f"; write {mend} (YAML 1.2)" if mend else "")

    def json_schema(self) -> dict[str, Any]:
        return {"type": "boolean"}


@dataclass(frozen=True)
class Text(Form):
    expected: str = "a text"
    takes_expression = False  # a text in itself

    def accepts(self, value: Any) -> bool:
        return isinstance(value, str)

    def convert(self, tree: Tree, path: str, reader: Reader) -> Any:
        if isinstance(tree.value, str) and tree.value.strip():
            return tree.value
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
        hint = did_you_mean(tree.value, self.words) if isinstance(tree.value, str) else ""
        return reader.expect(tree, path, self.expected, hint if hint.startswith("; did") else "")

    def json_schema(self) -> dict[str, Any]:
        return {"enum": list(self.words)}


@dataclass(frozen=True)
class OneOrPair(Form):
    """`3` or `[3, 5]` (height, width): always read as a pair."""

    item: Form

    @property
    def expected(self) -> str:  # type: ignore[override]
        return f"{self.item.expected}, or two of them as [height, width]"

    def accepts(self, value: Any) -> bool:
        return isinstance(value, list) or self.item.accepts(value)

    def convert(self, tree: Tree, path: str, reader: Reader) -> Any:
        if isinstance(tree.value, list | tuple) and len(tree.value) == 2:
            parts = [part if isinstance(part, Tree) else Tree(part, tree.span) for part in tree.value]
            pair = tuple(self.item.read(part, f"{path}[{i}]", reader) for i, part in enumerate(parts))
            return INVALID if INVALID in pair else pair
        if isinstance(tree.value, int | float) and not isinstance(tree.value, bool):
            value = self.item.convert(tree, path, reader)
            return INVALID if value is INVALID else (value, value)
        return reader.expect(tree, path, self.expected, _number_hint(tree.value))

    def json_schema(self) -> dict[str, Any]:
        item = schema_of(self.item)
        return {"anyOf": [item, {"type": "array", "items": item, "minItems": 2, "maxItems": 2}]}


@dataclass(frozen=True)
class ListOf(Form):
    item: Form
    noun: str = "list"
    min_items: int = 0

    @property
    def expected(self) -> str:  # type: ignore[override]
        return f"a {self.noun}" + (f" of at least {self.min_items}" if self.min_items else "")

    def accepts(self, value: Any) -> bool:
        return isinstance(value, list)

    def convert(self, tree: Tree, path: str, reader: Reader) -> Any:
        if not isinstance(tree.value, list) or len(tree.value) < self.min_items:
            return reader.expect(tree, path, self.expected)
        items = tuple(self.item.read(part, f"{path}[{i}]", reader) for i, part in enumerate(tree.value))
        return INVALID if any(item is INVALID for item in items) else items

    def json_schema(self) -> dict[str, Any]:
        return {"type": "array", "items": schema_of(self.item), "minItems": self.min_items}


@dataclass(frozen=True)
class MapOf(Form):
    """A mapping of any keys, each read by `key`, to values of one form; read as a tuple of pairs, in file order."""

    key: Form
    item: Form
    expected: str = "a mapping"

    def accepts(self, value: Any) -> bool:
        return isinstance(value, dict)

    def convert(self, tree: Tree, path: str, reader: Reader) -> Any:
        if not isinstance(tree.value, dict):
            return reader.expect(tree, path, self.expected)
        pairs = []
        for key, child in tree.value.items():
            key_value = key if isinstance(self.key, Text) else resolve_scalar(key)
            name = self.key.convert(Tree(key_value, tree.key_span(key)), f"{path}.{key}", reader)
            pairs.append((name, self.item.read(child, f"{path}.{key}", reader)))
        return INVALID if any(INVALID in pair for pair in pairs) else tuple(pairs)

    def json_schema(self) -> dict[str, Any]:
        return {"type": "object", "additionalProperties": schema_of(self.item)}


@dataclass(frozen=True)
class Union(Form):
    """The first of several forms whose kind of value fits; null, where allowed, is None."""

    forms: tuple[Form, ...]
    optional: bool = False

    @property
    def expected(self) -> str:  # type: ignore[override]
        return ", or ".join(form.expected for form in self.forms)

    def accepts(self, value: Any) -> bool:
        return (value is None and self.optional) or any(form.accepts(value) for form in self.forms)

    def convert(self, tree: Tree, path: str, reader: Reader) -> Any:
        if tree.value is None and self.optional:
            return None
        fitting = [form for form in self.forms if form.accepts(tree.value)]
        if not fitting:
            return reader.expect(tree, path, self.expected)
        return fitting[0].read(tree, path, reader)

    def json_schema(self) -> dict[str, Any]:
        schemas = [schema_of(form) for form in self.forms]
        return {"anyOf": [*schemas, {"type": "null"}] if self.optional else schemas}


def schema_of(form: Form) -> dict[str, Any]:
    """A form's JSON Schema; every value that is not itself a container may also be an expression."""
    schema = form.json_schema()
    if not form.takes_expression or not schema or "$ref" in schema:
        return schema
    if "anyOf" in schema:
        options = schema["anyOf"]
        return {**schema, "anyOf": options if EXPRESSION in options else [*options, EXPRESSION]}
    return {"anyOf": [schema, EXPRESSION]}

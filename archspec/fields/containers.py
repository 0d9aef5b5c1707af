"""Forms of lists, pairs and mappings of other forms, and unions of forms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from archspec.errors import INVALID
from archspec.fields.base import EXPRESSION, FieldError, Form, Kinds, Reader, schema_of
from archspec.fields.scalars import Boolean, Choice, Integer, Number, Text, list_hint, number_hint
from archspec.source.tree import Tree, resolve_scalar
from archspec.vocabulary.suggestions import value_hint
from archspec.wording import closest, describe

__all__ = [
    "EXPRESSION",
    "INVALID",
    "Boolean",
    "Choice",
    "FieldError",
    "Form",
    "Integer",
    "ListOf",
    "MapOf",
    "Number",
    "OneOrPair",
    "Reader",
    "Text",
    "Union",
    "describe",
    "schema_of",
]


@dataclass(frozen=True)
class OneOrPair(Form):
    """`3` or `[3, 5]` (height, width): always read as a pair."""

    item: Form

    @property
    def expected(self) -> str:  # type: ignore[override]
        return f"{self.item.expected}, or two of them as [height, width]"

    def inside(self, step: str | int, kinds: Kinds) -> Form | None:
        return self.item if isinstance(step, int) else None

    def accepts(self, value: Any) -> bool:
        return isinstance(value, list) or self.item.accepts(value)

    def convert(self, tree: Tree, path: str, reader: Reader) -> Any:
        if isinstance(tree.value, list) and len(tree.value) == 2:
            pair = tuple(self.item.read(part, f"{path}[{i}]", reader) for i, part in enumerate(tree.value))
            return INVALID if INVALID in pair else pair
        if isinstance(tree.value, int | float) and not isinstance(tree.value, bool):
            value = self.item.convert(tree, path, reader)
            return INVALID if value is INVALID else (value, value)
        hint = number_hint(tree.value, isinstance(self.item, Integer)) or list_hint(tree.value)
        return reader.expect(tree, path, self.expected, hint)

    def written(self, value: Any) -> Any:
        return value[0] if value[0] == value[1] else list(value)

    def json_schema(self) -> dict[str, Any]:
        item = schema_of(self.item)
        return {"anyOf": [item, {"type": "array", "items": item, "minItems": 2, "maxItems": 2}]}


@dataclass(frozen=True)
class ListOf(Form):
    """A list of values of one form; where `or_one`, a single value that is no list is taken for a list of one."""

    item: Form
    noun: str = "list"
    min_items: int = 0
    or_one: bool = False

    @property
    def expected(self) -> str:  # type: ignore[override]
        return f"a {self.noun}" + (f", at least {self.min_items} long" if self.min_items > 1 else "")

    def inside(self, step: str | int, kinds: Kinds) -> Form | None:
        return self.item if isinstance(step, int) else None

    def accepts(self, value: Any) -> bool:
        return isinstance(value, list) or (self.or_one and self.item.accepts(value))

    def convert(self, tree: Tree, path: str, reader: Reader) -> Any:
        if self.or_one and self.item.accepts(tree.value):
            value = self.item.read(tree, path, reader)
            return INVALID if value is INVALID else (value,)
        if not isinstance(tree.value, list) or len(tree.value) < self.min_items:
            hint = list_hint(tree.value) if isinstance(self.item, Integer | Number) else ""
            return reader.expect(tree, path, self.expected, hint)
        items = tuple(self.item.read(part, f"{path}[{i}]", reader) for i, part in enumerate(tree.value))
        return INVALID if any(item is INVALID for item in items) else items

    def written(self, value: Any) -> Any:
        return [self.item.written(item) for item in value]

    def written_in_full(self, value: Any) -> Any:
        return [self.item.written_in_full(item) for item in value]

    def json_schema(self) -> dict[str, Any]:
        item = schema_of(self.item)
        schema = {"type": "array", "items": item, "minItems": self.min_items}
        return {"anyOf": [schema, item]} if self.or_one else schema


@dataclass(frozen=True)
class MapOf(Form):
    """A mapping of any keys, each read by `key`, to values of one form; read as a tuple of pairs, in file order.

    The keys of a table are values too, such as epochs: one table replaces another, where mappings of names are merged.
    """

    key: Form
    item: Form
    expected: str = "a mapping"
    keys_have_dots: bool = False
    is_table: bool = False

    def inside(self, step: str | int, kinds: Kinds) -> Form | None:
        return self.item if isinstance(step, str) else None

    def merges(self, base: Tree, over: Tree) -> bool:
        return not self.is_table

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

    def written(self, value: Any) -> Any:
        return dict(value)

    def json_schema(self) -> dict[str, Any]:
        return {"type": "object", "additionalProperties": schema_of(self.item)}


@dataclass(frozen=True)
class Union(Form):
    """A value of any of several forms: the first that accepts it reads it. Null, where allowed, is None."""

    forms: tuple[Form, ...]
    optional: bool = False

    @property
    def expected(self) -> str:  # type: ignore[override]
        return ", or ".join(form.expected for form in self.forms)

    def inside(self, step: str | int, kinds: Kinds) -> Form | None:
        return next((found for form in self.forms if (found := form.inside(step, kinds)) is not None), None)

    def main_field(self, value: Any) -> str | None:
        if not self.accepts(value):
            return None
        return next((name for form in self.forms if (name := form.main_field(value)) is not None), None)

    @property
    def takes_null(self) -> bool:  # type: ignore[override]
        return self.optional

    def merges(self, base: Tree, over: Tree) -> bool:
        fitting = (form for form in self.forms if form.accepts(over.value))
        return next((form.merges(base, over) for form in fitting), False)

    def alternatives(self, key: str) -> tuple[str, ...]:
        return next((found for form in self.forms if (found := form.alternatives(key))), ())

    def accepts(self, value: Any) -> bool:
        return (value is None and self.optional) or any(form.accepts(value) for form in self.forms)

    def convert(self, tree: Tree, path: str, reader: Reader) -> Any:
        if tree.value is None and self.optional:
            return None
        numbers = [form for form in self.forms if isinstance(form, Integer | Number | OneOrPair)]
        if numbers and (hint := number_hint(tree.value, not any(isinstance(form, Number) for form in numbers))):
            return reader.expect(tree, path, self.expected, hint)
        if any(isinstance(form, OneOrPair) for form in self.forms) and (hint := list_hint(tree.value)):
            return reader.expect(tree, path, self.expected, hint)
        fitting = [form for form in self.forms if form.accepts(tree.value)]
        if not fitting:
            return reader.expect(tree, path, self.expected, value_hint(path, tree.value) or self.in_full(tree.value))
        first = fitting[0]
        unlike = (
            isinstance(first, Choice) and tree.value not in first.words and closest(tree.value, first.words) is None
        )
        if unlike:  # any of the forms may have been meant
            return reader.expect(tree, path, self.expected, value_hint(path, tree.value))
        return first.read(tree, path, reader)

    def in_full(self, value: Any) -> str:
        """How to write a value that stands for the only required field of a mapping, as the end of a message."""
        for form in self.forms:
            name = form.main_field(value)
            inner = form.inside(name, lambda kind: None) if name is not None else None
            if inner is not None and isinstance(value, str | int | float) and inner.accepts(value):
                return f"; write {{{name}: {value}}}"
        return ""

    def written(self, value: Any) -> Any:
        form = next((form for form in self.forms if form.accepts(value)), None)
        return value if form is None else form.written(value)

    def written_in_full(self, value: Any) -> Any:
        form = next((form for form in self.forms if form.accepts(value)), None)
        return value if form is None else form.written_in_full(value)

    def json_schema(self) -> dict[str, Any]:
        schemas = [schema_of(form) for form in self.forms]
        return {"anyOf": [*schemas, {"type": "null"}] if self.optional else schemas}

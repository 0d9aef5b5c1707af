"""Choices: one-key mappings whose key, the name of a kind, chooses the record of its fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from archspec.errors import INVALID
from archspec.fields.base import Form, Kinds, Reader, schema_of
from archspec.fields.records import Record
from archspec.source.tree import Tree
from archspec.vocabulary.suggestions import suggestion
from archspec.wording import closest, quoted


class Tagged(Form):
    """A one-key mapping whose key chooses a record (`{sgd: {momentum: 0.9}}`), or its bare name (`adam`)."""

    def __init__(self, kind: str, records: Mapping[str, Record], article: str = "a"):
        self.kind = kind
        self.noun = f"{article} {kind}"
        self.records = records

    @property
    def expected(self) -> str:  # type: ignore[override]
        return f"{self.noun}: a name, or a one-key mapping from a name to its fields"

    def inside(self, step: str | int, kinds: Kinds) -> Form | None:
        return self.records.get(step) if isinstance(step, str) else None

    def merges(self, base: Tree, over: Tree) -> bool:
        return same_tag(base, over)

    def accepts(self, value: Any) -> bool:
        return isinstance(value, str | dict)

    def convert(self, tree: Tree, path: str, reader: Reader) -> Any:
        tagged = split_tag(tree, path, self.noun, reader)
        if tagged is INVALID:
            return INVALID
        tag, body = tagged
        if tag not in self.records:
            hint = tag_as_value(tag, body) or self.hint(tag)
            return reader.fail(tree, path, f"unknown {self.kind} '{tag}'{hint}", tag)
        record = self.records[tag]
        body, path = in_full(body, record), f"{path}.{tag}"
        values = record.values(body, path, reader, tree.key_span(tag))
        return INVALID if values is INVALID else record.construct(values, body, path, reader)

    def hint(self, tag: str) -> str:
        """What was probably meant by an unknown name, as the end of a message."""
        return suggestion("kinds", self.kind, tag, self.records, few=30)

    def written(self, value: Any) -> Any:
        name = next((name for name, record in self.records.items() if record.build is type(value)), None)
        return value.name if name is None else name

    def written_in_full(self, value: Any) -> Any:
        name = self.written(value)
        return {name: self.records[name].written_in_full(value)} if name in self.records else name

    def json_schema(self) -> dict[str, Any]:
        return tagged_schema(self.records)


def same_tag(base: Tree, over: Tree) -> bool:
    """Whether two one-key mappings choose the same, and the second gives fields."""
    return (
        len(over.value) == 1
        and over.value.keys() == base.value.keys()
        and all(body.value is not None for body in over.value.values())
    )


def keep_one(tree: Tree, first: str, second: str) -> str:
    """How to fix a mapping of two keys where one, the name of a kind, was expected."""
    if tree.value[first].value is None:
        return f"indent {quoted(second)} to make it a field of {quoted(first)}"
    return "keep one of them"


def split_tag(
    tree: Tree, path: str, noun: str, reader: Reader, mend: Callable[[Tree, str, str], str] = keep_one
) -> Any:
    """Reads `name` or `{name: body}` as (name, body).

    Args:
        noun: what the name is of, with its article, for messages.
        mend: says how to fix a mapping of several keys, from the mapping and the first two of them.

    Returns:
        The pair; INVALID, and a problem, for anything else.
    """
    if isinstance(tree.value, str):
        return tree.value, Tree({}, tree.span)
    if not isinstance(tree.value, dict):
        return reader.expect(tree, path, f"{noun}: a name, or a one-key mapping from a name to its fields")
    keys = list(tree.value)
    if not keys:
        return reader.fail(tree, path, f"expected {noun}, got an empty mapping")
    if len(keys) > 1:
        message = f"expected one key, the name of {noun}, got {len(keys)} ({', '.join(keys[:4])})"
        if tag_as_value(keys[0], tree.value[keys[0]]) and not (keys[0] == "name" and noun == "a layer"):
            others = ", ".join(f"{key}: ..." for key in keys[1:])
            hint = f"the name is the key: write '{tree.value[keys[0]].value}: {{{others}}}'"
            return reader.fail(tree, path, f"{message}; {hint}", keys[0])
        return reader.fail(tree, path, f"{message}; {mend(tree, *keys[:2])}", keys[1])
    body = tree.value[keys[0]]
    return keys[0], Tree({}, body.span) if body.value is None else body


TAG_KEYS = ("type", "name", "kind", "class", "class_name", "_target_")
"""The keys beside which other projects put the name of a kind, where here the name itself is the key."""


def tag_as_value(key: str, body: Tree) -> str:
    """How to write `{type: adam}`, as the end of a message; empty for other keys."""
    if key not in TAG_KEYS or not isinstance(body.value, str):
        return ""
    return f"; the name is the key: write '{body.value}', or '{body.value}: {{its fields}}'"


def in_full(body: Tree, record: Record) -> Tree:
    """The body as a mapping: `dropout: 0.5` is `dropout: {rate: 0.5}`, as `rate` is dropout's only required field. A
    choice for such a field may be a mapping itself: `activation: {leaky_relu: {slope: 0.01}}`."""
    name = record.shorthand()
    if name is None:
        return body
    if not isinstance(body.value, dict):
        return Tree({name: body}, body.span, {name: body.span})
    form = record.fields[name].form
    chosen = [key for key in body.value if isinstance(form, Tagged) and _is_choice(key, body, form, record)]
    if name in body.value or len(chosen) != 1:
        return body
    span = body.keys[chosen[0]]
    choice = Tree({chosen[0]: body.value[chosen[0]]}, span, {chosen[0]: span})
    rest = {key: child for key, child in body.value.items() if key != chosen[0]}
    return Tree({name: choice, **rest}, body.span, {**body.keys, name: span})


def _is_choice(key: str, body: Tree, form: Tagged, record: Record) -> bool:
    """Whether a key among a record's fields is, or was meant to be, a choice for its main field."""
    if key in record.fields:
        return False
    return key in form.records or (isinstance(body.value[key].value, dict) and closest(key, record.fields) is None)


def tagged_schema(records: Mapping[str, Record]) -> dict[str, Any]:
    bare = [name for name, record in records.items() if not record.required]
    properties = {name: body_schema(record) for name, record in records.items()}
    mapping = {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
    }
    return {"anyOf": [{"enum": bare}, mapping]} if bare else mapping


def body_schema(record: Record) -> dict[str, Any]:
    """A record's schema with its shorthand, and null where no field is required."""
    options = [record.json_schema()]
    name = record.shorthand()
    if name is not None:
        options.append(schema_of(record.fields[name].form))
    if not record.required:
        options.append({"type": "null"})
    if len(options) == 1:
        return options[0]
    description = {"description": options[0]["description"]} if "description" in options[0] else {}
    return {**description, "anyOf": options}

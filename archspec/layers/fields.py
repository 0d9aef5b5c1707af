"""Forms of the parts of a layer: names, references, lists of layers, the arguments of blocks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from archspec.errors import INVALID
from archspec.fields.base import Form, Kinds, Reader
from archspec.fields.choices import same_tag, split_tag
from archspec.fields.containers import Union
from archspec.fields.scalars import Choice
from archspec.ops import PRIMITIVES, activations
from archspec.source.tree import Tree

NORMS = {kind.removesuffix("_norm"): kind for kind, op in PRIMITIVES.items() if op.is_norm}
MERGES = ("add", "concat", "multiply")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_\-]*#?[A-Za-z0-9_\-]*")

NORM_FORM = Union((Choice(tuple(NORMS)),), optional=True)
ACTIVATION_FORM = Union((activations.FORM,), optional=True)


class AnyForm(Form):
    """An argument of a block of the spec: any value; it is checked where the body uses it."""

    takes_null = True

    def convert(self, tree: Tree, path: str, reader: Reader) -> Any:
        if isinstance(tree.value, list):
            items = [self.read(part, f"{path}[{i}]", reader) for i, part in enumerate(tree.value)]
            return INVALID if INVALID in items else items
        if isinstance(tree.value, dict):
            fields = {key: self.read(part, f"{path}.{key}", reader) for key, part in tree.value.items()}
            return INVALID if INVALID in fields.values() else fields
        return tree.value


@dataclass(frozen=True)
class NameForm(Form):
    """A name. In the name of a layer, where `numbered`, `#` stands for the next free number of its scope."""

    expected: str = "a name of letters, digits, '_' and '-'"
    numbered: bool = True

    def convert(self, tree: Tree, path: str, reader: Reader) -> Any:
        text = str(tree.value) if isinstance(tree.value, str | int) and not isinstance(tree.value, bool) else ""
        if text == "input":
            return reader.fail(tree, path, "the name 'input' is taken: it is what enters a block; choose another")
        if not _NAME.fullmatch(text) or len(text) > 100 or ("#" in text and not self.numbered):
            return reader.expect(tree, path, self.expected)
        return text

    def json_schema(self) -> dict[str, Any]:
        return {"type": ["string", "integer"]}


class SourcesForm(Form):
    expected = "the name of an earlier layer, or a list of names"

    def convert(self, tree: Tree, path: str, reader: Reader) -> Any:
        parts = tree.value if isinstance(tree.value, list) else [tree]
        parts = [reader.evaluated(part, path) for part in parts]
        if not parts:
            return reader.expect(tree, path, self.expected)
        if INVALID in [part.value for part in parts]:
            return INVALID
        wrong = [part for part in parts if not isinstance(part.value, str) or not part.value]
        for part in wrong:
            reader.expect(part, path, "a layer's name" if isinstance(tree.value, list) else self.expected)
        return INVALID if wrong else tuple(part.value for part in parts)

    def json_schema(self) -> dict[str, Any]:
        return {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}


COMMON = {
    "name": "The layer's name, for `from` and in tables; `#` is the next free number.",
    "from": "The earlier layers that this one takes, by name. `input` is the picture, or in a block what enters the "
    "block; `residual.input`, `sequence.input` and the like are what enters the nearest of these.",
    "merge": "How several layers named by `from` become one input.",
}
"""The descriptions of the fields that every layer has."""
COMMON_FORMS: dict[str, Form] = {"name": NameForm(), "from": SourcesForm(), "merge": Choice(MERGES)}


class LayersForm(Form):
    """A field that holds a list of layers."""

    expected = "a list of layers"

    def inside(self, step: str | int, kinds: Kinds) -> Form | None:
        return LayerForm(()) if isinstance(step, int) else None

    def accepts(self, value: Any) -> bool:
        return isinstance(value, list | tuple)

    def read(self, tree: Tree, path: str, reader: Reader) -> Any:
        return reader.layers.read_all(tree, path, reader)

    def json_schema(self) -> dict[str, Any]:
        return {"$ref": "#/$defs/layers"}


@dataclass(frozen=True)
class LayerForm(Form):
    """A field that holds one layer, kept as a tree for a block that adds `fields` to it (`stages: {block: ...}`)."""

    fields: tuple[str, ...]
    expected: str = "a block"

    def inside(self, step: str | int, kinds: Kinds) -> Form | None:
        return kinds(step) if isinstance(step, str) else None

    def merges(self, base: Tree, over: Tree) -> bool:
        return same_tag(base, over)

    def convert(self, tree: Tree, path: str, reader: Reader) -> Any:
        tagged = split_tag(tree, path, "a block", reader)
        if tagged is INVALID:
            return INVALID
        kind, body = tagged
        record = reader.layers.record(kind)
        if record is None:
            return reader.layers.unknown(kind, tree, path, reader)
        lacking = [f"'{name}'" for name in self.fields if name not in record.fields]
        if lacking:
            needed = " and ".join(f"'{name}'" for name in self.fields)
            message = f"'{kind}' has no field {lacking[0]}; expected a block with the fields {needed}"
            return reader.fail(tree, path, message, kind)
        if not isinstance(body.value, dict):
            return reader.expect(body, f"{path}.{kind}", f"a mapping of the fields of {kind}")
        for name in (*self.fields, "name", "from", "merge"):
            if name in body.value:
                reader.fail(body, f"{path}.{kind}", f"'{name}' is set for each copy; leave it out here", name)
                return INVALID
        if record.partial().values(body, f"{path}.{kind}", reader) is INVALID:
            return INVALID
        return Tree({kind: body}, tree.span, {kind: tree.key_span(kind)})

    def json_schema(self) -> dict[str, Any]:
        return {"$ref": "#/$defs/block"}

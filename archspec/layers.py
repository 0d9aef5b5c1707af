"""Reading layers: from trees to `Layer`s, with every block replaced by its body.

A layer is a bare name (`flatten`) or a one-key mapping (`conv: {...}`). What it holds is a primitive, a structure whose
meaning depends on the shapes that arrive (`parallel`, `residual`, `towers`), or the layers of a block.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Annotated, Any

from archspec.errors import Problem, Where, did_you_mean
from archspec.forms import INVALID, Choice, Form, Reader, Union
from archspec.ops import ACTIVATIONS, PRIMITIVES, Op
from archspec.schema import REQUIRED, Field, Record, body_schema, in_full, record_of, split_tag
from archspec.source import Tree, wrap

MAX_BLOCK_DEPTH = 20

NORMS = {"batch": "batch_norm", "layer": "layer_norm", "local_response": "local_response_norm"}
MERGES = ("add", "concat", "multiply")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_\-]*#?[A-Za-z0-9_\-]*")

Fragment = Sequence[Any]
"""What a block returns: layers as they would be written in a spec, in Python's lists and dicts."""


class Structure:
    """A composition whose meaning depends on the shapes that arrive."""

    def prepared(self, read: Callable[[Fragment], tuple[Layer, ...]]) -> Structure:
        """Itself with the layers that it adds of its own, read with the spec's defaults."""
        return self


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """A layer as read: what `archspec.expand` places into the graph."""

    kind: str
    content: Op | Structure | tuple[Layer, ...]
    where: Where
    fields: Tree
    name: str | None = None
    sources: tuple[str, ...] = ()
    merge: str = "add"
    then: tuple[Layer, ...] = ()
    """The `norm` and `activation` written on a convolution or dense layer."""
    scoped: bool = True
    """Whether the layers inside get this layer's name in front of theirs."""


@dataclass(frozen=True, slots=True)
class Block:
    """A function from typed keyword arguments to layers. Its signature is its schema.

    A block with a parameter `name` names its layers itself; the layers of any other get the block's name in front.
    `names` (for blocks written in a spec) are what expressions in the body see besides the arguments.
    """

    name: str
    record: Record
    path: str
    names: Mapping[str, Any] | None = None

    @property
    def names_its_layers(self) -> bool:
        return "name" in self.record.fields


def python_block(function: Callable[..., Fragment]) -> Block:
    """A block from a Python function with typed keyword-only parameters, known in specs by the function's name."""
    return Block(function.__name__, record_of(function, function.__name__), f"{function.__name__}.layers")


def spec_block(name: str, defaults: Mapping[str, Any], body: Tree, names: Mapping[str, Any]) -> Block:
    """A block written in a spec: parameters with defaults (null: required) and a list of layers."""
    fields = (Field(key, AnyForm(), REQUIRED if value is None else value) for key, value in defaults.items())
    return Block(name, Record(lambda **_: body, f"block '{name}'", tuple(fields)), f"blocks.{name}.layers", names)


@dataclass
class LayerReader:
    """What layers are read with: the kinds that are known, and the spec's defaults for their fields."""

    structures: Mapping[str, Record]
    blocks: dict[str, Block]
    defaults: dict[str, Tree] = field(default_factory=dict)
    active: tuple[str, ...] = ()

    def kinds(self) -> list[str]:
        return [*PRIMITIVES, *self.structures, *self.blocks]

    def record(self, kind: str) -> Record | None:
        """The fields of a kind of layer besides `name`, `from` and `merge`."""
        if kind in self.blocks:
            return self.blocks[kind].record
        return primitive_record(kind) if kind in PRIMITIVES else self.structures.get(kind)

    def read_all(self, tree: Tree, path: str, reader: Reader) -> Any:
        """A list of layers, as a tuple."""
        tree = reader.evaluated(tree, path)
        if not isinstance(tree.value, list):
            return reader.expect(tree, path, "a list of layers")
        layers: list[Any] = []
        for i, part in enumerate(tree.value):
            if i and part is tree.value[i - 1]:  # copies that a block makes are read once
                layers.append(layers[-1])
            else:
                layers.append(self.read(part, f"{path}[{i}]", reader))
        return INVALID if INVALID in layers else tuple(layers)

    def read(self, tree: Tree, path: str, reader: Reader) -> Any:
        """One layer. A block passes on, as they are, layers that it was given."""
        if isinstance(tree.value, Layer):
            return tree.value
        tree = reader.evaluated(tree, path)
        tagged = split_tag(tree, path, "a layer", reader)
        if tagged is INVALID:
            return INVALID
        kind, body = tagged
        record = self.record(kind)
        if record is None:
            hint = did_you_mean(kind, self.kinds())
            return reader.fail(tree, path, f"unknown block '{kind}'{hint}", kind)
        where = Where(f"{path}.{kind}" if kind in tree.keys else path, tree.key_span(kind), reader.used_at)
        fields, common = self.common(in_full(body, record), kind, record, where.path, reader)
        values = record.values(fields, where.path, reader, where.span)
        if values is INVALID or common is INVALID:
            return INVALID
        if kind in self.blocks:
            return self.expanded(self.blocks[kind], values, fields, common, where, reader)
        then: tuple[Layer, ...] = ()
        if kind in PRIMITIVES and PRIMITIVES[kind].has_kernel:
            norm, activation = values.pop("norm", None), values.pop("activation", None)
            if norm is not None:
                values.setdefault("bias", False)  # a normalisation has an offset of its own
            then = self.followers(norm, activation, where, reader)
        content = record.construct(values, fields, where.path, reader)
        if isinstance(content, Structure):
            content = content.prepared(lambda parts: self.read_all(wrap(parts, where.span), where.path, reader))
        return INVALID if content is INVALID else Layer(kind, content, where, fields, then=then, **common)

    def common(self, body: Tree, kind: str, record: Record, path: str, reader: Reader) -> tuple[Tree, Any]:
        """A layer's own fields, with the spec's defaults put in, and the fields that every layer has."""
        if not isinstance(body.value, dict):
            return body, {}
        own = dict(body.value)
        values: dict[str, Any] = {}
        for key, form in COMMON_FORMS.items():
            if key in own and key not in record.fields:
                values["sources" if key == "from" else key] = form.read(own.pop(key), f"{path}.{key}", reader)
        if "merge" in values and len(values.get("sources", ())) < 2:
            reader.fail(body.value["merge"], path, "'merge' needs 'from' with a list of layers")
            return body, INVALID
        if kind in self.defaults:
            default = self.defaults[kind]
            own = {**default.value, **own}
            body = Tree(own, body.span, {**default.keys, **body.keys})
        return Tree(own, body.span, body.keys), INVALID if INVALID in values.values() else values

    def followers(self, norm: str | None, activation: str | None, where: Where, reader: Reader) -> tuple[Layer, ...]:
        parts: list[Any] = []
        if norm is not None:
            parts.append({NORMS[norm]: {"name": "norm"}})
        if activation is not None:
            parts.append({"activation": {"function": activation, "name": "activation"}})
        layers = self.read_all(wrap(parts, where.span), where.path, reader)
        return () if layers is INVALID else layers

    def expanded(
        self, block: Block, values: dict[str, Any], fields: Tree, common: dict[str, Any], where: Where, reader: Reader
    ) -> Any:
        """The layer of a block: its body, read."""
        if not self.enter(block, where, reader):
            return INVALID
        arguments = {name: item.default for name, item in block.record.fields.items()} | values
        names = reader.names if block.names is None else {**block.names, **arguments}
        parts = block.record.construct(values, fields, where.path, reader)
        layers = INVALID
        if parts is not INVALID:
            inner = replace(reader, names=names, used_at=(*reader.used_at, where))
            layers = self.read_all(wrap(parts, where.span), block.path, inner)
        self.active = self.active[:-1]
        if layers is INVALID:
            return INVALID
        return Layer(block.name, layers, where, fields, scoped=not block.names_its_layers, **common)

    def enter(self, block: Block, where: Where, reader: Reader) -> bool:
        """Notes that a block's body is being read; refuses a block inside itself."""
        if block.names is not None and block.name in self.active:
            chain = " → ".join([*self.active[self.active.index(block.name) :], block.name])
            reader.problems.append(Problem(where, f"block '{block.name}' contains itself: {chain}"))
            return False
        if len(self.active) >= MAX_BLOCK_DEPTH:
            message = f"blocks are nested deeper than {MAX_BLOCK_DEPTH} levels, the limit"
            reader.problems.append(Problem(where, message))
            return False
        self.active = (*self.active, block.name)
        return True


@cache
def primitive_record(kind: str) -> Record:
    """A primitive's fields; those with a kernel take `norm` and `activation` besides."""
    record = record_of(PRIMITIVES[kind], kind)
    if not PRIMITIVES[kind].has_kernel:
        return record
    extra = (Field("norm", NORM_FORM, None), Field("activation", ACTIVATION_FORM, None))
    return Record(record.build, kind, (*record.fields.values(), *extra))


NORM_FORM = Union((Choice(tuple(NORMS)),), optional=True)
ACTIVATION_FORM = Union((Choice(ACTIVATIONS, "an activation function of Keras"),), optional=True)


class AnyForm(Form):
    """An argument of a block written in a spec: any value, checked where the body uses it."""

    def convert(self, tree: Tree, path: str, reader: Reader) -> Any:
        if isinstance(tree.value, list):
            return [self.read(part, f"{path}[{i}]", reader) for i, part in enumerate(tree.value)]
        return tree.plain()


class NameForm(Form):
    """A layer's name. `#` in it stands for the next free number in its scope."""

    expected = "a name of letters, digits, '_' and '-'"

    def convert(self, tree: Tree, path: str, reader: Reader) -> Any:
        text = str(tree.value) if isinstance(tree.value, str | int) and not isinstance(tree.value, bool) else ""
        if text == "input":
            return reader.fail(tree, path, "the name 'input' is taken: it is what enters a block; choose another")
        if not _NAME.fullmatch(text) or len(text) > 100:
            return reader.expect(tree, path, self.expected)
        return text

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string"}


class SourcesForm(Form):
    expected = "the name of an earlier layer, or a list of names"

    def convert(self, tree: Tree, path: str, reader: Reader) -> Any:
        parts = tree.value if isinstance(tree.value, list) else [tree]
        parts = [reader.evaluated(part, path) for part in parts]
        if not parts or not all(isinstance(part.value, str) and part.value for part in parts):
            return reader.expect(tree, path, self.expected)
        return tuple(part.value for part in parts)

    def json_schema(self) -> dict[str, Any]:
        return {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}


COMMON_FORMS: dict[str, Form] = {"name": NameForm(), "from": SourcesForm(), "merge": Choice(MERGES)}


class LayersForm(Form):
    """A field that holds a list of layers."""

    expected = "a list of layers"

    def accepts(self, value: Any) -> bool:
        return isinstance(value, list | tuple)

    def read(self, tree: Tree, path: str, reader: Reader) -> Any:
        return reader.context.read_all(tree, path, reader)

    def json_schema(self) -> dict[str, Any]:
        return {"$ref": "#/$defs/layers"}


class LayerForm(Form):
    """A field that holds one layer as it is written, for a block that adds fields to it (`stages: {block: ...}`)."""

    expected = "a block"

    def convert(self, tree: Tree, path: str, reader: Reader) -> Any:
        tagged = split_tag(tree, path, "a block", reader)
        if tagged is INVALID:
            return INVALID
        kind, body = tagged
        kinds = reader.context.kinds()
        if kind not in kinds:
            return reader.fail(tree, path, f"unknown block '{kind}'{did_you_mean(kind, kinds)}", kind)
        if not isinstance(body.value, dict):
            return reader.expect(body, path, f"a mapping of {kind}'s fields")
        return Tree({kind: body}, tree.span, {kind: tree.key_span(kind)})

    def json_schema(self) -> dict[str, Any]:
        return {"$ref": "#/$defs/block"}


Layers = Annotated[tuple[Layer, ...], LayersForm()]
BlockTree = Annotated[Tree, LayerForm()]


def layer_schema(structures: Mapping[str, Record], blocks: Mapping[str, Block], partial: bool) -> dict[str, Any]:
    """JSON Schema of a layer, or (`partial`) of one whose required fields may be given elsewhere.

    A one-key mapping with an unknown name may be a block that the spec itself defines.
    """
    records = {kind: primitive_record(kind) for kind in PRIMITIVES} | dict(structures)
    records |= {name: block.record for name, block in blocks.items()}
    common = {key: form.json_schema() for key, form in COMMON_FORMS.items()}
    properties = {}
    for kind, record in records.items():
        schema = body_schema(record)
        for option in schema.get("anyOf", [schema]):
            if option.get("type") == "object":
                option["properties"] = {**common, **option["properties"]}
                if partial:
                    option.pop("required", None)
        properties[kind] = schema
    mapping = {"type": "object", "properties": properties, "minProperties": 1, "maxProperties": 1}
    return {"anyOf": [{"type": "string"}, mapping]}

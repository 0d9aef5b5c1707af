"""Reading layers: from trees to `Layer`s, with every block replaced by its body.

A layer is a bare name (`flatten`) or a one-key mapping (`conv: {...}`). Its content is a primitive, a structure whose
meaning depends on the shapes that arrive (`parallel`, `residual`, `towers`), or the layers of a block.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Annotated, Any

from archspec.errors import INVALID, Problem, Where
from archspec.fields.base import Reader
from archspec.fields.choices import in_full, keep_one, split_tag, tag_as_value
from archspec.fields.records import REQUIRED, Field, Record, record_of
from archspec.layers.fields import ACTIVATION_FORM, COMMON_FORMS, NORM_FORM, NORMS, AnyForm, LayerForm, LayersForm
from archspec.ops import ACTIVATIONS, PRIMITIVES, Op
from archspec.source.tree import Tree, wrap
from archspec.vocabulary.suggestions import meaning, suggestion
from archspec.wording import bare, quoted

MAX_BLOCK_DEPTH = 20
MAX_NESTING = 40
"""How deep layers may lie inside layers, those inside blocks included."""


Fragment = Sequence[Any]
"""Layers as a spec would have them, as Python lists and dicts; blocks return these."""


class Structure:
    """A composition whose meaning depends on the shapes that arrive."""

    def prepared(self, read: Callable[[Fragment], tuple[Layer, ...]]) -> Structure:
        """The structure with its own extra layers (a projection, an activation) read under the spec's defaults."""
        return self


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """A layer as read; `archspec.graph.expanding` places it into the graph."""

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
    """Whether the names of the layers inside begin with this layer's name."""


@dataclass(frozen=True, slots=True)
class Block:
    """A function from typed keyword arguments to layers. Its signature is its schema.

    A block with a parameter `name` names its layers itself; for any other, their names begin with the block's name.
    `names`, for a block of the spec, are the values that expressions in its body see besides the arguments.
    """

    name: str
    record: Record
    path: str
    names: Mapping[str, Any] | None = None

    @property
    def names_its_layers(self) -> bool:
        return "name" in self.record.fields


def python_block(function: Callable[..., Fragment]) -> Block:
    """The block of a Python function with typed keyword-only parameters; specs use it by the function's name."""
    return Block(function.__name__, record_of(function, function.__name__), f"{function.__name__}.layers")


def spec_block(name: str, defaults: Mapping[str, Any], body: Tree, names: Mapping[str, Any]) -> Block:
    """A block of the spec: parameters with defaults (null: required) and a list of layers."""
    fields = (Field(key, AnyForm(), REQUIRED if value is None else value) for key, value in defaults.items())
    return Block(name, Record(lambda **_: body, f"block '{name}'", tuple(fields)), f"blocks.{name}.layers", names)


@dataclass
class LayerReader:
    """Reads layers, knowing their kinds and the spec's defaults for their fields."""

    structures: Mapping[str, Record]
    blocks: dict[str, Block]
    defaults: dict[str, Tree] = field(default_factory=dict)
    active: tuple[str, ...] = ()
    broken: set[str] = field(default_factory=set)
    """The spec's own blocks whose problems have been reported already."""
    used: set[str] = field(default_factory=set)
    """The blocks whose bodies have been read."""
    nesting: int = 0

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
        if tree.value is INVALID:
            return INVALID
        if not isinstance(tree.value, list):
            return reader.expect(tree, path, "a list of layers")
        if self.nesting >= MAX_NESTING:
            return reader.fail(tree, path, f"layers are nested deeper than {MAX_NESTING} levels, the limit")
        reader.spend(tree, path, copies=len(tree.value))
        self.nesting += 1
        layers: list[Any] = []
        for i, part in enumerate(tree.value):
            if i and part is tree.value[i - 1]:  # copies that a block makes are read once
                layers.append(layers[-1])
            else:
                layers.append(self.read(part, f"{path}[{i}]", reader))
        self.nesting -= 1
        return INVALID if INVALID in layers else tuple(layers)

    def read(self, tree: Tree, path: str, reader: Reader) -> Any:
        """One layer. A layer that was read already, which a block was given as an argument, stays as it is."""
        if isinstance(tree.value, Layer):
            return tree.value
        tree = reader.evaluated(tree, path)
        reader.spend(tree, path, layers=1)
        tagged = split_tag(tree, path, "a layer", reader, self.two_keys)
        if tagged is INVALID:
            return INVALID
        kind, body = tagged
        record = self.record(kind)
        if record is None:
            return self.unknown(kind, tree, path, reader)
        where = Where(f"{path}.{kind}" if kind in tree.keys else path, tree.key_span(kind), reader.used_at)
        if isinstance(body.value, list) and kind in PRIMITIVES and PRIMITIVES[kind].many_inputs:
            return reader.fail(body, where.path, f"{kind} takes layers by their names, '{kind}: {{from: [a, b]}}'")
        body = in_full(body, record)
        fields, common = self.common(body, kind, record, where.path, reader)
        values = record.values(fields, where.path, reader, where.span)
        if values is INVALID or common is INVALID:
            return INVALID
        if kind in self.blocks:
            return self.expanded(self.blocks[kind], values, _whole(body, fields), common, where, reader)
        then: tuple[Layer, ...] = ()
        if kind in PRIMITIVES and PRIMITIVES[kind].has_kernel:
            norm, activation = values.pop("norm", None), values.pop("activation", None)
            if norm is not None:
                values.setdefault("bias", False)  # a normalisation has an offset of its own
            then = self.followers(norm, activation, fields, where, reader)
        content = record.construct(values, fields, where.path, reader)
        if isinstance(content, Structure):
            content = content.prepared(lambda parts: self.read_all(wrap(parts, where.span), where.path, reader))
        return INVALID if content is INVALID else Layer(kind, content, where, _whole(body, fields), then=then, **common)

    def two_keys(self, tree: Tree, first: str, second: str) -> str:
        """How to fix a mapping of two keys that stands for a layer: the second key is a field that stands too far left,
        or another layer."""
        record, other = self.record(first), self.record(second)
        is_layer = other is not None and not (record and second in record.fields)
        if tree.value[first].value is None and not is_layer:
            return keep_one(tree, first, second)
        if record and not is_layer:
            return f"move {quoted(second)} into the fields of {quoted(first)}"
        lines = {span.line for key in (first, second) if (span := tree.key_span(key))}
        return "write 'name: {its fields}'" if len(lines) == 1 else f"begin {quoted(second)} with '- '"

    def unknown(self, kind: str, tree: Tree, path: str, reader: Reader) -> Any:
        """Reports an unknown kind of layer."""
        if kind in self.broken:
            return INVALID
        body = tree.value.get(kind) if isinstance(tree.value, dict) else None
        hint = tag_as_value(kind, body) if body is not None else ""
        if not hint and meaning("kinds", "layer", kind, self.kinds()) is None:
            function = next(
                (one for one in ACTIVATIONS if bare(one) == bare(kind.partition("(")[0].rpartition(".")[2])), None
            )
            hint = f"; did you mean 'activation: {function}'?" if function else ""
        hint = hint or suggestion("kinds", "layer", kind, self.kinds(), few=100)
        return reader.fail(tree, path, f"unknown block {quoted(kind)}{hint}", kind)

    def common(self, body: Tree, kind: str, record: Record, path: str, reader: Reader) -> tuple[Tree, Any]:
        """Splits a layer's fields into its own, completed by the spec's defaults, and those that every layer has."""
        if not isinstance(body.value, dict):
            return body, {}
        own = dict(body.value)
        values: dict[str, Any] = {}
        for key, form in COMMON_FORMS.items():
            if key in own and key not in record.fields and not _means_another(key, kind, record, own):
                values["sources" if key == "from" else key] = form.read(own.pop(key), f"{path}.{key}", reader)
        sources = values.get("sources", ())
        if "merge" in values and sources is not INVALID and len(sources) < 2:
            values["merge"] = reader.fail(body, path, "'merge' needs two layers to merge, 'from: [a, b]'", "merge")
        if kind in self.defaults:
            default = self.defaults[kind]
            own = {**default.value, **own}
            body = Tree(own, body.span, {**default.keys, **body.keys})
        return Tree(own, body.span, body.keys), INVALID if INVALID in values.values() else values

    def followers(
        self, norm: str | None, activation: str | None, fields: Tree, where: Where, reader: Reader
    ) -> tuple[Layer, ...]:
        """The layers that a convolution's or dense layer's `norm` and `activation` stand for."""
        parts: dict[str, Any] = {}
        if norm is not None:
            parts["norm"] = {NORMS[norm]: {"name": "norm"}}
        if activation is not None:
            parts["activation"] = {"activation": {"function": activation, "name": "activation"}}
        layers: list[Layer] = []
        for key, part in parts.items():
            child = fields.value.get(key)
            layer = self.read(wrap(part, (child.span if child else None) or where.span), where.path, reader)
            if layer is not INVALID:
                layers.append(replace(layer, where=replace(layer.where, path=f"{where.path}.{key}")))
        return tuple(layers)

    def expanded(
        self, block: Block, values: dict[str, Any], fields: Tree, common: dict[str, Any], where: Where, reader: Reader
    ) -> Any:
        """The layer that a block expands to, its body read."""
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
        """Records that a block's body is being read; refuses a block inside itself."""
        if block.names is not None and block.name in self.active:
            chain = " → ".join([*self.active[self.active.index(block.name) :], block.name])
            reader.report(Problem(where, f"block '{block.name}' contains itself: {chain}"))
            return False
        if len(self.active) >= MAX_BLOCK_DEPTH:
            reader.report(Problem(where, f"blocks are nested deeper than {MAX_BLOCK_DEPTH} levels, the limit"))
            return False
        self.active = (*self.active, block.name)
        self.used.add(block.name)
        return True

    def read_unused(self, block: Block, where: Where, reader: Reader) -> None:
        """Reads the body of a block that no layer uses, to report its mistakes. Required parameters have no values."""
        arguments = {
            name: INVALID if item.default is REQUIRED else item.default for name, item in block.record.fields.items()
        }
        if self.enter(block, where, reader):
            inner = replace(reader, names={**(block.names or {}), **arguments})
            self.read_all(block.record.build(**arguments), block.path, inner)
            self.active = self.active[:-1]


def _means_another(key: str, kind: str, record: Record, own: Mapping[str, Tree]) -> bool:
    """Whether a field that every layer has stands for a required one that is missing, as in `activation: {name:
    relu}`; it is then reported as unknown."""
    missing = [name for name in record.required if name not in own]
    answer = meaning("fields", kind, key, missing) if missing else None
    return answer is not None and bool(answer.names)


def _whole(body: Tree, fields: Tree) -> Tree:
    """A layer's fields with its defaults, and with `name`, `from` and `merge` restored, for problems to point at."""
    if not isinstance(body.value, dict) or not isinstance(fields.value, dict):
        return fields
    return Tree({**fields.value, **body.value}, body.span, fields.keys)


@cache
def primitive_record(kind: str) -> Record:
    """The fields of a primitive; one with a kernel also takes `norm` and `activation`."""
    build: Callable[..., Op] = PRIMITIVES[kind].written or PRIMITIVES[kind]
    record = record_of(build, kind)
    if not PRIMITIVES[kind].has_kernel:
        return record
    extra = (
        Field("norm", NORM_FORM, None, "A normalisation after this layer, as a layer of its own; null for none."),
        Field("activation", ACTIVATION_FORM, None, "An activation after that, as a layer of its own; null for none."),
    )
    return Record(record.build, kind, lambda: (*record.fields.values(), *extra))


Layers = Annotated[tuple[Layer, ...], LayersForm()]
BlockTree = Annotated[Tree, LayerForm(("filters", "stride"))]

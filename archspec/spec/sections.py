"""The sections of a spec: which fields each has, and how it is read."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from archspec.errors import INVALID, Span, Where
from archspec.fields.base import Form, Kinds, Reader
from archspec.fields.containers import ListOf, MapOf
from archspec.fields.records import REQUIRED, Field, Record
from archspec.fields.scalars import Integer, Text
from archspec.layers.fields import COMMON_FORMS, AnyForm, LayersForm, NameForm
from archspec.layers.reading import spec_block
from archspec.recipe import TRAIN
from archspec.source.tree import Tree
from archspec.spec.expectations import EXPECT
from archspec.spec.params import check_name, read_params
from archspec.vocabulary.answers import Answer
from archspec.vocabulary.suggestions import meaning
from archspec.wording import quoted

SECTIONS = ("params", "blocks", "model", "expect", "train", "search")
TOP_LEVEL = ("name", "description", *SECTIONS)


def read_model(parts: Mapping[str, Tree], spans: Mapping[str, Span | None], reader: Reader) -> Any:
    """The `model` section as a dict, with its layers read. First gives `reader` the spec's parameters and blocks."""
    reader.names = read_params(parts.get("params"), reader)
    _read_blocks(parts.get("blocks"), reader)
    return _read_model(parts["model"], spans.get("model"), reader) if "model" in parts else INVALID


def read_train(tree: Tree, span: Span | None, reader: Reader) -> Any:
    """The `train` section as a `Train`; `reader` must have the spec's parameters already."""
    values = TRAIN.values(tree, "train", reader, span)
    return INVALID if values is INVALID else TRAIN.construct(values, tree, "train", reader)


def sections_of(tree: Tree) -> tuple[dict[str, Tree], dict[str, Span | None]]:
    """The sections and the positions of their keys, by name. A misspelt section is included under the name that
    was meant, so that its content is checked as well."""
    if not isinstance(tree.value, dict):
        return {}, {}
    sections = {key: child for key, child in tree.value.items() if key in TOP.fields}
    for key in [*sections]:
        if sections[key].value is None and TOP.fields[key].default is None:
            del sections[key]  # `train: null` removes the section that the base has
    spans = {key: tree.key_span(key) for key in sections}
    for key, child in tree.value.items():
        if key not in TOP.fields and TOP.answer_inside(key) is None:
            section = TOP.meant(key, [name for name in TOP.fields if name not in sections])
            if section is not None:
                sections[section], spans[section] = child, tree.key_span(key)
    return sections, spans


class Section(Form):
    """A part of a spec that is read on its own, in an order that the file need not follow.

    `form` gives the form that paths into it follow.
    """

    takes_expression = False

    def __init__(self, name: str, form: Callable[[], Form]):
        self.name = name
        self.form = form

    def inside(self, step: str | int, kinds: Kinds) -> Form | None:
        return self.form().inside(step, kinds)

    def merges(self, base: Tree, over: Tree) -> bool:
        return self.form().merges(base, over)

    def alternatives(self, key: str) -> tuple[str, ...]:
        return self.form().alternatives(key)

    def read(self, tree: Tree, path: str, reader: Reader) -> Any:
        return tree

    def json_schema(self) -> dict[str, Any]:
        return {"$ref": f"#/$defs/{self.name}"}


class _Defaults(Form):
    """The fields that layers of a kind have unless they say otherwise, by the kind."""

    def inside(self, step: str | int, kinds: Kinds) -> Form | None:
        return kinds(step) if isinstance(step, str) else None

    def merges(self, base: Tree, over: Tree) -> bool:
        return True


def _search() -> Record:
    from archspec.search import SEARCH  # 30 ms, which only specs with this section need

    return SEARCH


class _Top(Record):
    """The whole spec. `extends` and `set` are applied and removed before it is read, but remain known names."""

    def known(self) -> list[str]:
        return [*self.fields, "extends", "set"]

    def answer_inside(self, word: str) -> Answer | None:
        """What a name at the top stands for inside a section: `train.epochs` for `epochs`, and for `num_epochs`."""
        sections: dict[str, Record] = {"train": TRAIN, "model": MODEL, "search": _search()}
        if meaning("fields", self.noun, word, self.known()) is not None:
            return None
        for section, record in sections.items():
            if word in record.fields:
                return Answer(f"{section}.{word}")
        for section, record in sections.items():
            answer = meaning("fields", section, word, record.fields)
            if answer is not None:
                write = f"{section}.{answer.write}" if answer.names else answer.write
                return Answer(write, answer.note)
        return None

    def hint(self, key: str, absent: Sequence[str]) -> str:
        inside = self.answer_inside(key)
        return super().hint(key, absent) if inside is None else inside.hint()


APPLIED = {
    "extends": "The path, relative to this file, of a spec to start from. Mappings of fields are merged into the "
    "base's, null removes a field, and anything else replaces what the base has.",
    "set": "Values by parameter name or dotted path, applied after `extends`: `{train.epochs: 3}`.",
}
"""The fields of a file that are applied and removed before a spec is read, with their descriptions."""
TOP: _Top = _Top(
    dict,
    "the spec",
    (
        Field("name", NameForm(numbered=False), REQUIRED, "The network's name."),
        Field("description", Text(), "", "What the network is, in a sentence."),
        Field(
            "params",
            Section("params", lambda: MapOf(Text(), AnyForm())),
            None,
            "Numbers, texts and lists with a name, for `${...}` in this spec, `--set` and `set`.",
        ),
        Field(
            "blocks",
            Section("blocks", lambda: MapOf(Text(), BLOCK)),
            None,
            "Blocks of this spec's own: a list of layers with parameters, used by name like a built-in block.",
        ),
        Field(
            "model",
            Section("model", lambda: MODEL),
            REQUIRED,
            "The network: the picture it takes and its layers, ending in logits.",
        ),
        Field(
            "expect",
            Section("expect", lambda: EXPECT),
            None,
            "Numbers that this file's network is expected to have: an error where it has others. Not inherited.",
        ),
        Field("train", Section("train", lambda: TRAIN), None, "How the network is trained."),
        Field(
            "search",
            Section("search", _search),
            None,
            "Which changes of the spec to try, how, and within which limits.",
        ),
    ),
)
MODEL: Record = Record(
    dict,
    "model",
    (
        Field(
            "input",
            ListOf(Integer(min=1, max=100_000), "list [height, width, channels]", 1),
            REQUIRED,
            "[height, width, channels] of a picture, in pixels, or [features].",
        ),
        Field(
            "defaults",
            Section("defaults", _Defaults),
            None,
            "Fields that every layer of a kind has unless it says otherwise: `conv: {padding: same}`.",
        ),
        Field("layers", LayersForm(), REQUIRED, "Layers in order: each takes the one before, unless it says `from`."),
    ),
)


def _read_blocks(tree: Tree | None, reader: Reader) -> None:
    """Makes the spec's own blocks known to the reader of layers."""
    if tree is None or tree.value is None:
        return
    if not isinstance(tree.value, dict):
        reader.expect(tree, "blocks", "a mapping from names to blocks")
        return
    taken = reader.layers.kinds()
    for name, child in tree.value.items():
        path = f"blocks.{name}"
        before = len(reader.problems)
        if name in taken:
            reader.fail(tree, path, f"'{name}' is built in; give the block another name", name)
        elif not BLOCK_NAME.fullmatch(name):
            message = f"{quoted(name)} cannot be a block's name; use letters, digits, '_' and '-', a letter first"
            reader.fail(tree, path, message, name)
        block = BLOCK.values(child, path, reader, tree.key_span(name))
        if block is INVALID or len(reader.problems) > before:
            reader.layers.broken.add(name)
        else:
            defaults = dict(block.get("params") or ())
            reader.layers.blocks[name] = spec_block(name, defaults, block["layers"], reader.names)


def read_unused_blocks(tree: Tree | None, reader: Reader) -> None:
    """Reports the mistakes in blocks that no layer uses."""
    layer_reader = reader.layers
    if tree is None or not isinstance(tree.value, dict):
        return
    for name in tree.value:
        block = layer_reader.blocks.get(name)
        if block is not None and block.names is not None and name not in layer_reader.used | layer_reader.broken:
            layer_reader.read_unused(block, Where(f"blocks.{name}", tree.key_span(name)), reader)


BLOCK_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_\-]{0,99}")


class _BlockParams(MapOf):
    """Names and defaults of a block's parameters."""

    def convert(self, tree: Tree, path: str, reader: Reader) -> Any:
        for name in tree.value if isinstance(tree.value, dict) else ():
            if name in COMMON_FORMS:
                message = f"every layer has a field '{name}'; give the parameter another name"
                reader.fail(tree, f"{path}.{name}", message, name)
            else:
                check_name(name, tree, f"{path}.{name}", reader)
        return super().convert(tree, path, reader)


class _BlockRecord(Record):
    """A block's definition. One with layers is whole, and replaces the one that the base has."""

    def merges(self, base: Tree, over: Tree) -> bool:
        return "layers" not in over.value


BLOCK: Record = _BlockRecord(
    dict,
    "a block",
    (
        Field("description", Text(), "", "What the block is, in a sentence."),
        Field(
            "params",
            _BlockParams(Text(), AnyForm(), "a mapping from names to defaults (null: required)"),
            None,
            "The block's parameters with their defaults; null stands for a required one.",
        ),
        Field(
            "layers",
            Section("layers", LayersForm),
            REQUIRED,
            "The block's layers. `${...}` in them sees the block's parameters, and those of the spec.",
        ),
    ),
)


def _read_model(tree: Tree, span: Span | None, reader: Reader) -> Any:
    if isinstance(tree.value, dict) and "defaults" in tree.value:
        _read_defaults(tree.value["defaults"], reader)
    model = MODEL.values(tree, "model", reader, span)
    if model is INVALID:
        return INVALID
    if len(model["input"]) not in (1, 3):
        return reader.fail(
            tree.value["input"],
            "model.input",
            f"expected [height, width, channels], or [features] for vectors, got {len(model['input'])} sizes",
        )
    if len(model["input"]) == 3:
        first, height, width = model["input"]
        if first in (1, 3) and width > 4 and height == width:
            return reader.fail(
                tree.value["input"],
                "model.input",
                f"the input is [height, width, channels], and this is a picture of {first}x{height} with {width} "
                f"channels; write [{height}, {width}, {first}]",
            )
    if not model["layers"]:
        return reader.fail(tree.value["layers"], "model.layers", "a network needs at least one layer")
    return model


def _read_defaults(tree: Tree, reader: Reader) -> None:
    """Gives the reader of layers the fields that layers of a kind have unless they say otherwise."""
    if not isinstance(tree.value, dict):
        reader.expect(tree, "model.defaults", "a mapping from kinds of layers to fields")
        return
    for kind, fields in tree.value.items():
        path = f"model.defaults.{kind}"
        record = reader.layers.record(kind)
        if record is None:
            reader.layers.unknown(kind, tree, path, reader)
        elif not isinstance(fields.value, dict):
            reader.expect(fields, path, f"a mapping of the fields of {kind}")
        else:
            record.partial().values(fields, path, reader)
            known = {key: field for key, field in fields.value.items() if key in record.fields}
            reader.layers.defaults[kind] = Tree(known, fields.span, fields.keys)

"""A spec: what a file says once `extends`, overrides and parameters are resolved, and the graph it lowers to."""

from __future__ import annotations

import keyword
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from archspec import overrides as changes
from archspec.blocks import BLOCKS
from archspec.errors import INVALID, Problem, SpecError, Where, file_problem
from archspec.expand import expand
from archspec.expressions import DependsOnInvalid, ExpressionError, evaluate, has_expression
from archspec.forms import Form, Integer, ListOf, MapOf, Reader, Text
from archspec.graph import Graph
from archspec.layers import Block, Fragment, LayerReader, LayersForm, NameForm, python_block, spec_block
from archspec.recipe import TRAIN, Train
from archspec.schema import REQUIRED, Field, Record
from archspec.source import Tree, read_file, resolve_scalar, wrap
from archspec.structures import STRUCTURES

MAX_EXTENDS = 16


@dataclass(frozen=True)
class Spec:
    """A network as its file describes it.

    Attributes:
        name: the network's name.
        params: the parameters' values.
        graph: the primitives it lowers to.
        train: how to train it, or None.
        tree: the resolved spec, without `extends` and `set`; `to_yaml` writes it.
    """

    name: str
    description: str
    params: Mapping[str, Any]
    graph: Graph
    train: Train | None
    tree: Tree

    def to_yaml(self) -> str:
        """The resolved spec as a file that means the same, parameters and expressions kept."""
        return yaml.dump(
            self.tree.plain(), Dumper=_Dumper, sort_keys=False, default_flow_style=None, width=100, allow_unicode=True
        )


def load(
    path: str | os.PathLike[str],
    overrides: Mapping[str, Any] | None = None,
    blocks: Iterable[Callable[..., Fragment]] = (),
) -> Spec:
    """Reads a spec.

    Args:
        path: a YAML or JSON file.
        overrides: values by parameter name or dotted path, such as `{"width": 32, "train.epochs": 3}`.
        blocks: further Python blocks (see `archspec.blocks`), known by their functions' names.

    Raises:
        SpecError: every mistake in the file, or the file cannot be read.
    """
    tree = _extended(Path(path), ())
    tree = changes.apply(tree, {key: wrap(value, None) for key, value in (overrides or {}).items()})
    return read_spec(tree, blocks)


def read_spec(tree: Tree, blocks: Iterable[Callable[..., Fragment]] = ()) -> Spec:
    """The spec that a resolved tree (no `extends`, no `set`) describes.

    Raises:
        SpecError: every mistake found.
    """
    layer_reader = LayerReader(STRUCTURES, {**BLOCKS, **{b.__name__: python_block(b) for b in blocks}})
    reader = Reader(context=layer_reader)
    sections = TOP.values(tree, "", reader)
    known = {} if not isinstance(tree.value, dict) else tree.value
    reader.names = _read_params(known.get("params"), reader)
    _read_blocks(known.get("blocks"), reader)
    model = _read_model(known.get("model"), reader)
    train = TRAIN.read(known["train"], "train", reader) if "train" in known else None
    if reader.problems or sections is INVALID or model is INVALID:
        raise SpecError(reader.problems)
    name, layers_span = sections["name"], known["model"].value["layers"].span
    graph = expand(name, model["input"], model["layers"], Where("model.layers", layers_span))
    return Spec(name, sections.get("description", ""), reader.names, graph, train, tree)


# -- extends ---------------------------------------------------------------------------------------------------------


def _extended(path: Path, below: tuple[Path, ...]) -> Tree:
    """The tree of a file over that of the file it extends, its `set` applied."""
    tree = read_file(path, order=len(below))
    if not isinstance(tree.value, dict):
        raise SpecError([Problem(Where("", tree.span), "expected a mapping with 'name' and 'model'")])
    extends = tree.value.get("extends")
    if extends is not None:
        reader = Reader()
        name = Text("the path of another spec").read(extends, "extends", reader)
        if name is INVALID:
            raise SpecError(reader.problems)
        base_path = path.parent / name
        chain = (*below, path)
        if any(_same_file(base_path, one) for one in chain):
            steps = " → ".join(p.name for p in (*chain, base_path))
            raise SpecError(
                [Problem(Where("extends", extends.span), f"the specs extend each other in a circle: {steps}")]
            )
        if len(chain) > MAX_EXTENDS:
            raise SpecError(
                [Problem(Where("extends", extends.span), f"more than {MAX_EXTENDS} specs in a chain, the limit")]
            )
        if not base_path.is_file():
            error = _missing(base_path)
            raise SpecError([Problem(Where("extends", extends.span), f"{base_path}: {error}")])
        tree = changes.merge(_extended(base_path, chain), tree)
    assignments = tree.value.get("set")
    values = {key: child for key, child in tree.value.items() if key not in ("extends", "set")}
    tree = Tree(values, tree.span, {key: span for key, span in tree.keys.items() if key in values})
    if assignments is not None:
        if not isinstance(assignments.value, dict):
            raise SpecError([Problem(Where("set", assignments.span), "expected a mapping from paths to values")])
        tree = changes.apply(tree, assignments.value)
    return tree


def _missing(path: Path) -> str:
    try:
        read_file(path)
    except SpecError as error:
        return error.problems[0].message
    return "cannot be read"


def _same_file(a: Path, b: Path) -> bool:
    return os.path.realpath(a) == os.path.realpath(b)


# -- sections --------------------------------------------------------------------------------------------------------


class _Section(Form):
    """A part of a spec that is read on its own, in an order that the file need not follow."""

    takes_expression = False

    def __init__(self, name: str):
        self.name = name

    def read(self, tree: Tree, path: str, reader: Reader) -> Any:
        return tree

    def json_schema(self) -> dict[str, Any]:
        return {"$ref": f"#/$defs/{self.name}"}


TOP = Record(
    dict,
    "the spec",
    (
        Field("name", NameForm(), REQUIRED),
        Field("description", Text(), ""),
        Field("params", _Section("params"), None),
        Field("blocks", _Section("blocks"), None),
        Field("model", _Section("model"), REQUIRED),
        Field("train", _Section("train"), None),
    ),
)
MODEL = Record(
    dict,
    "model",
    (
        Field("input", ListOf(Integer(min=1, max=100_000), "list [height, width, channels]", 1), REQUIRED),
        Field("defaults", _Section("defaults"), None),
        Field("layers", LayersForm(), REQUIRED),
    ),
)


def _read_params(tree: Tree | None, reader: Reader) -> Mapping[str, Any]:
    if tree is None or tree.value is None:
        return {}
    if not isinstance(tree.value, dict):
        reader.expect(tree, "params", "a mapping from names to values")
        return {}
    for name in tree.value:
        if not name.isidentifier() or keyword.iskeyword(name) or name in ("min", "max", "round", "int"):
            reader.fail(
                tree, f"params.{name}", f"'{name}' cannot be a parameter's name; use letters, digits and '_'", name
            )
    params = _Params(tree, reader)
    return {name: params[name] for name in params}


class _Params(Mapping[str, Any]):
    """Parameters that may be computed from each other; each is evaluated once, when first asked for."""

    def __init__(self, tree: Tree, reader: Reader):
        self.trees, self.reader = tree.value, reader
        self.values_: dict[str, Any] = {}
        self.active: list[str] = []

    def __iter__(self) -> Iterator[str]:
        return iter(self.trees)

    def __len__(self) -> int:
        return len(self.trees)

    def __contains__(self, name: object) -> bool:
        return name in self.trees

    def __getitem__(self, name: str) -> Any:
        if name not in self.values_:
            if name in self.active:
                raise ExpressionError(
                    f"the parameters depend on each other in a circle: {' → '.join([*self.active, name])}"
                )
            self.active.append(name)
            self.values_[name] = self.evaluated(self.trees[name], f"params.{name}")
            self.active.pop()
        return self.values_[name]

    def evaluated(self, tree: Tree, path: str) -> Any:
        if isinstance(tree.value, list):
            return [self.evaluated(part, f"{path}[{i}]") for i, part in enumerate(tree.value)]
        if isinstance(tree.value, dict):
            return self.reader.expect(tree, path, "a number, a text, true, false or a list of them")
        if not has_expression(tree.value):
            return tree.value
        try:
            return evaluate(tree.value, self)
        except DependsOnInvalid:
            return INVALID
        except ExpressionError as error:
            return self.reader.fail(tree, path, f"in {tree.value}: {error}")


def _read_blocks(tree: Tree | None, reader: Reader) -> None:
    """Adds the spec's own blocks to those that layers may name."""
    if tree is None or tree.value is None:
        return
    if not isinstance(tree.value, dict):
        reader.expect(tree, "blocks", "a mapping from names to blocks")
        return
    taken = reader.context.kinds()
    for name, child in tree.value.items():
        path = f"blocks.{name}"
        if name in taken:
            reader.fail(tree, path, f"'{name}' is built in; give the block another name", name)
        block = _BLOCK.values(child, path, reader, tree.key_span(name))
        if block is INVALID:
            continue
        defaults: dict[str, Any] = {}
        for key, value in block.get("params", ()):
            defaults[key] = value
        reader.context.blocks[name] = spec_block(name, defaults, block["layers"], reader.names)


class _Default(Form):
    """The default of a block's parameter: a scalar or a list; null where the parameter is required."""

    def read(self, tree: Tree, path: str, reader: Reader) -> Any:
        return reader.evaluated(tree, path).plain()


_BLOCK = Record(
    dict,
    "a block",
    (
        Field("description", Text(), ""),
        Field("params", MapOf(Text(), _Default(), "a mapping from names to defaults (null: required)"), None),
        Field("layers", _Section("layers"), REQUIRED),
    ),
)


def _read_model(tree: Tree | None, reader: Reader) -> Any:
    if tree is None:
        return INVALID
    if isinstance(tree.value, dict) and "defaults" in tree.value:
        _read_defaults(tree.value["defaults"], reader)
    model = MODEL.values(tree, "model", reader)
    if model is INVALID:
        return INVALID
    if len(model["input"]) not in (1, 3):
        return reader.fail(
            tree.value["input"],
            "model.input",
            f"expected [height, width, channels], or [features] for vectors, got {len(model['input'])} sizes",
        )
    if not model["layers"]:
        return reader.fail(tree.value["layers"], "model.layers", "a network needs at least one layer")
    return model


def _read_defaults(tree: Tree, reader: Reader) -> None:
    """Notes fields that layers of a kind have unless they say otherwise."""
    if not isinstance(tree.value, dict):
        reader.expect(tree, "model.defaults", "a mapping from kinds of layers to fields")
        return
    for kind, fields in tree.value.items():
        path = f"model.defaults.{kind}"
        record = reader.context.record(kind)
        if record is None:
            from archspec.errors import did_you_mean

            reader.fail(tree, path, f"unknown block '{kind}'{did_you_mean(kind, reader.context.kinds())}", kind)
        elif not isinstance(fields.value, dict):
            reader.expect(fields, path, f"a mapping of {kind}'s fields")
        elif record.partial().values(fields, path, reader) is not INVALID:
            reader.context.defaults[kind] = fields


# -- writing ---------------------------------------------------------------------------------------------------------


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


_WORDS_OF_YAML_1_1 = {"y", "n", "yes", "no", "on", "off"}


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    """Plain only where every YAML reader, 1.1 or 1.2, sees a text."""
    plain = text.isidentifier() and isinstance(resolve_scalar(text), str) and text.lower() not in _WORDS_OF_YAML_1_1
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if plain else '"')


_Dumper.add_representer(str, _represent_text)

__all__ = ["Block", "Spec", "file_problem", "load", "read_spec"]

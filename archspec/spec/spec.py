"""A spec: the content of a file with `extends`, overrides and parameters resolved, and the graph it lowers to."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from archspec.blocks import BLOCKS
from archspec.errors import INVALID, SpecError, Where
from archspec.fields.base import Reader
from archspec.graph.expanding import expand
from archspec.graph.graph import Graph
from archspec.layers.reading import LayerReader
from archspec.layers.structures import STRUCTURES
from archspec.recipe import Train
from archspec.recipe.augment import check_pictures
from archspec.recipe.fine_tuning import prefix_problems
from archspec.source.tree import Tree, resolve_scalar, wrap
from archspec.spec import overrides as changes
from archspec.spec.extends import extended
from archspec.spec.params import with_values_from_outside
from archspec.spec.sections import TOP, read_model, read_train, read_unused_blocks, sections_of

if TYPE_CHECKING:
    from archspec.search import Search


@dataclass(frozen=True)
class Spec:
    """A network, and how to train and search it, as its file describes it.

    Attributes:
        name: the network's name.
        params: the parameters' values.
        graph: the primitives it lowers to.
        train: the `train` section, or None.
        search: the `search` section, or None.
        tree: the resolved spec, without `extends` and `set`; `to_yaml` writes it.
    """

    name: str
    description: str
    params: Mapping[str, Any]
    graph: Graph
    train: Train | None
    search: Search | None
    tree: Tree

    def with_values(self, values: Mapping[str, Any]) -> Spec:
        """The spec with other values, by parameter name or dotted path.

        Raises:
            SpecError: a name that leads nowhere, or a value that makes the spec invalid.
        """
        tree = changes.apply(self.tree, {name: wrap(value, None) for name, value in values.items()})
        return read_spec(tree)

    def to_yaml(self) -> str:
        """The resolved spec as the text of a file that means the same; parameters and expressions stay as they are."""
        return yaml.dump(
            self.tree.plain(), Dumper=_Dumper, sort_keys=False, default_flow_style=None, width=100, allow_unicode=True
        )


def load(path: str | os.PathLike[str], overrides: Mapping[str, Any] | None = None) -> Spec:
    """Reads a spec.

    Args:
        path: a YAML or JSON file.
        overrides: values by parameter name or dotted path, such as `{"width": 32, "train.epochs": 3}`.

    Raises:
        SpecError: the mistakes in the file, all at once.
        FileError: the file cannot be read.
    """
    tree = extended(Path(path))
    tree = changes.apply(tree, {key: wrap(value, None) for key, value in (overrides or {}).items()})
    return read_spec(tree)


def read_spec(tree: Tree) -> Spec:
    """The spec that a resolved tree (no `extends`, no `set`) describes.

    Raises:
        SpecError: the mistakes found, all at once.
    """
    reader = Reader(layer_reader=LayerReader(STRUCTURES, dict(BLOCKS)))
    sections = TOP.values(tree, "", reader)
    parts, spans = sections_of(tree)
    model = read_model(parts, spans, reader)
    read_unused_blocks(parts.get("blocks"), reader)
    train = read_train(parts["train"], spans["train"], reader) if "train" in parts else None
    if train is not INVALID and train is not None and model is not INVALID:
        check_pictures(train.augment, model["input"], parts["train"].value.get("augment"), "train.augment", reader)
    search = _read_search(parts["search"], tree, reader) if "search" in parts else None
    if reader.problems or sections is INVALID or model is INVALID:
        raise SpecError(with_values_from_outside(reader.problems, parts.get("params"), reader.names))
    name, layers_span = sections["name"], parts["model"].value["layers"].span
    where = Where("model.layers", layers_span)
    try:
        graph = expand(name, model["input"], model["layers"], where, needs_logits=train is not None)
        if train is not None:
            prefixes = train.trainable, train.learning_rate_multipliers
            if problems := list(prefix_problems(*prefixes, graph, parts["train"])):
                raise SpecError(problems)
    except SpecError as error:
        raise SpecError(with_values_from_outside(error.problems, parts.get("params"), reader.names)) from None
    return Spec(name, sections.get("description", ""), reader.names, graph, train, search, tree)


def _read_search(tree: Tree, spec: Tree, reader: Reader) -> Any:
    """The `search` section of a spec's tree; INVALID, and problems, where it does not fit."""
    from archspec.spec.search import read_search  # it takes 30 ms, which only specs with this section need

    return read_search(tree, spec, reader)


# -- writing ---------------------------------------------------------------------------------------------------------


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


_WORDS_OF_YAML_1_1 = {"y", "n", "yes", "no", "on", "off"}


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    """Writes a text without quotes only where readers of YAML 1.1 and of 1.2 both take it for a text."""
    plain = text.isidentifier() and isinstance(resolve_scalar(text), str) and text.lower() not in _WORDS_OF_YAML_1_1
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if plain else '"')


_Dumper.add_representer(str, _represent_text)

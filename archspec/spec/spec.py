"""A spec: what a file says once `extends`, overrides and parameters are resolved, and the graph it expands to."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archspec import report
from archspec.analysis import Analysis, analyse_graph
from archspec.blocks import BLOCKS
from archspec.errors import INVALID, Problem, SpecError, Where, path_of
from archspec.fields.base import Reader
from archspec.graph.expanding import expand
from archspec.graph.graph import Graph
from archspec.layers.reading import LayerReader
from archspec.layers.structures import STRUCTURES
from archspec.recipe import Train
from archspec.recipe.augment_list import check_pictures
from archspec.recipe.distribution import tower_problems
from archspec.recipe.fine_tuning import prefix_problems
from archspec.source.in_memory import MAPPING, TEXT, read_mapping, read_text
from archspec.source.shipped import located
from archspec.source.tree import Tree, wrap
from archspec.spec import overrides as changes
from archspec.spec.expectations import Expectations, figures, read_expect, unchecked_hint, unmet
from archspec.spec.extends import extended, resolved
from archspec.spec.params import with_values_from_outside
from archspec.spec.sections import TOP, read_model, read_train, read_unused_blocks, sections_of
from archspec.spec.writing import yaml_text
from archspec.wording import counted, quoted

if TYPE_CHECKING:
    from archspec.search import Search


@dataclass(frozen=True, eq=False, repr=False)
class Spec:
    """A network as its file describes it, and how to train and search it. `load` and `loads` make one.

    Two specs are equal where they say the same once `extends`, `set` and overrides are resolved, wherever they were
    read from; equal specs have the same hash. In a notebook a spec shows the table of its layers.

    Attributes:
        name: the network's name.
        description: one line about it; empty where the spec gives none.
        params: the parameters' values, by name.
        graph: the primitives it expands to.
        train: how to train it, or None.
        search: which changes of it to try, or None.
        tree: the resolved spec, without `extends` and `set`; `to_yaml` writes it.
        search_conflicts: why the file's `search` section does not fit the values that were set over the file. The spec
            is then without that section, as only a search needs it.
        expect: the numbers that its network is expected to have, and has; or None.
        unchecked: the names of those that were left out, as values that were set over the file make them untrue: they
            are about the network of the file.
    """

    name: str
    description: str
    params: Mapping[str, Any]
    graph: Graph
    train: Train | None
    search: Search | None
    tree: Tree
    search_conflicts: tuple[Problem, ...] = ()
    expect: Expectations | None = None
    unchecked: tuple[str, ...] = ()

    def with_values(self, values: Mapping[str, Any]) -> Spec:
        """The spec with other values, by parameter name or dotted path, as in `{"width": 32, "train.epochs": 3}`.

        Raises:
            SpecError: a name that leads nowhere, or a value that makes the spec invalid.
        """
        return _read_changed(self.tree, values)

    def to_yaml(self) -> str:
        """The resolved spec as the text of a file that means the same, parameters and expressions kept."""
        return self._text

    @cached_property
    def _text(self) -> str:
        return yaml_text(self.tree)

    @cached_property
    def analysis(self) -> Analysis:
        """The network's shapes and counts."""
        return analyse_graph(self.graph)

    @property
    def hints(self) -> tuple[str, ...]:
        """What to know of the spec besides what it says, a sentence each."""
        return (unchecked_hint(self.unchecked),) if self.unchecked else ()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Spec):
            return NotImplemented
        return self._text == other._text and self.graph == other.graph

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        count = counted(self.analysis.trainable_parameters, "trainable parameter")
        data = f", trains on {self.train.data.label()}" if self.train is not None else ""
        return f"Spec({quoted(self.name)}: {count}{data})"

    def _repr_html_(self) -> str:
        return report.to_html(report.summarise(self, option="batch_size"))


def load(path: str | os.PathLike[str], overrides: Mapping[str, Any] | None = None) -> Spec:
    """Reads a spec from a file.

        spec = archspec.load("specs/digits.yaml", {"width": 32, "train.epochs": 3})

    Args:
        path: a YAML or JSON file, the directory of a run, or the name of a shipped spec, such as `resnet50`, where
            there is no file of that name.
        overrides: values by parameter name or dotted path, as `--set` has them.

    Raises:
        SpecError: all mistakes in the file, each with its address.
        UserError: the file cannot be read, or the path is empty.
        TypeError: something else is given.
    """
    if isinstance(path, str) and "\n" in path and not os.path.exists(path):
        message = "expected the path of a spec, got a text of several lines; archspec.loads reads a text"
        raise SpecError([Problem(Where(TEXT), message)])
    file = path_of(path, "the path of a spec, or the name of a shipped one")
    return _read_changed(extended(located(file, os.fspath(path))), overrides)


def loads(text_or_mapping: str | Mapping[str, Any], overrides: Mapping[str, Any] | None = None) -> Spec:
    """Reads a spec from a text, or from Python data.

        spec = archspec.loads({"name": "tiny", "model": {"input": [8, 8, 1], "layers": ["flatten", {"dense": 10}]}})

    A relative path in `extends` starts from the current directory. Mistakes have the address `<text>:3:5: model.layers`
    in a text, and `<mapping>: model.layers` in a mapping.

    Args:
        text_or_mapping: YAML or JSON, as a file would hold it; or what such a text means, as mappings, lists, texts,
            numbers, booleans and None.
        overrides: values by parameter name or dotted path, such as `{"width": 32, "train.epochs": 3}`.

    Raises:
        SpecError: all mistakes in the spec, each with its address.
    """
    if isinstance(text_or_mapping, str):
        tree, source = read_text(text_or_mapping), TEXT
        if isinstance(tree.value, str):
            message = "expected a mapping with 'name' and 'model', got one text; archspec.load reads a file"
            raise SpecError([Problem(Where("", tree.span), message)])
    elif isinstance(text_or_mapping, Mapping):
        tree, source = read_mapping(text_or_mapping), MAPPING
    else:
        raise TypeError(f"expected a text or a mapping, got {type(text_or_mapping).__name__}")
    return _read_changed(resolved(tree, (Path(source),)), overrides)


def _changed(tree: Tree, values: Mapping[str, Any] | None) -> Tree:
    """The tree with values set by parameter name or dotted path.

    Raises:
        TypeError: the values are not a mapping from names.
    """
    if values is not None and not (isinstance(values, Mapping) and all(isinstance(name, str) for name in values)):
        example = "{'width': 32, 'train.epochs': 3}"
        raise TypeError(f"expected overrides as a mapping from parameters and paths to values, such as {example}")
    return changes.apply(tree, {name: wrap(value, None) for name, value in (values or {}).items()})


def _read_changed(tree: Tree, values: Mapping[str, Any] | None) -> Spec:
    """The spec of a tree with values set. A `search` section that fits the tree but not the values is left out: what is
    set has its value, and no search is asked for yet.

    Raises:
        SpecError: any other mistake.
    """
    return _checked(_without_conflicts(tree, _changed(tree, values), values), tree, values or {})


def _without_conflicts(tree: Tree, changed: Tree, values: Mapping[str, Any] | None) -> Spec:
    """The spec of a changed tree, without a `search` section that fits the tree as it was but not the values set.

    Raises:
        SpecError: any other mistake.
    """
    try:
        return read_spec(changed)
    except SpecError as error:
        found = error.problems
        in_search = all(problem.where.path.startswith("search.") for problem in found)
        if not values or not in_search or any(name.split(".")[0] == "search" for name in values):
            raise
        try:
            read_spec(tree)
        except SpecError:
            raise error from None
    return replace(read_spec(changed.without("search")), search_conflicts=tuple(found))


def _checked(spec: Spec, tree: Tree, values: Mapping[str, Any]) -> Spec:
    """The spec, its expectations compared with its network. Those of the file that the values set over it make untrue
    are left out: they are about the file's own network.

    Args:
        spec: the spec with the values set.
        tree: the spec as it was before.
        values: what was set, by parameter name or path.

    Raises:
        SpecError: an expectation that is not met.
    """
    wrong = unmet(spec)
    if not wrong:
        return spec
    set_outside = [re.split(r"[.\[]", path)[:2] for path in values]
    of_file = [name for name in wrong if ["expect"] not in set_outside and ["expect", name] not in set_outside]
    left_out = _changed_figures(spec, tree, of_file) if values else []
    if len(left_out) < len(wrong):
        raise SpecError([problem for name, problem in wrong.items() if name not in left_out])
    rest = spec.tree.value["expect"].without(*left_out)
    whole = Tree({**spec.tree.value, "expect": rest}, spec.tree.span, spec.tree.keys, spec.tree.size)
    kept = replace(spec.expect, **dict.fromkeys(left_out, ())) if rest.value and spec.expect else None
    return replace(spec, tree=whole if rest.value else whole.without("expect"), expect=kept, unchecked=tuple(left_out))


def _changed_figures(spec: Spec, tree: Tree, names: list[str]) -> list[str]:
    """The names of the figures that are others than those of a tree; of all, where the tree alone is no valid spec."""
    try:
        before = figures(read_spec(tree.without("search", "expect")), names)
    except SpecError:
        return names
    now = figures(spec, names)
    return [name for name in names if now[name] != before[name]]


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
    expect = read_expect(parts["expect"], reader) if "expect" in parts else None
    if reader.problems or sections is INVALID or model is INVALID:
        raise SpecError(with_values_from_outside(reader.problems, parts.get("params"), reader.names))
    name, layers_span = sections["name"], parts["model"].value["layers"].span
    where = Where("model.layers", layers_span)
    try:
        graph = expand(name, model["input"], model["layers"], where, needs_logits=train is not None)
        if train is not None:
            prefixes = train.trainable, train.learning_rate_multipliers
            problems = [
                *prefix_problems(*prefixes, graph, parts["train"]),
                *tower_problems(train.distribute, graph, parts["train"]),
            ]
            if problems:
                raise SpecError(problems)
    except SpecError as error:
        raise SpecError(with_values_from_outside(error.problems, parts.get("params"), reader.names)) from None
    return Spec(name, sections.get("description", ""), reader.names, graph, train, search, tree, expect=expect)


def _read_search(tree: Tree, spec: Tree, reader: Reader) -> Any:
    """The `search` section of a spec's tree; INVALID, and problems, where it does not fit."""
    from archspec.spec.search import read_search  # it takes 30 ms, which only specs with this section need

    return read_search(tree, spec, reader)

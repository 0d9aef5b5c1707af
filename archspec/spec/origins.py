"""Where each value of a resolved spec comes from: a line of a file, `--set`, or the language's own default."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from archspec.errors import Span
from archspec.fields.base import Form
from archspec.fields.choices import Tagged
from archspec.fields.containers import Union
from archspec.fields.records import REQUIRED, Record
from archspec.source.tree import Tree
from archspec.spec.paths import kinds_of
from archspec.spec.sections import TOP, Section
from archspec.spec.spec import Spec

DEFAULT = "default"
OVERRIDE = "override"
"""A value that a Python caller gave, and that stands in no text."""
WITH_DEFAULTS = ("train", "search")
"""The sections whose absent fields are listed too. Layers have too many; `docs/language.md` has them."""


@dataclass(frozen=True, slots=True)
class Origin:
    """A value of a resolved spec and where it was written.

    Attributes:
        path: of the value in the resolved spec, such as `train.optimizer.sgd.momentum`; `--set` takes it.
        value: as written, with its `${...}`.
        source: the file, `--set`, `override` for a value from Python, or `default` where nothing gives it.
        line: in the file, counted from 1; None without a file.
    """

    path: str
    value: Any
    source: str
    line: int | None = None

    @property
    def place(self) -> str:
        """The source with its line, `specs/resnet18.yaml:14`."""
        return self.source if self.line is None else f"{self.source}:{self.line}"


def origins(spec: Spec) -> list[Origin]:
    """An entry for each value of a spec, in the order of the resolved spec, and for each default of its recipe."""
    return list(_Walk(spec.tree).values(spec.tree, TOP, ""))


def listing(entries: Sequence[Origin]) -> str:
    """The entries as lines of text: the place, the path, and the value as YAML."""
    width = max((len(entry.place) for entry in entries), default=0)
    return "\n".join(f"{entry.place:<{width}}  {entry.path}: {_in_yaml(entry.value)}" for entry in entries)


def to_json(entries: Sequence[Origin]) -> list[dict[str, Any]]:
    """The entries as JSON values."""
    return [dataclasses.asdict(entry) for entry in entries]


def _in_yaml(value: Any) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10**6, allow_unicode=True)
    return text.removesuffix("\n").removesuffix("\n...")


class _Walk:
    def __init__(self, spec: Tree):
        self.kinds = kinds_of(spec)

    def values(self, tree: Tree, form: Form | None, path: str, written: Span | None = None) -> Iterator[Origin]:
        """The entries of a value and what is inside it; `written` is where its key stands."""
        if isinstance(tree.value, dict) and tree.value:
            for key, child in tree.value.items():
                inner = form.inside(key, self.kinds) if form is not None else None
                yield from self.values(child, inner, f"{path}.{key}".lstrip("."), tree.key_span(key))
        elif isinstance(tree.value, list) and any(_is_apart(item, tree) for item in tree.value):
            for i, item in enumerate(tree.value):
                inner = form.inside(i, self.kinds) if form is not None else None
                yield from self.values(item, inner, f"{path}[{i}]", item.span)
        else:
            span = tree.span or written
            is_text = span is not None and span.source.is_file
            source = span.source.name if span is not None else OVERRIDE
            yield Origin(path, tree.plain(), source, span.line + 1 if span is not None and is_text else None)
        if path.partition(".")[0] in WITH_DEFAULTS:
            yield from _defaults(form, tree, path)


def _is_apart(item: Tree, around: Tree) -> bool:
    """Whether an item of a list has fields, or comes from elsewhere than the list."""
    sources = [tree.span.source if tree.span is not None else None for tree in (item, around)]
    return isinstance(item.value, dict) or sources[0] is not sources[1]


def _defaults(form: Form | None, tree: Tree, path: str) -> Iterator[Origin]:
    """The fields that a value does not give, with their defaults."""
    while isinstance(form, Section | Union):
        if isinstance(form, Section):
            form = form.form()
        else:
            form = next((one for one in form.forms if one.accepts(tree.value)), None)
    if isinstance(form, Tagged) and isinstance(tree.value, str):
        form, path = form.records.get(tree.value), f"{path}.{tree.value}"
    if isinstance(form, Record) and (isinstance(tree.value, dict | str) or tree.value is None):
        for field in form.fields.values():
            given = isinstance(tree.value, dict) and field.name in tree.value
            if not given and field.default is not REQUIRED and field.name != form.main_field(tree.value):
                yield Origin(f"{path}.{field.name}", field.form.written_in_full(field.default), DEFAULT)

"""Which field a short form stands for, so that a path leads into it: `tfds: cifar10` is `tfds: {name: cifar10}`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archspec.blocks import BLOCKS
from archspec.fields.containers import ListOf, MapOf, Union
from archspec.fields.records import REQUIRED, Field, Record, Tagged
from archspec.layers.fields import AnyForm, LayerForm, LayersForm
from archspec.layers.reading import primitive_record
from archspec.layers.structures import STRUCTURES
from archspec.ops import PRIMITIVES
from archspec.recipe import TRAIN
from archspec.source.tree import Tree
from archspec.spec.sections import MODEL


class _Layer:
    """The place of one layer, whose only key is its kind."""


def main_field(spec: Tree, steps: Sequence[str | int]) -> str | None:
    """The field that the value at `steps` stands for, where it is not a mapping of fields but may stand for one."""
    form: Any = {"train": TRAIN, "model": MODEL}.get(str(steps[0]))
    if steps[0] == "blocks" and steps[2:3] == ["layers"]:
        form, steps = LayersForm(), steps[2:]
    value: Tree | None = spec
    for step in steps[1:]:
        form = _inside(form, step, spec)
    for step in steps:
        value = value.value[step] if value is not None else None
    if isinstance(form, Record):
        return form.shorthand()
    if isinstance(form, Union) and value is not None:  # a factor, or the record that spells it out
        record = next((one for one in form.forms if isinstance(one, Record)), None)
        return record.shorthand() if record and form.accepts(value.value) else None
    return None


def _inside(form: Any, step: str | int, spec: Tree) -> Any:
    """The form of a part of what another form describes; None where that is not known."""
    if isinstance(form, Union):
        return next(filter(None, (_inside(one, step, spec) for one in form.forms)), None)
    if isinstance(step, int):
        return _Layer() if isinstance(form, LayersForm) else form.item if isinstance(form, ListOf) else None
    if isinstance(form, Record):
        return form.fields[step].form if step in form.fields else None
    if isinstance(form, Tagged):
        return form.records.get(step)
    if isinstance(form, MapOf):
        return form.item
    return _record(step, spec) if isinstance(form, _Layer | LayerForm) else None


def _record(kind: str, spec: Tree) -> Record | None:
    """The fields of a kind of layer."""
    if kind in PRIMITIVES:
        return primitive_record(kind)
    if kind in BLOCKS:
        return BLOCKS[kind].record
    return STRUCTURES.get(kind) or _of_spec(kind, spec)


def _of_spec(kind: str, spec: Tree) -> Record | None:
    """The parameters of a block that is written in the spec."""
    tree: Tree | None = spec
    for key in ("blocks", kind, "params"):
        tree = tree.value.get(key) if tree is not None and isinstance(tree.value, dict) else None
    if tree is None or not isinstance(tree.value, dict):
        return None
    fields = (Field(name, AnyForm(), REQUIRED if one.value is None else one) for name, one in tree.value.items())
    return Record(dict, kind, tuple(fields))

"""Paths into a spec: a parameter's name (`width`), or keys and positions (`model.layers[0].conv.filters`).

A path follows the forms that read the spec: they say which keys may have dots in them, and which field a short form
stands for, so that `train.data.tfds.validation` leads into `tfds: cifar10`, which is `tfds: {name: cifar10}`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from archspec.blocks import BLOCKS
from archspec.fields.base import Form, Kinds
from archspec.fields.records import REQUIRED, Field, Record
from archspec.layers.fields import AnyForm
from archspec.layers.reading import primitive_record
from archspec.layers.structures import STRUCTURES
from archspec.ops import PRIMITIVES
from archspec.source.tree import Tree
from archspec.spec.sections import TOP, TOP_LEVEL
from archspec.vocabulary.suggestions import meaning, suggestion
from archspec.wording import did_you_mean

_PATH = re.compile(r"[A-Za-z0-9_\-]+(\[\d{1,6}\])*(\.([A-Za-z0-9_\-]+|\*)(\[\d{1,6}\])*)*")
_STEP = re.compile(r"\[(\d+)\]|([A-Za-z0-9_\-*]+)")


class PathError(Exception):
    """What is wrong with a path; whoever catches it knows the address."""


def steps_of(path: str, tree: Tree) -> list[str | int]:
    """The keys and positions that a path goes through from the top of a spec.

    Raises:
        PathError: a malformed path, or an unknown name.
    """
    params = child(tree, "params")
    names = list(params.value) if params is not None and isinstance(params.value, dict) else []
    if path in names:
        return ["params", path]
    if not _PATH.fullmatch(path):
        raise PathError("expected a parameter's name or a path such as model.layers[0].conv.filters")
    first, second, *_ = (key for _, key in [*_STEP.findall(path), ("", ""), ("", "")])
    if first not in TOP_LEVEL:
        if first in names:
            return _followed(f"params.{path}", tree)
        if first in ("set", "extends"):
            raise PathError(f"'{first}' cannot be set from outside the file")
        raise PathError(f"no parameter or section has this name{_hint(path, first, names)}")
    if first == "params" and path != "params" and second not in names:
        raise PathError(f"no parameter has this name{did_you_mean(second, names)}")
    return _followed(path, tree)


def _hint(path: str, first: str, params: Sequence[str]) -> str:
    """What was probably meant by a path whose first name leads nowhere, as the end of a message."""
    named = meaning("fields", "parameter", first, params)
    answer = named or (TOP.answer_inside(first) if path == first else None)
    return answer.hint() if answer is not None else suggestion("fields", TOP.noun, first, [*params, *TOP_LEVEL])


def path_meant(word: str) -> str | None:
    """The path that a word stands for: `train.epochs` for `epochs`, and for `num_epochs`; None where it is unknown."""
    if word in TOP_LEVEL:
        return word
    answer = TOP.answer_inside(word)
    return answer.write if answer is not None and answer.write and ":" not in answer.write else None


def _followed(path: str, spec: Tree) -> list[str | int]:
    """The steps of a well-formed path. Among keys that may have dots, the longest one that fits is one step; where none
    does, the whole rest is a new key."""
    steps: list[str | int] = []
    form: Form | None = TOP
    found: Tree | None = spec
    kinds = kinds_of(spec)
    while path:
        step: str | int
        if form is not None and form.keys_have_dots:
            keys = found.value if found is not None and isinstance(found.value, dict) else ()
            step = max((key for key in keys if re.match(rf"{re.escape(key)}(?![^.\[])", path)), key=len, default=path)
            path = path[len(step) :]
        else:
            match = _STEP.match(path)
            assert match is not None
            step = int(match[1]) if match[1] else match[2]
            path = path[match.end() :]
        path = path.removeprefix(".")
        steps.append(step)
        form = form.inside(step, kinds) if form is not None else None
        found = child(found, step)
    return steps


def main_field(spec: Tree, steps: Sequence[str | int]) -> str | None:
    """The field that the value at `steps` stands for, where it is the short form of a mapping of fields."""
    form: Form | None = TOP
    found: Tree | None = spec
    kinds = kinds_of(spec)
    for step in steps:
        form = form.inside(step, kinds) if form is not None else None
        found = child(found, step)
    return form.main_field(found.value) if form is not None and found is not None else None


def child(tree: Tree | None, step: str | int) -> Tree | None:
    """The value that a step leads to, or None where there is none."""
    if tree is None:
        return None
    if isinstance(step, int):
        return tree.value[step] if isinstance(tree.value, list) and step < len(tree.value) else None
    return tree.value.get(step) if isinstance(tree.value, dict) else None


def kinds_of(spec: Tree) -> Kinds:
    """The fields of every kind of layer that a spec may use, its own blocks included."""

    def record(kind: str) -> Record | None:
        if kind in PRIMITIVES:
            return primitive_record(kind)
        if kind in BLOCKS:
            return BLOCKS[kind].record
        return STRUCTURES.get(kind) or _own_block(kind, spec)

    return record


def _own_block(kind: str, spec: Tree) -> Record | None:
    """The parameters of a block that is written in the spec."""
    block = child(child(spec, "blocks"), kind)
    params: Any = child(block, "params")
    if params is None or not isinstance(params.value, dict):
        return None
    fields = (Field(name, AnyForm(), REQUIRED if one.value is None else one) for name, one in params.value.items())
    return Record(dict, kind, tuple(fields))

"""Paths into a spec: a parameter's name (`width`), keys and positions (`model.layers[0].conv.filters`, counted from the
end where negative), or a layer's name and a field (`fc.units`).

A path follows the forms that read the spec: they say which keys may have dots in them, and which field a short form
stands for, so that `train.data.tfds.validation` leads into `tfds: cifar10`, which is `tfds: {name: cifar10}`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
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
from archspec.wording import counted, did_you_mean

_PATH = re.compile(r"[A-Za-z0-9_\-]+(\[-?\d{1,6}\])*(\.([A-Za-z0-9_\-]+|\*)(\[-?\d{1,6}\])*)*")
_STEP = re.compile(r"\[(-?\d+)\]|([A-Za-z0-9_\-*]+)")


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
        to_layer = _layer_named(path, tree) if first not in names or path.startswith(f"{first}.") else None
        if to_layer is not None:
            return to_layer
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
            step = _position(int(match[1]), found, steps) if match[1] else match[2]
            path = path[match.end() :]
        path = path.removeprefix(".")
        steps.append(step)
        form = form.inside(step, kinds) if form is not None else None
        found = child(found, step)
    return steps


def _position(position: int, found: Tree | None, steps: Sequence[str | int]) -> int:
    """A position in a list, counted from its end where it is negative."""
    if position >= 0:
        return position
    count = len(found.value) if found is not None and isinstance(found.value, list) else 0
    if count + position < 0:
        first = f"so the first is [{-count}]" if count else "so there is none to set"
        raise PathError(f"'{_shown(steps)}' has {counted(count, 'item')}, {first}")
    return count + position


def _shown(steps: Sequence[str | int]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps).lstrip(".")


def _layer_named(path: str, spec: Tree) -> list[str | int] | None:
    """The steps of a path that begins with a layer's name, `fc.units`; None where no layer has it.

    Raises:
        PathError: several layers have it, or no field is named.
    """
    name, dot, field = path.partition(".")
    found = list(_named_layers(child(child(spec, "model"), "layers"), name, ["model", "layers"]))
    if not found:
        return None
    if len(found) > 1:
        places = " and ".join(map(_shown, found[:2]))
        raise PathError(f"{len(found)} layers are named '{name}'; name one by its place, such as {places}")
    steps = found[0]
    if not dot:
        raise PathError(f"'{name}' is a layer; name one of its fields, such as {name}.{_example(steps, spec)}")
    return _followed(f"{_shown(steps)}.{field}", spec)


def _named_layers(layers: Tree | None, name: str, steps: list[str | int]) -> Iterator[list[str | int]]:
    """The steps to the fields of each layer of that name, among layers and what is inside them."""
    for i, item in enumerate(layers.value if layers is not None and isinstance(layers.value, list) else ()):
        for kind, body in item.value.items() if isinstance(item.value, dict) else ():
            here = [*steps, i, kind]
            given = child(body, "name")
            if given is not None and given.value == name:
                yield here
            yield from _inside(body, name, here)


def _inside(body: Tree, name: str, steps: list[str | int]) -> Iterator[list[str | int]]:
    """The steps among the lists of layers that a layer has, in its fields or as their short form, and in lists of
    such."""
    if isinstance(body.value, dict):
        for key, part in body.value.items():
            if isinstance(part.value, list):
                yield from _inside(part, name, [*steps, key])
    elif isinstance(body.value, list):
        yield from _named_layers(body, name, steps)
        for i, part in enumerate(body.value):
            if isinstance(part.value, list):
                yield from _named_layers(part, name, [*steps, i])


def _example(steps: Sequence[str | int], spec: Tree) -> str:
    kind = steps[-1]
    record = kinds_of(spec)(kind) if isinstance(kind, str) else None
    return next(iter(record.required or record.fields)) if isinstance(record, Record) and record.fields else "name"


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

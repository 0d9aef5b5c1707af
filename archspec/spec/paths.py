"""Paths into a spec: a parameter's name (`width`), keys and positions (`model.layers[0].conv.filters`, counted from the
end where negative), or a layer's name and a field (`fc.units`).

A path follows the forms that read the spec: they say which keys may have dots in them, and which field a short form
stands for, so that `train.data.tfds.validation` leads into `tfds: cifar10`, which is `tfds: {name: cifar10}`.
"""

from __future__ import annotations

import re
from collections import Counter
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
from archspec.vocabulary.answers import Answer
from archspec.vocabulary.suggestions import meaning, suggestion
from archspec.wording import closest, counted, did_you_mean

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
        raise PathError(f"no parameter or section has this name{_hint(path, first, names, tree)}")
    if first == "params" and path != "params" and second not in names:
        raise PathError(f"no parameter has this name{did_you_mean(second, names)}")
    return _followed(path, tree)


def _hint(path: str, first: str, params: Sequence[str], spec: Tree) -> str:
    """What was probably meant by a path whose first name leads nowhere, as the end of a message."""
    rest = path[len(first) :]
    named, inside = meaning("fields", "parameter", first, params), TOP.answer_inside(first)
    answer = named or (inside if not rest else None)
    if answer is not None:
        return answer.hint()
    if inside is not None and inside.write.endswith(f".{first}"):
        return Answer(f"{inside.write}{rest}").hint()
    numbered = _layer_numbered(first, spec)
    if numbered is not None:
        return Answer(_with_field(_shown(numbered), numbered, rest, spec)).hint()
    layers = dict(_layers_with_names(child(child(spec, "model"), "layers"), ["model", "layers"]))
    near = closest(first, [*params, *TOP_LEVEL, *layers])
    if near in layers:
        return Answer(_with_field(near, layers[near], rest, spec)).hint()
    return suggestion("fields", TOP.noun, first, [*params, *TOP_LEVEL])


def _with_field(layer: str, steps: Sequence[str | int], rest: str, spec: Tree) -> str:
    """A path to the field of a layer that the rest of a path names, or to the layer's first field."""
    field = rest.removeprefix(".")
    record = kinds_of(spec)(str(steps[-1]))
    is_known = isinstance(record, Record) and re.split(r"[.\[]", field)[0] in record.fields
    return f"{layer}.{field if is_known else _example(steps, spec)}"


def path_meant(word: str) -> str | None:
    """The path that a word stands for, the first where there are two: `train.epochs` for `epochs`, and for
    `num_epochs`; None where it is unknown."""
    if word in TOP_LEVEL:
        return word
    answer = TOP.answer_inside(word)
    return answer.write.split(" or ")[0] if answer is not None and answer.write and ":" not in answer.write else None


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


def _layer_numbered(name: str, spec: Tree) -> list[str | int] | None:
    """The steps to the fields of the layer that tables show by a numbered name, `dense1`, and for `stage2` those of
    `stages`. None where the number cannot be told from the text, as layers inside of layers have numbers too."""
    layers = child(child(spec, "model"), "layers")
    items = layers.value if layers is not None and isinstance(layers.value, list) else []
    given = {one for one, _ in _layers_with_names(layers, [])}
    counters: Counter[str] = Counter()
    for i, item in enumerate(items):
        kind = next(iter(item.value)) if isinstance(item.value, dict) and len(item.value) == 1 else item.value
        body = child(item, kind) if isinstance(kind, str) else None
        if not isinstance(kind, str) or kind in COMPOSITIONS:
            return None
        if kind == "stages" and re.fullmatch(r"stage\d+", name):
            return ["model", "layers", i, kind]
        own = child(body, "name")
        pattern = str(own.value) if own is not None else f"{kind}#"
        numbered = ""
        while "#" in pattern and (not numbered or numbered in given):
            counters[pattern] += 1
            numbered = pattern.replace("#", str(counters[pattern]), 1)
        if numbered == name:
            return ["model", "layers", i, kind]
    return None


COMPOSITIONS = ("sequence", "repeat", "parallel", "residual", "towers")
"""The layers that hold lists of layers, which are numbered together with those around them."""


def _named_layers(layers: Tree | None, name: str, steps: list[str | int]) -> Iterator[list[str | int]]:
    """The steps to the fields of each layer of that name, among layers and what is inside them."""
    return (found for one, found in _layers_with_names(layers, steps) if one == name)


def _layers_with_names(layers: Tree | None, steps: list[str | int]) -> Iterator[tuple[str, list[str | int]]]:
    """The name of each layer that is given one, and the steps to its fields, among layers and what is inside them."""
    for i, item in enumerate(layers.value if layers is not None and isinstance(layers.value, list) else ()):
        for kind, body in item.value.items() if isinstance(item.value, dict) else ():
            here = [*steps, i, kind]
            given = child(body, "name")
            if given is not None and isinstance(given.value, str):
                yield given.value, here
            yield from _inside(body, here)


def _inside(body: Tree, steps: list[str | int]) -> Iterator[tuple[str, list[str | int]]]:
    """The names and steps among the lists of layers that a layer has, in its fields or as their short form, and in
    lists of such."""
    if isinstance(body.value, dict):
        for key, part in body.value.items():
            if isinstance(part.value, list):
                yield from _inside(part, [*steps, key])
    elif isinstance(body.value, list):
        yield from _layers_with_names(body, steps)
        for i, part in enumerate(body.value):
            if isinstance(part.value, list):
                yield from _layers_with_names(part, [*steps, i])


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


def alternatives(spec: Tree, steps: Sequence[str | int]) -> Iterator[tuple[str, ...]]:
    """For each step, the keys that its key takes the place of (`Form.alternatives`)."""
    form: Form | None = TOP
    kinds = kinds_of(spec)
    for step in steps:
        yield form.alternatives(step) if form is not None and isinstance(step, str) else ()
        form = form.inside(step, kinds) if form is not None else None


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

"""Changing a spec: one mechanism for `--set`, `set:` and `extends`. A name or a path, and a value.

`width` is a parameter; `train.learning_rate.step.base` and `model.layers[0].conv.filters` are paths.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from archspec.errors import Problem, Source, Span, SpecError, Where
from archspec.source.tree import Tree, parse, resolve_scalar
from archspec.spec.sections import SECTIONS, TOP_LEVEL
from archspec.spec.short_forms import main_field
from archspec.wording import counted, describe, did_you_mean

_PATH = re.compile(r"[A-Za-z0-9_\-]+(\[\d{1,6}\])*(\.[A-Za-z0-9_\-]+(\[\d{1,6}\])*)*")
_STEP = re.compile(r"\[(\d+)\]|([A-Za-z0-9_\-]+)")


def parse_assignments(texts: Sequence[str]) -> dict[str, Tree]:
    """`NAME=VALUE` arguments of a command line as paths and values; the values are YAML.

    Raises:
        SpecError: a text without `=`, or a value that is not YAML.
    """
    assignments: dict[str, Tree] = {}
    problems: list[Problem] = []
    for text in texts:
        path, equals, value = text.partition("=")
        if not equals or not path.strip():
            problems.append(Problem(Where(f"--set {text}"), "expected NAME=VALUE or PATH=VALUE, such as width=32"))
            continue
        source = Source("--set", text, order=1000, is_file=False)
        try:
            span = Span(source, 0, 0, len(text))
            if not value.strip():
                assignments[path.strip()] = Tree("", span)
            elif resolve_scalar(value.strip()) is None:  # which `parse` takes for an empty file
                assignments[path.strip()] = Tree(None, span)
            else:
                assignments[path.strip()] = parse(source, start=len(path) + 1)
        except SpecError as error:
            problems += error.problems
    if problems:
        raise SpecError(problems)
    return assignments


def merge(base: Tree, child: Tree) -> Tree:
    """The base with the child's values over it: sections field by field, other values whole."""
    values, keys = dict(base.value), dict(base.keys)
    for key, tree in child.value.items():
        old = values.get(key)
        if key in SECTIONS and old is not None and isinstance(old.value, dict) and isinstance(tree.value, dict):
            tree = Tree({**old.value, **tree.value}, tree.span, {**old.keys, **tree.keys})
        values[key], keys[key] = tree, child.keys[key]
    return Tree(values, child.span, keys)


def apply(tree: Tree, assignments: Mapping[str, Tree], keys: Mapping[str, Span | None] | None = None) -> Tree:
    """The tree with each path set to its value, in order. The given tree stays as it is.

    Args:
        tree: a spec.
        assignments: values by parameter name or path.
        keys: where the paths stand, for problems to point at.

    Raises:
        SpecError: malformed paths, unknown names, or paths through something that is not there.
    """
    problems: list[Problem] = []
    for path, value in assignments.items():
        try:
            steps = steps_of(path, tree)
            tree = _set(_spelt_out(tree, steps), steps, value, "")
        except PathError as error:
            problems.append(Problem(Where(path, _path_span(path, value, keys or {})), str(error)))
    if problems:
        raise SpecError(problems)
    return tree


def value_at(tree: Tree, path: str) -> Tree | None:
    """What a path leads to, or None where nothing is written there.

    Raises:
        PathError: a malformed path, or an unknown name.
    """
    steps = steps_of(path, tree)
    found: Tree | None = _spelt_out(tree, steps)
    for step in steps:
        found = _child(found, step)
    return found


class PathError(Exception):
    """What is wrong with a path; `apply` adds the address."""


def _path_span(path: str, value: Tree, keys: Mapping[str, Span | None]) -> Span | None:
    if path in keys or value.span is None:
        return keys.get(path)
    source = value.span.source
    return Span(source, 0, 0, len(path)) if source.text.startswith(f"{path}=") else value.span


def steps_of(path: str, tree: Tree) -> list[str | int]:
    """The keys and positions that a path goes through from the top of a spec.

    Raises:
        PathError: a malformed path, or an unknown name.
    """
    if not _PATH.fullmatch(path):
        raise PathError("expected a parameter's name or a path such as model.layers[0].conv.filters")
    params = tree.value.get("params")
    names = list(params.value) if params is not None and isinstance(params.value, dict) else []
    if path in names:
        return ["params", path]
    steps: list[str | int] = [int(index) if index else key for index, key in _STEP.findall(path)]
    if steps[0] not in TOP_LEVEL:
        if steps[0] in names:
            return ["params", *steps]
        if steps[0] in ("set", "extends"):
            raise PathError(f"'{steps[0]}' cannot be set from outside the file")
        raise PathError(f"no parameter or section has this name{did_you_mean(str(steps[0]), [*names, *TOP_LEVEL])}")
    if steps[0] == "params" and len(steps) > 1 and steps[1] not in names:
        raise PathError(f"no parameter has this name{did_you_mean(str(steps[1]), names)}")
    return _inside_space(path, tree) if steps[:2] == ["search", "space"] else steps


def _inside_space(path: str, tree: Tree) -> list[str | int]:
    """The steps into the search space, whose keys are paths themselves: the longest that is there is one step."""
    rest = path.removeprefix("search.space").removeprefix(".")
    search = tree.value.get("search")
    space = search.value.get("space") if search is not None and isinstance(search.value, dict) else None
    keys = list(space.value) if space is not None and isinstance(space.value, dict) else []
    key = max((key for key in keys if rest == key or rest.startswith((f"{key}.", f"{key}["))), key=len, default=rest)
    fields = _STEP.findall(rest[len(key) :])
    return ["search", "space", *([key] if key else []), *(int(index) if index else name for index, name in fields)]


def _spelt_out(tree: Tree, steps: Sequence[str | int]) -> Tree:
    """The tree with each short form that a path leads into as the fields it stands for: `tfds: cifar10`, on the way to
    `tfds.train`, as `tfds: {name: cifar10}`."""
    found: Tree | None = tree
    for i in range(1, len(steps)):
        found = _child(found, steps[i - 1])
        if found is None or found.value is None:
            break
        if isinstance(steps[i], str) and not isinstance(found.value, dict) and found.value != steps[i]:
            name = main_field(tree, steps[:i])
            if name is None:
                break
            found = Tree({name: found}, found.span, {name: found.span})
            tree = _set(tree, list(steps[:i]), found, "")
    return tree


def _child(tree: Tree | None, step: str | int) -> Tree | None:
    """What a step leads to, or None where nothing is."""
    if tree is None:
        return None
    if isinstance(step, int):
        return tree.value[step] if isinstance(tree.value, list) and step < len(tree.value) else None
    return tree.value.get(step) if isinstance(tree.value, dict) else None


def _set(tree: Tree | None, steps: list[str | int], value: Tree, done: str) -> Tree:
    if not steps:
        return value
    step, rest = steps[0], steps[1:]
    if isinstance(step, int):
        if tree is None or not isinstance(tree.value, list):
            raise PathError(f"'{done}' is not a list" if tree is not None else f"'{done}' is not there")
        if step >= len(tree.value):
            last = f"so the last is [{len(tree.value) - 1}]" if tree.value else "so there is none to set"
            raise PathError(f"'{done}' has {counted(len(tree.value), 'item')}, {last}")
        items = list(tree.value)
        items[step] = _set(items[step], rest, value, f"{done}[{step}]")
        return Tree(items, tree.span, size=tree.size)
    if tree is None or tree.value is None:
        tree = Tree({}, value.span)
    elif tree.value == step:  # a bare name, `adam`, gains fields: `{adam: {...}}`
        tree = Tree({step: Tree({}, tree.span)}, tree.span, {step: tree.span})
    if not isinstance(tree.value, dict):
        raise PathError(f"'{done}' is {describe(tree.value)}, not a mapping with fields to set")
    child = _set(tree.value.get(step), rest, value, f"{done}.{step}".lstrip("."))
    span = tree.keys.get(step, value.span) if rest else value.span
    return Tree({**tree.value, step: child}, tree.span, {**tree.keys, step: span}, tree.size)

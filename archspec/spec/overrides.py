"""Changing a spec: `--set` and `set:` share one mechanism, a parameter's name or a path, and a value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from archspec.errors import Problem, Source, Span, SpecError, Where
from archspec.source.reading import parse
from archspec.source.tree import Tree, resolve_scalar
from archspec.spec.paths import PathError, alternatives, child, main_field, steps_of
from archspec.wording import counted, describe


def parse_assignments(texts: Sequence[str]) -> dict[str, Tree]:
    """Reads `NAME=VALUE` arguments of a command line: paths, and values in YAML.

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
        if path.strip() in assignments:
            message = "is set twice; keep one of the two"
            problems.append(Problem(Where(path.strip(), Span(source, 0, 0, len(path))), message))
        try:
            span = Span(source, 0, 0, len(text))
            if not value.strip():
                assignments[path.strip()] = Tree("", span)
            elif resolve_scalar(value.strip()) is None:  # `parse` takes it for an empty file
                assignments[path.strip()] = Tree(None, span)
            else:
                assignments[path.strip()] = parse(source, start=len(path) + 1)
        except SpecError as error:
            problems += error.problems
    if problems:
        raise SpecError(problems)
    return assignments


MOST_ASSIGNMENTS = 200
"""The most paths that are set at once. Each copies what it changes, and may be looked for in the whole spec."""


def apply(tree: Tree, assignments: Mapping[str, Tree], keys: Mapping[str, Span | None] | None = None) -> Tree:
    """A copy of the tree with each path set to its value, in order.

    Args:
        tree: a spec.
        assignments: values by parameter name or path.
        keys: the positions of the paths in the text, for problems to point at.

    Raises:
        SpecError: malformed paths, unknown names, or paths through values that do not exist.
    """
    if len(assignments) > MOST_ASSIGNMENTS:
        path = list(assignments)[MOST_ASSIGNMENTS]
        message = f"is one of {len(assignments):,} paths to set; the limit is {MOST_ASSIGNMENTS}"
        raise SpecError([Problem(Where(path, _path_span(path, assignments[path], keys or {})), message)])
    problems: list[Problem] = []
    done: dict[tuple[str | int, ...], str] = {}
    for path, value in assignments.items():
        try:
            steps = steps_of(path, tree)
            _check_order(path, steps, done)
            tree = _spelt_out(tree, steps)
            if value.value is not None:
                tree = _without_alternatives(tree, steps)
            tree = _set(tree, steps, value, "")
        except PathError as error:
            problems.append(Problem(Where(path, _path_span(path, value, keys or {})), str(error)))
    if problems:
        raise SpecError(problems)
    return tree


def _check_order(path: str, steps: Sequence[str | int], done: dict[tuple[str | int, ...], str]) -> None:
    """Refuses a path that would replace what an earlier one has set; `done` has the earlier ones by their steps."""
    for earlier, its_path in done.items():
        if earlier == tuple(steps):
            raise PathError(f"is the same as '{its_path}', which is set already; keep one of them")
        if earlier[: len(steps)] == tuple(steps):
            raise PathError(
                f"replaces '{its_path}', which is set before it; set this first, or leave one of the two out"
            )
    done[tuple(steps)] = path


def value_at(tree: Tree, path: str) -> Tree | None:
    """The value that a path leads to, or None where none is written.

    Raises:
        PathError: a malformed path, or an unknown name.
    """
    steps = steps_of(path, tree)
    found: Tree | None = _spelt_out(tree, steps)
    for step in steps:
        found = child(found, step)
    return found


def _path_span(path: str, value: Tree, keys: Mapping[str, Span | None]) -> Span | None:
    if path in keys or value.span is None:
        return keys.get(path)
    source = value.span.source
    return Span(source, 0, 0, len(path)) if source.text.startswith(f"{path}=") else value.span


def _spelt_out(tree: Tree, steps: Sequence[str | int]) -> Tree:
    """The tree with every short form on a path written in full: for `tfds.train`, `tfds: cifar10` becomes
    `tfds: {name: cifar10}`."""
    found: Tree | None = tree
    for i in range(1, len(steps)):
        found = child(found, steps[i - 1])
        if found is None or found.value is None:
            break
        if isinstance(steps[i], str) and not isinstance(found.value, dict) and found.value != steps[i]:
            name = main_field(tree, steps[:i])
            if name is None:
                break
            found = Tree({name: found}, found.span, {name: found.span})
            tree = _set(tree, list(steps[:i]), found, "")
    return tree


def _without_alternatives(tree: Tree, steps: Sequence[str | int]) -> Tree:
    """The tree without the fields whose place a path takes: `init_from.weights` that of `init_from.run`."""
    for i, others in enumerate(alternatives(tree, steps)):
        found: Tree | None = tree
        for step in steps[:i]:
            found = child(found, step)
        if found is not None and isinstance(found.value, dict) and found.value.keys() & set(others):
            rest = {key: value for key, value in found.value.items() if key not in others}
            tree = _set(tree, list(steps[:i]), Tree(rest, found.span, {key: found.keys[key] for key in rest}), "")
    return tree


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
    changed = _set(tree.value.get(step), rest, value, f"{done}.{step}".lstrip("."))
    span = tree.keys.get(step, value.span) if rest else value.span
    return Tree({**tree.value, step: changed}, tree.span, {**tree.keys, step: span}, tree.size)

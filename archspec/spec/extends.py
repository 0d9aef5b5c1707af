"""`extends`: merging a spec with the one that it starts from."""

from __future__ import annotations

import os
from pathlib import Path

from archspec.errors import INVALID, SpecError, UnreadableFile, Where, file_problem, problem_at
from archspec.fields.base import Reader
from archspec.fields.scalars import Text
from archspec.source.reading import read_file
from archspec.source.shipped import located
from archspec.source.tree import Tree
from archspec.spec import overrides
from archspec.spec.merging import merge

MAX_EXTENDS = 16


def extended(path: Path, below: tuple[Path, ...] = ()) -> Tree:
    """The tree of a file merged over the tree of the file it extends, its `set` applied.

    Raises:
        FileError: a file that cannot be read.
        SpecError: a file that is not a mapping, a circle, or a path in `set` that leads nowhere.
    """
    return resolved(read_file(path, order=len(below)), (*below, path))


def resolved(tree: Tree, chain: tuple[Path, ...]) -> Tree:
    """The tree merged over the tree of the file it extends, its `set` applied.

    Args:
        tree: a spec as it is written.
        chain: the files that led to it, itself last; a relative path in `extends` starts from the folder of the last.

    Raises:
        SpecError: it is not a mapping, a base cannot be read, a circle, or a path in `set` that leads nowhere.
    """
    if not isinstance(tree.value, dict):
        raise problem_at(Where("", tree.span), "expected a mapping with 'name' and 'model'")
    if "extends" in tree.value:
        tree = merge(_base(tree.value["extends"], chain), tree)
    assignments, keys = tree.value.get("set"), tree.keys
    values = {key: child for key, child in tree.value.items() if key not in ("extends", "set")}
    tree = Tree(values, tree.span, {key: keys[key] for key in values})
    if assignments is None:
        return tree
    if not isinstance(assignments.value, dict):
        reader = Reader()
        reader.expect(assignments, "set", "a mapping from parameters' names and paths to values")
        raise SpecError(reader.problems)
    return overrides.apply(tree, assignments.value, assignments.keys)


def _base(tree: Tree, chain: tuple[Path, ...]) -> Tree:
    reader = Reader()
    name = Text("the path of another spec").read(tree, "extends", reader)
    if name is INVALID:
        raise SpecError(reader.problems)
    path = located(Path(os.path.normpath(chain[-1].parent / name)), name)
    where = Where("extends", tree.span)
    if any(_same_file(path, one) for one in chain):
        steps = " → ".join(str(one) for one in (*chain, path))
        raise problem_at(where, f"the specs extend each other in a circle: {steps}")
    if len(chain) > MAX_EXTENDS:
        raise problem_at(where, f"more than {MAX_EXTENDS} specs in a chain, the limit")
    try:
        return extended(path, chain)
    except UnreadableFile as error:
        if error.path != path:
            raise
        raise file_problem(where, f"{path}: {error.reason}") from error


def _same_file(a: Path, b: Path) -> bool:
    try:
        return os.path.realpath(a) == os.path.realpath(b)
    except ValueError:  # a NUL in the name, which reading the file reports
        return False

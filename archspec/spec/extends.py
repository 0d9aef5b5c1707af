"""`extends`: merging a spec with the one that it starts from."""

from __future__ import annotations

import os
from pathlib import Path

from archspec.errors import (
    INVALID,
    PRIVATE_MISTAKE,
    Problem,
    SpecError,
    UnreadableFile,
    Where,
    file_problem,
    problem_at,
)
from archspec.fields.base import Reader
from archspec.fields.scalars import Text
from archspec.source.reading import read_file
from archspec.source.shipped import FOLDER, located
from archspec.source.tree import Tree
from archspec.spec import overrides
from archspec.spec.merging import merge
from archspec.spec.sections import TOP_LEVEL

MAX_EXTENDS = 16
WORDS = ("extends", "set", *TOP_LEVEL)
"""The keys of a spec's file. A file outside the spec's folder is no spec if it has others."""


def extended(path: Path, below: tuple[Path, ...] = ()) -> Tree:
    """The tree of a file merged over the tree of the file it extends, its `set` applied.

    Raises:
        FileError: a file that cannot be read.
        SpecError: a file that is not a mapping, a circle, or a path in `set` that leads nowhere.
    """
    is_private = bool(below) and not _is_near(path, below[0])
    tree = read_file(path, order=len(below), is_private=is_private)
    if is_private and isinstance(tree.value, dict):
        # Before anything else of it can be mentioned: other programs' files are mappings too.
        foreign = [key for key in tree.value if key not in WORDS]
        if foreign:
            raise SpecError([Problem(Where("", tree.keys[foreign[0]]), PRIVATE_MISTAKE)])
    return resolved(tree, (*below, path))


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
        base = _base(tree.value["extends"], chain)
        tree = merge(base.without("expect"), tree)  # what a file expects is expected of its own network alone
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


def _is_near(path: Path, spec: Path) -> bool:
    """Whether a file is in the folder of the spec that extends it, or in a folder there, or comes with the package.

    What a spec extends may have been named by a stranger, who is to learn nothing of other files from messages.
    """
    try:
        folders = [Path(os.path.realpath(folder)) for folder in (spec.parent, FOLDER)]
        return any(Path(os.path.realpath(path)).is_relative_to(folder) for folder in folders)
    except ValueError:  # a NUL in the name, which reading the file reports
        return True


def _same_file(a: Path, b: Path) -> bool:
    try:
        return os.path.realpath(a) == os.path.realpath(b)
    except ValueError:  # a NUL in the name, which reading the file reports
        return False

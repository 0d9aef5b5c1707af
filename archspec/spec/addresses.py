"""Parts of a resolved spec, and where they stand in the file."""

from __future__ import annotations

import shlex

from archspec.errors import SpecError, Where, problem_at
from archspec.recipe import Train
from archspec.spec.spec import Spec


def recipe_of(spec: Spec) -> Train:
    """The `train` section of a spec.

    Raises:
        SpecError: there is none.
    """
    if spec.train is None:
        message = "there is no 'train' section; add one, such as train: {data: digits}"
        raise problem_at(Where("train", spec.tree.span), message)
    return spec.train


def address(spec: Spec, *keys: str) -> Where:
    """The position of a value of the resolved spec; for a default value, the position of the mapping that lacks it."""
    tree = spec.tree
    for key in keys:
        tree = tree.value.get(key, tree) if isinstance(tree.value, dict) else tree
    return Where(".".join(keys), tree.span)


def classes_setting(spec: Spec, classes: int) -> str | None:
    """The `--set` argument that gives a network as many outputs as there are classes: its parameter `classes`, or the
    units of its last layer; None where neither decides."""
    settings = {"classes": classes} if "classes" in spec.params else {"model.layers[-1].dense.units": classes}
    try:
        changed = spec.with_values(settings)
    except SpecError:
        return None
    (name,) = settings
    return f"--set {shlex.quote(f'{name}={classes}')}" if changed.graph.output.shape == (classes,) else None

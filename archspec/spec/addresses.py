"""Parts of a resolved spec, and where they stand in the file."""

from __future__ import annotations

from archspec.errors import Where, problem_at
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

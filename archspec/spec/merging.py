"""Merging a spec over the one that it extends: mappings of fields field by field, anything else as a whole.

The forms that read the spec say which mappings these are. A mapping of one key that names a choice, such as
`optimizer: {sgd: ...}`, is merged with the same choice and replaces another. Where there can be one of several fields,
such as `run` and `weights` of `init_from`, another one takes the place of the base's.
"""

from __future__ import annotations

from archspec.fields.base import Form, Kinds
from archspec.source.tree import Tree
from archspec.spec.paths import kinds_of
from archspec.spec.sections import TOP


def merge(base: Tree, over: Tree) -> Tree:
    """The base with the values of another spec over it. Null removes a field of the base, but for those that can be
    null themselves, such as `norm`."""

    def kinds(kind: str) -> Form | None:
        return kinds_of(over)(kind) or kinds_of(base)(kind)

    return _merged(base, over, TOP, kinds)


def _merged(base: Tree, over: Tree, form: Form | None, kinds: Kinds) -> Tree:
    if form is None or not isinstance(over.value, dict):
        return over
    name = form.main_field(base.value) if not isinstance(base.value, dict) and base.value is not None else None
    if name is not None:
        base = Tree({name: base}, base.span, {name: base.span})
    if not isinstance(base.value, dict) or not form.merges(base, over):
        return over
    values, keys = dict(base.value), dict(base.keys)
    for key, tree in over.value.items():
        field = form.inside(key, kinds)
        if tree.value is not None:
            for other in form.alternatives(key):
                values.pop(other, None)
                keys.pop(other, None)
        if key in values and tree.value is None and field is not None and not field.takes_null:
            del values[key], keys[key]
            continue
        values[key] = _merged(values[key], tree, field, kinds) if key in values else tree
        keys[key] = over.keys[key]
    return Tree(values, over.span, keys)

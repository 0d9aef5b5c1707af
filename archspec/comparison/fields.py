"""What differs between two layers: values of their fields, what is declared on them, and what they take."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

from archspec.drawing.outline import Part
from archspec.layers.reading import primitive_record
from archspec.ops import Activation, Op, show
from archspec.ops.initializers import Initializer


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """A value that is another one, both as texts.

    Attributes:
        field: what it is the value of: a field of the layer, such as `filters`; `norm` or `activation`, with its field
            where only that differs (`norm.momentum`); `operation`, for a layer of another kind; `input channels` or
            `input features`, what arrives; `from`, the layers that it comes from; or `name`.
        before: the value in the first network; None where there is none.
        after: the value in the second network; None where there is none.
    """

    field: str
    before: str | None
    after: str | None

    def __str__(self) -> str:
        if self.before is None or self.after is None:
            return f"+ {self.after}" if self.before is None else f"\u2212 {self.before}"
        name = "" if self.field in ("operation", "structure") else f"{self.field} "
        return f"{name}{self.before} \u2192 {self.after}"


FIRST = ("filters", "units", "multiplier", "kernel", "size", "stride", "dilation", "groups", "padding")
"""The fields that say most about a layer, which are named first."""


def layer_changes(before: Part, after: Part) -> list[Change]:
    """What differs between two layers. Where all their fields are equal and their parameters are not, it is what
    arrives."""
    found = [*_declared(before.ops, after.ops)]
    if not found and before.parameters != after.parameters:
        found.append(_arriving(before, after))
    return found


def _arriving(before: Part, after: Part) -> Change:
    shapes = before.shape_in, after.shape_in
    if {len(shape) for shape in shapes} == {3} and shapes[0][-1] != shapes[1][-1]:
        return Change("input channels", str(shapes[0][-1]), str(shapes[1][-1]))
    if {len(shape) for shape in shapes} == {1}:
        return Change("input features", str(shapes[0][-1]), str(shapes[1][-1]))
    return Change("input", show(shapes[0]), show(shapes[1]))


def _declared(before: Sequence[Op], after: Sequence[Op]) -> Iterator[Change]:
    """The changes of a layer's own operation, and of the norm and the activation that are declared on it."""
    yield from _changes(before[0], after[0], "")
    ours, theirs = ({_role(op): op for op in ops[1:]} for ops in (before, after))
    for role in dict.fromkeys([*ours, *theirs]):
        if role in ours and role in theirs:
            yield from _changes(ours[role], theirs[role], role)
        else:
            yield Change(role, *(ops[role].label() if role in ops else None for ops in (ours, theirs)))


def _role(op: Op) -> str:
    return "activation" if isinstance(op, Activation) else "norm" if op.is_norm else op.kind


def _changes(before: Op, after: Op, role: str) -> Iterator[Change]:
    """The fields of two operations whose values differ; the operation itself, if it is another one."""
    if before == after:
        return
    is_other = type(before) is not type(after) or isinstance(before, Activation)
    if is_other and before.label() != after.label():
        yield Change(role or "operation", before.label(), after.label())
        return
    for field in sorted(dataclasses.fields(before), key=lambda field: [*FIRST, field.name].index(field.name)):
        values = getattr(before, field.name), getattr(after, field.name)
        if values[0] != values[1]:
            texts = (_written(before.kind, field.name, value) for value in values)
            yield Change(f"{role}.{field.name}".lstrip("."), *texts)


def _written(kind: str, name: str, value: Any) -> str:
    """A field's value as a spec would write it, on one line."""
    if isinstance(value, Initializer):
        arguments = ", ".join(
            f"{key}={one:g}" if isinstance(one, float) else f"{key}={one}" for key, one in value.arguments
        )
        return f"{value.name.removeprefix('random_')}{f'({arguments})' if arguments else ''}"
    field = primitive_record(kind).fields.get(name)
    return in_line(value if field is None or value is None else field.form.written(value))


def in_line(value: Any) -> str:
    """A value in YAML, on one line."""
    if value is None or isinstance(value, bool):
        return {None: "none", True: "true", False: "false"}[value]
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {in_line(one)}' for key, one in value.items())}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(in_line, value))}]"
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)

"""How the operations of a network nest by their names: `stage1.block2.conv1` stands in `block2` of `stage1`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Nested:
    """Consecutive operations whose names begin with one path: a group, or a layer with those declared on it.

    Attributes:
        path: what the names begin with, such as `stage1.block2`.
        start: the position of the first operation.
        stop: the position after the last one.
        owner: the position of the operation that has the path as its name, such as a convolution on which a norm and an
            activation are declared; None for a group.
        inner: the parts of a group, in order; empty for a layer.
    """

    path: str
    start: int
    stop: int
    owner: int | None
    inner: tuple[Nested, ...] = ()


def nested(names: Sequence[str], start: int = 0, stop: int | None = None, prefix: str = "") -> tuple[Nested, ...]:
    """The parts that consecutive operations form by their names.

    Args:
        names: of all operations of a network, in order.
        start: the position of the first operation to consider.
        stop: the position after the last one; by default all.
        prefix: what their names begin with, which their parts leave out: `stage1.`.
    """
    stop = len(names) if stop is None else stop
    parts: list[Nested] = []
    while start < stop:
        key = names[start].removeprefix(prefix).partition(".")[0]
        path, end = prefix + key, start + 1
        within = f"{path}."
        while end < stop and (names[end] == path or names[end].startswith(within)):
            end += 1
        owner = next((position for position in range(start, end) if names[position] == path), None)
        inner = () if owner is not None else nested(names, start, end, within)
        parts.append(Nested(path, start, end, owner, inner))
        start = end
    return tuple(parts)

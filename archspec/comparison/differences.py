"""The differences of two networks, as a tree: parts that were added, removed or changed, each with its numbers."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from archspec.comparison.alignment import aligned
from archspec.comparison.fields import Change, layer_changes
from archspec.drawing.marks import ADDED, CHANGED, REMOVED, UNCHANGED
from archspec.drawing.outline import BYTES, Outline, Part
from archspec.ops import show
from archspec.wording import counted


@dataclass(frozen=True, slots=True)
class Difference:
    """What became of a part of a network.

    Attributes:
        status: `added`, `removed`, `changed` or `unchanged`. A layer is changed if its fields or the number of its
            parameters are others, or if it takes the output of another layer; it is unchanged if it merely stands after
            something that is changed, and has other shapes and MACs for that reason alone. A group is changed if one
            of its parts is.
        before: the part in the first network; None if it was added.
        after: the part in the second network; None if it was removed.
        kinds: the words for it before and after, `basic` and `bottleneck`, where it is a block or structure.
        changes: of a layer, the values that are others; of any part, its `name` where that is.
        children: of a group, what became of its parts, in order.
    """

    status: str
    before: Part | None
    after: Part | None
    kinds: tuple[str | None, str | None] = (None, None)
    changes: tuple[Change, ...] = ()
    children: tuple[Difference, ...] = ()

    @property
    def part(self) -> Part:
        """The part, in the second network if it is there."""
        part = self.after or self.before
        assert part is not None, "a part is in one of the two networks"
        return part

    def delta(self, count: str) -> int:
        """The difference of `parameters`, `macs` or `memory`; what is not there counts as 0."""
        return int(getattr(self.after, count, 0) - getattr(self.before, count, 0))


def differences(before: Outline, after: Outline) -> Difference:
    """What became of a network's parts in another network."""
    comparer = _Comparer(before, after)
    comparer.match(before.root, after.root)
    return comparer.pair(before.root, after.root)


_NUMBERS = re.compile(r"\d+")


def without_numbers(part: Part) -> str:
    """A part's name without its numbers, which count what comes before it."""
    return _NUMBERS.sub("#", part.label)


class _Side:
    """One of the two networks: its parts, each with a number that equal ones share."""

    def __init__(self, outline: Outline, numbers: dict[Any, int]):
        self.outline, self.numbers = outline, numbers
        self.nodes = outline.graph.nodes
        self.signatures: dict[str, int] = {}
        self.parts: dict[str, tuple[Part, ...]] = {}

    def number(self, key: Any) -> int:
        return self.numbers.setdefault(key, len(self.numbers))

    def signature(self, part: Part) -> int:
        """A number that two parts share if they do the same with what enters them, whatever its shape."""
        if part.path not in self.signatures:
            ops = tuple(self.number(node.op) for node in self.nodes[part.start : part.stop])
            inputs = tuple(
                tuple(max(source - part.start, -1) for source in node.inputs)
                for node in self.nodes[part.start : part.stop]
            )
            parts = tuple((without_numbers(child), self.signature(child)) for child in self.children(part))
            self.signatures[part.path] = self.number((ops, inputs, parts))
        return self.signatures[part.path]

    def sources(self, part: Part) -> list[int]:
        """The nodes whose outputs a layer takes, in order."""
        inputs = (source for node in self.nodes[part.start : part.stop] for source in node.inputs)
        return [source for source in inputs if source < part.start]

    def kind(self, part: Part) -> str | None:
        return self.outline.graph.kinds.get(part.path)

    def children(self, part: Part) -> tuple[Part, ...]:
        """The parts of a group. An activation that the outline joins to the sum before it is a part of its own."""
        if part.path not in self.parts:
            self.parts[part.path] = tuple(one for child in part.children for one in self.split(child))
        return self.parts[part.path]

    def split(self, part: Part) -> Iterator[Part]:
        """A layer without the activation of the residual around it, and that activation."""
        names = [node.name for node in self.nodes[part.start : part.stop]] if part.is_layer else []
        own = sum(name == names[0] or name.startswith(f"{names[0]}.") for name in names)
        if own == len(names):
            yield part
            return
        yield self.piece(part, part.path, part.label, part.start, part.start + own)
        for start in range(part.start + own, part.stop):
            name = self.nodes[start].name
            yield self.piece(part, name, name.rpartition(".")[2], start, start + 1)

    def piece(self, part: Part, path: str, label: str, start: int, stop: int) -> Part:
        """Some of a layer's operations as a part of their own."""
        layers = self.outline.analysis.layers[start - 1 : stop - 1]
        return replace(
            part,
            path=path,
            label=label,
            start=start,
            stop=stop,
            exit=stop - 1,
            shape=layers[-1].output_shape,
            parameters=sum(layer.trainable_parameters + layer.non_trainable_parameters for layer in layers),
            macs=sum(layer.macs for layer in layers),
            memory=sum(BYTES * math.prod(layer.output_shape) for layer in layers),
            field=layers[-1].receptive_field,
            ops=part.ops[start - part.start : stop - part.start],
        )


class _Comparer:
    def __init__(self, before: Outline, after: Outline):
        numbers: dict[Any, int] = {}
        self.before, self.after = _Side(before, numbers), _Side(after, numbers)
        self.pairs: dict[tuple[str, str], list[tuple[Part | None, Part | None]]] = {}
        self.counterparts: dict[int, int] = {0: 0}
        """The position of each node of the first network in the second, for those that stand for each other."""

    # -- which parts stand for each other ------------------------------------------------------------------------------

    def match(self, before: Part, after: Part) -> None:
        """Records which children of a part, and which of its nodes, stand for which of another."""
        if before.is_layer and after.is_layer:
            if [op.kind for op in before.ops] == [op.kind for op in after.ops]:
                nodes = zip(range(before.start, before.stop), range(after.start, after.stop), strict=True)
                self.counterparts.update(nodes)
            else:
                self.counterparts[before.start] = after.start
        elif not before.is_layer and not after.is_layer:
            parts = self.before.children(before), self.after.children(after)
            sides = self.before, self.after
            keys = [
                [(part.label, side.signature(part)) for part in ours] for side, ours in zip(sides, parts, strict=True)
            ]
            pairs = aligned(*parts, (keys[0], keys[1]), self.score)
            self.pairs[before.path, after.path] = pairs
            for one, other in pairs:
                if one is not None and other is not None:
                    self.match(one, other)
        self.counterparts.setdefault(before.exit, after.exit)

    def score(self, before: Part, after: Part) -> float:
        """How well two parts stand for each other: equal ones best, then those of one name, then similar ones."""
        is_same_name = before.label == after.label
        is_like_name = without_numbers(before) == without_numbers(after)
        if before.is_layer != after.is_layer:
            return float(is_same_name)
        if self.before.signature(before) == self.after.signature(after):
            return 8 + 2 * is_same_name + is_like_name
        if not before.is_layer:
            return 5 if is_same_name else 3 if is_like_name else 0
        if type(before.ops[0]) is not type(after.ops[0]):
            return 2 if is_same_name else 0
        is_near = len(layer_changes(before, after)) < 2 and (
            is_like_name or (before.parameters == after.parameters and before.shape == after.shape)
        )
        return 6 if is_same_name else 3 if is_near else 0

    @cached_property
    def known(self) -> frozenset[int]:
        """The nodes of the second network that stand for one of the first."""
        return frozenset(self.counterparts.values())

    # -- what became of them -------------------------------------------------------------------------------------------

    def pair(self, before: Part | None, after: Part | None) -> Difference:
        if before is None or after is None:
            status, side = (REMOVED, self.before) if after is None else (ADDED, self.after)
            inner = side.children(before or after)  # type: ignore[arg-type]  # one of the two is there
            alone = [self.pair(one, None) if after is None else self.pair(None, one) for one in inner]
            return Difference(status, before, after, self.kinds(before, after), children=tuple(alone))
        found = [*self.renamed(before, after)]
        children: tuple[Difference, ...] = ()
        if before.is_layer and after.is_layer:
            found += [*layer_changes(before, after), *self.rewired(before, after)]
        elif before.is_layer != after.is_layer:
            found.append(Change("structure", _structure(before), _structure(after)))
        else:
            children = tuple(self.pair(*both) for both in self.pairs[before.path, after.path])
        is_changed = found or any(child.status != UNCHANGED for child in children)
        status = CHANGED if is_changed else UNCHANGED
        return Difference(status, before, after, self.kinds(before, after), tuple(found), children)

    def kinds(self, before: Part | None, after: Part | None) -> tuple[str | None, str | None]:
        return (
            self.before.kind(before) if before is not None else None,
            self.after.kind(after) if after is not None else None,
        )

    def renamed(self, before: Part, after: Part) -> Iterator[Change]:
        if not before.path and before.shape_in != after.shape_in:
            yield Change("input", show(before.shape_in), show(after.shape_in))
        if without_numbers(before) != without_numbers(after):
            yield Change("name", before.label, after.label)

    def rewired(self, before: Part, after: Part) -> Iterator[Change]:
        """The change of the layers whose outputs a layer takes, but for what layers that were added or removed on the
        way explain."""
        ours, theirs = self.before.sources(before), self.after.sources(after)
        known = self.known
        expected = {self.counterparts[source] for source in ours if source in self.counterparts}
        found = {source for source in theirs if source in known}
        gone, new = expected - found, found - expected
        if len(gone) > len(theirs) - len(found) or len(new) > len(ours) - len(expected):
            names = [
                ", ".join(side.outline.name(source) for source in sources)
                for side, sources in ((self.before, ours), (self.after, theirs))
            ]
            yield Change("from", *names)


def _structure(part: Part) -> str:
    return part.ops[0].label() if part.is_layer else counted(part.stop - part.start, "layer")

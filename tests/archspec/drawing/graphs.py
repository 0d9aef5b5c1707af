"""Random graphs whose names nest, with skips, branches and references from afar, made in a fraction of a millisecond:
what specs can say of structure, without the specs."""

from __future__ import annotations

from random import Random

from archspec.graph.graph import Graph, Node
from archspec.ops import Add, Conv, Flatten, Input, MaxPool

SHAPE = (8, 8, 4)
CONV = Conv(filters=4, kernel=(3, 3))
POOL = MaxPool(size=(1, 1))


class Writer:
    """Adds nodes to a graph."""

    def __init__(self, random: Random):
        self.random = random
        self.nodes = [Node("input", Input(size=SHAPE), (), SHAPE)]

    def add(self, name: str, inputs: tuple[int, ...]) -> int:
        op = Add() if len(inputs) > 1 else self.random.choice((CONV, CONV, POOL))
        self.nodes.append(Node(name, op, inputs, SHAPE))
        return len(self.nodes) - 1

    def group(self, prefix: str, entry: int, size: int, depth: int) -> int:
        """Some parts one after the other; returns the position of the last output."""
        outputs, last = [entry], entry
        for number in range(1, self.random.randint(1, size) + 1):
            last = self.part(f"{prefix}{{}}{number}", last, outputs, size, depth)
            outputs.append(last)
        return last

    def part(self, name: str, last: int, outputs: list[int], size: int, depth: int) -> int:
        kind = self.random.choice(("layer", "layer", "group", "skip", "branches", "reference", "repeat"))
        if kind in ("group", "branches", "repeat") and depth:
            write = {"group": self.inside, "branches": self.branches, "repeat": self.repeat}[kind]
            return write(name, last, size, depth)
        if kind == "skip":
            chosen = self.random.sample(outputs, min(len(outputs), self.random.randint(1, 3)))
            return self.add(name.format("sum"), tuple(dict.fromkeys((last, *chosen))))
        if kind == "reference":  # from anywhere, inside of other groups too
            return self.add(name.format("far"), tuple(dict.fromkeys((last, self.random.randrange(last + 1)))))
        first = self.add(name.format("layer"), (last,))
        if self.random.random() < 0.3:  # declared on it
            return self.add(f"{name.format('layer')}.activation", (first,))
        return first

    def branches(self, name: str, last: int, size: int, depth: int) -> int:
        prefix = name.format("split")
        ends = [
            self.group(f"{prefix}.branch{number}.", last, size, depth - 1)
            for number in range(1, self.random.randint(2, 4))
        ]
        return self.add(f"{prefix}.add", tuple(dict.fromkeys((*ends, *([last] if self.random.random() < 0.3 else ())))))

    def repeat(self, name: str, last: int, size: int, depth: int) -> int:
        seed = self.random.random()
        for number in range(1, self.random.randint(2, 5)):
            around, self.random = self.random, Random(seed)  # equal copies
            last = self.group(f"{name.format('copy')}{number}.", last, size, depth - 1)
            self.random = around
        return last

    def inside(self, name: str, last: int, size: int, depth: int) -> int:
        return self.group(f"{name.format('group')}.", last, size, depth - 1)


def random_graph(seed: int, size: int, depth: int) -> Graph:
    """A graph with groups of at most `size` parts, nested `depth` deep. Whatever nothing uses is added at the end."""
    writer = Writer(Random(seed))
    writer.group("", 0, size, depth)
    used = {source for node in writer.nodes for source in node.inputs}
    loose = tuple(i for i in range(len(writer.nodes)) if i not in used)
    if len(loose) > 1:
        writer.add("ends", loose)
    elements = SHAPE[0] * SHAPE[1] * SHAPE[2]
    writer.nodes.append(Node("flatten1", Flatten(), (len(writer.nodes) - 1,), (elements,)))
    return Graph(f"random{seed}", tuple(writer.nodes))

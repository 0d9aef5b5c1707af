"""What a drawing shows of an outline: which groups are open or folded to a box, and which repeats are drawn once.

The edges between the parts of a group are those of the graph, lifted to the parts.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from archspec.drawing.marks import Marks, mark_of
from archspec.drawing.outline import Outline, Part
from archspec.errors import UserError, argument_problem
from archspec.wording import counted, did_you_mean, quoted

ENTRY = -1
"""In the place of a child, what enters the group around it."""
ALL = "all"
"""In the place of a path, all of them."""
MOST_BOXES = 40
"""A drawing that nobody has asked to be deeper has at most this many boxes, if folding can make it so."""
LARGEST = 3000
"""A drawing of more boxes is refused: no viewer is of use with it."""


@dataclass(frozen=True, slots=True)
class Edge:
    """A tensor on its way from one child of a group to another.

    Attributes:
        source: the number of the child that it leaves, or ENTRY.
        target: the number of the child that it enters, or the number of children, for what leaves the group.
        tensor: the position of the node whose output it is.
        consumer: the position of the node in the target that takes it, the first one if several in one box do.
    """

    source: int
    target: int
    tensor: int
    consumer: int


@dataclass(frozen=True, slots=True)
class View:
    """A part as it is drawn: as one box, or open, with its children in a frame.

    Attributes:
        part: what it shows; of a repeat, the first copy.
        copies: the paths of the equal parts that it stands for, one after the other; one path where there is no repeat.
        children: of an open part, the views of its parts, in order; empty for a box.
        edges: of an open part, those between its children. Where a repeat is open, those of its first copy.
        stop: the position after the last node of the last copy.
        exit: the position of the node whose output leaves the last copy.
    """

    part: Part
    copies: tuple[str, ...]
    children: tuple[View, ...] = ()
    edges: tuple[Edge, ...] = ()
    stop: int = 0
    exit: int = 0

    @property
    def is_open(self) -> bool:
        """Whether its children are drawn."""
        return bool(self.children)

    @property
    def times(self) -> int:
        """How many copies it stands for."""
        return len(self.copies)

    @property
    def parameters(self) -> int:
        """All weights of all copies."""
        return self.part.parameters * self.times

    @property
    def macs(self) -> int:
        """Multiply-accumulates of all copies."""
        return self.part.macs * self.times

    @property
    def memory(self) -> int:
        """Bytes of the outputs of all copies."""
        return self.part.memory * self.times


def boxes(view: View) -> int:
    """How many boxes a view is drawn with. The signs of merges are not counted, nor the frames of open parts."""
    if not view.is_open:
        return 0 if view.part.is_merge else 1
    return sum(map(boxes, view.children))


def walk(view: View) -> Iterator[View]:
    """A view and all views inside it, outermost first."""
    yield view
    for child in view.children:
        yield from walk(child)


def view(
    outlined: Outline,
    depth: int | None = None,
    opened: Collection[str] = (),
    marks: Marks | None = None,
) -> View:
    """What a drawing shows of a network.

    Args:
        outlined: the network's outline.
        depth: groups are open to so many levels of names. By default all are, and repeats are drawn copy by copy, if
            that takes at most `MOST_BOXES` boxes; otherwise repeats are drawn once, and if need be groups are folded,
            the innermost first.
        opened: paths that are open in any case; `all` opens everything, copy by copy.
        marks: what is said of paths, by path. Copies of which different things are said are drawn one by one.

    Raises:
        UserError: a drawing of more than `LARGEST` boxes.
    """
    viewer = _Viewer(outlined, frozenset(_with_those_around(opened)), marks or {})
    if ALL in opened:
        shown = viewer.network(None, collapses=False)
    elif depth is not None:
        shown = viewer.network(depth, collapses=True)
    else:
        fitting = (one for one in viewer.ever_smaller() if boxes(one) <= MOST_BOXES)
        shown = next(fitting, None) or viewer.network(1, collapses=True)
    if (count := boxes(shown)) > LARGEST:
        raise _too_large(outlined, count, depth, opened)
    return shown


def _with_those_around(paths: Iterable[str]) -> Iterator[str]:
    """Paths, and the paths of the groups around them, which have to be open too."""
    for path in paths:
        while path:
            yield path
            path = path.rpartition(".")[0]


def check_paths(outlines: Sequence[Outline], opened: Collection[str]) -> None:
    """Reports paths to open that are groups of none of the networks.

    Raises:
        UserError: naming the path that was probably meant.
    """
    parts = [part for one in outlines for part in _parts(one.root) if part.path]
    groups = {part.path for part in parts if not part.is_layer}
    layers = {part.path for part in parts if part.is_layer}
    names = ", ".join(quoted(one.graph.name) for one in outlines)
    for path in opened:
        if path == ALL or path in groups:
            continue
        if path in layers:
            raise argument_problem("--open", f"{quoted(path)} is one layer, and there is nothing in it to open")
        if not groups:
            raise argument_problem("--open", f"no part of {names} is {quoted(path)}: its layers form no groups")
        message = f"no part of {names} is {quoted(path)}{did_you_mean(path, groups)}"
        raise argument_problem("--open", f"{message}{'' if message.endswith('?') else '.'} 'all' opens everything")


def _parts(part: Part) -> Iterator[Part]:
    yield part
    for child in part.children:
        yield from _parts(child)


def _too_large(outlined: Outline, count: int, depth: int | None, opened: Collection[str]) -> UserError:
    """The error for a drawing that is too large, with what to leave out."""
    number = counted(count, "box", "boxes")
    message = f"the drawing of {quoted(outlined.graph.name)} has {number}; the limit is {LARGEST:,}"
    if opened:
        return argument_problem("--open", f"{message}. Open fewer parts, each by its path: repeats are then drawn once")
    if depth is not None and depth > 1:
        return argument_problem("--depth", f"{message}. Fold more of it, with --depth {depth - 1}")
    return argument_problem("SPEC", f"{message}. Name groups of its layers with sequence, which are drawn as one box")


@dataclass
class _Viewer:
    """Makes views of one network."""

    outlined: Outline
    opened: frozenset[str]
    marks: Marks
    levels: int = field(init=False)

    def __post_init__(self) -> None:
        self.levels = _levels(self.outlined.root)

    def ever_smaller(self) -> Iterator[View]:
        """The views of the network from the most detailed that may fit to the one with the fewest boxes."""
        if sum(part.is_layer and not part.is_merge for part in _parts(self.outlined.root)) <= MOST_BOXES:
            yield self.network(None, collapses=False)
        for depth in (None, *range(self.levels - 1, 0, -1)):
            yield self.network(depth, collapses=True)

    def network(self, depth: int | None, collapses: bool) -> View:
        levels = self.levels if depth is None else depth
        return self.view(self.outlined.root, (self.outlined.root,), levels, collapses)

    def view(self, part: Part, copies: Sequence[Part], levels: int, collapses: bool) -> View:
        """The view of equal parts, with `levels` levels of groups open."""
        paths = tuple(one.path for one in copies)
        last = copies[-1]
        if part.is_layer or (levels < 1 and part.path not in self.opened):
            return View(part, paths, stop=last.stop, exit=last.exit)
        groups = list(self.repeats(part.children) if collapses else ([child] for child in part.children))
        children = tuple(self.view(group[0], group, levels - 1, collapses) for group in groups)
        return View(part, paths, children, self.edges(part, children), last.stop, last.exit)

    # -- repeats -----------------------------------------------------------------------------------------------------

    def repeats(self, parts: Sequence[Part]) -> Iterator[list[Part]]:
        """Consecutive parts in groups of equal ones."""
        group: list[Part] = []
        for part in parts:
            if group and self.are_alike(group[-1], part):
                group.append(part)
                continue
            if group:
                yield group
            group = [part]
        if group:
            yield group

    def are_alike(self, first: Part, second: Part) -> bool:
        """Whether a part does with the output of the one before it what that does with its own input, and nothing else
        enters or leaves either, so that the two can be drawn as copies of one."""
        consumers = self.outlined.graph.consumers
        size = first.stop - first.start
        if second.stop - second.start != size or second.start != first.stop or second.entry != first.exit:
            return False
        if first.path in self.opened or second.path in self.opened or first.is_merge:
            return False
        if first.shape_in != second.shape_in or consumers[first.exit][-1] >= second.stop:
            return False
        return all(self._are_alike(first, second, offset) for offset in range(size)) and all(
            node == part.exit or all(taker < part.stop for taker in consumers[node])
            for part in (first, second)
            for node in range(part.start, part.stop)
        )

    def _are_alike(self, first: Part, second: Part, offset: int) -> bool:
        a, b = (self.outlined.graph.nodes[part.start + offset] for part in (first, second))
        if (a.op is not b.op and a.op != b.op) or a.shape != b.shape or len(a.inputs) != len(b.inputs):
            return False
        names = a.name.removeprefix(first.path), b.name.removeprefix(second.path)
        if names[0] != names[1] or mark_of(a.name, self.marks) != mark_of(b.name, self.marks):
            return False
        return all(
            (i - first.start == j - second.start) if i >= first.start else (i == first.entry and j == second.entry)
            for i, j in zip(a.inputs, b.inputs, strict=True)
        )

    # -- edges -------------------------------------------------------------------------------------------------------

    def edges(self, part: Part, children: Sequence[View]) -> tuple[Edge, ...]:
        """The edges of the graph between the children of a part, and to and from what is around it. A child has each
        tensor once, or where that is not its main input, once for each box in it that takes the tensor."""
        nodes = self.outlined.graph.nodes
        starts = [child.part.start for child in children]
        found: dict[tuple[int, int, int, int], Edge] = {}
        for target, child in enumerate(children):
            for consumer in range(child.part.start, child.part.stop):  # the first copy takes what comes from outside
                for tensor in nodes[consumer].inputs:
                    source = bisect_right(starts, tensor) - 1 if tensor >= part.start else ENTRY
                    if source != target:
                        inside = 0 if tensor == child.part.entry else _box_of(child, consumer)
                        found.setdefault((source, target, tensor, inside), Edge(source, target, tensor, consumer))
        leaving = Edge(bisect_right(starts, part.exit) - 1, len(children), part.exit, part.stop)
        return (*found.values(), leaving)


def _box_of(view: View, node: int) -> int:
    """The position of the first node of the box, in a view, that a node belongs to."""
    while view.children:
        starts = [child.part.start for child in view.children]
        view = view.children[bisect_right(starts, node) - 1]
    return view.part.start


def _levels(part: Part) -> int:
    """How many levels of groups a part has, itself included; 0 for a layer."""
    return 0 if part.is_layer else 1 + max(map(_levels, part.children))

"""Pairs a file's layers with a network's: by kind, size and order, then by wiring and names, and never by a guess."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from builder.weights import names
from builder.weights.units import NORMS, Unit, Units

Before = Callable[[int, int], bool]
"""Whether one position certainly comes before another."""

WIRING_DEPTH = 4
"""How many layers back the wiring is compared."""


@dataclass
class Pairing:
    """Which layers belong together, by position here and there.

    Attributes:
        pairs: for a position here, the position there.
        ties: positions here, and as many there, among which nothing decides.
    """

    pairs: dict[int, int] = field(default_factory=dict)
    ties: list[tuple[list[int], list[int]]] = field(default_factory=list)

    @property
    def size(self) -> int:
        """How many layers here have a partner, or several to choose from."""
        return len(self.pairs) + sum(len(ours) for ours, _ in self.ties)


def pair(here: Units, there: Units, given: Mapping[int, int], skipped: frozenset[int] = frozenset()) -> Pairing:
    """Pairs a network's layers with a file's.

    1. A normalisation is tied to the layer before it, by the wiring or else by names, and is paired as that layer is.
       Normalisations are paired on their own in two cases: the file has no wiring and some normalisation of the network
       follows no layer (`bn1` may then come before `conv1`); or only so does every layer find a partner. What the
       network has no normalisation like, such as the class weights of a loss, is none.
    2. Layers of one kind and size, and with the same kind of normalisation, are alternatives to each other. If there
       are as many there as here, they are paired: by name if all names are the same, else in order, as far as the order
       is certain on both sides. In a network it is certain where one layer feeds the other; in a file, where it has
       wiring, or where numbers in the names and the order of definition do not contradict each other.
    3. Layers without an order between them, such as the branches of a block, are paired by what feeds them, if the file
       has wiring, and then by their names; see `names.agreeing`. What remains is a tie.

    Args:
        given: pairs that are known.
        skipped: positions here that need no partner.
    """
    needed = len(here.units) - len(skipped)
    ours, theirs = _norms_by_wiring(here), norms_of(_without_strange_norms(here, there))
    apart = _pair(here, there, given, skipped, {}, {}, alike=True)
    if there.upstream is None and any(u.kind in NORMS and i not in ours.values() for i, u in enumerate(here.units)):
        return apart
    together = _pair(here, there, given, skipped, ours, theirs, alike=True)
    if together.size == needed:
        return together
    if apart.size == needed:
        return apart
    mixed = _pair(here, there, given, skipped, ours, theirs, alike=False)
    return max(together, mixed, key=lambda pairing: pairing.size)


def _pair(
    here: Units,
    there: Units,
    given: Mapping[int, int],
    skipped: frozenset[int],
    norms_here: Mapping[int, int],
    norms_there: Mapping[int, int],
    alike: bool,
) -> Pairing:
    """Pairs layers, each with its normalisation.

    Args:
        norms_here: for a layer's position, the position of the normalisation that is tied to it.
        alike: whether only layers with the same kind of normalisation are alternatives to each other.
    """
    result = Pairing(dict(given))
    classes: dict[Hashable, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    sides = ((here, norms_here, {*given, *skipped}), (there, norms_there, {*given.values()}))
    for side, (units, norms, done) in enumerate(sides):
        tied = set(norms.values())
        for index, unit in enumerate(units.units):
            if index not in done and index not in tied and unit.kind != "other":
                norm = units.units[norms[index]].kind if alike and index in norms else None
                classes[unit.kind, unit.size, norm][side].append(index)
    for ours, theirs in classes.values():
        _pair_class(here, there, ours, theirs, result)
    for a, b in list(result.pairs.items()):
        if a in norms_here and b in norms_there:
            result.pairs.setdefault(norms_here[a], norms_there[b])
    for ours, theirs in list(result.ties):
        if all(a in norms_here for a in ours) and all(b in norms_there for b in theirs):
            result.ties.append(([norms_here[a] for a in ours], [norms_there[b] for b in theirs]))
    return result


def _pair_class(here: Units, there: Units, ours: list[int], theirs: list[int], result: Pairing) -> None:
    """Pairs layers that are alternatives to each other."""
    by_name = {there.units[index].name: index for index in theirs}
    same = {index: by_name[here.units[index].name] for index in ours if here.units[index].name in by_name}
    if len(ours) != len(theirs) or len(same) == len(ours):
        result.pairs |= same
        return
    before_here, before_there = before(here), before(there)
    if not there.in_order:
        theirs = sorted(theirs, key=lambda index: names.natural_key(names.tokens(there.units[index].name)))
    for a, b in _segments(ours, theirs, before_here, before_there):
        pairs = _decide(here, there, a, b)
        if pairs is None:
            result.ties.append((a, b))
        else:
            result.pairs |= pairs


def _segments(
    ours: list[int], theirs: list[int], before_here: Before, before_there: Before
) -> Iterator[tuple[list[int], list[int]]]:
    """Cuts two lists of one length wherever, on both sides, all before the cut come before all after it."""
    start = 0
    for cut in range(1, len(ours) + 1):
        if cut == len(ours) or (_divides(ours, start, cut, before_here) and _divides(theirs, start, cut, before_there)):
            yield ours[start:cut], theirs[start:cut]
            start = cut


def _divides(positions: list[int], start: int, cut: int, precedes: Before) -> bool:
    return all(precedes(a, b) for a in positions[start:cut] for b in positions[cut:])


def before(units: Units) -> Before:
    """The part of the layers' order that is certain."""
    if units.upstream is not None:
        return lambda a, b: bool(units.ancestors[b] >> a & 1)
    words = [names.tokens(unit.name) for unit in units.units]
    if units.in_order:
        return lambda a, b: a < b and not names.earlier(words[b], words[a])
    return lambda a, b: names.earlier(words[a], words[b])


def _decide(here: Units, there: Units, ours: list[int], theirs: list[int]) -> dict[int, int] | None:
    """Pairs alternatives without an order, if what feeds them or their names decide."""
    if len(ours) == 1:
        return {ours[0]: theirs[0]}
    for depth in range(1, WIRING_DEPTH + 1) if there.upstream is not None else ():
        fed_here = {here.signature(index, depth): index for index in ours}
        fed_there = {there.signature(index, depth): index for index in theirs}
        if len(fed_here) == len(ours) and fed_here.keys() == fed_there.keys():
            return {fed_here[key]: fed_there[key] for key in fed_here}
    agreed = names.agreeing([here.units[i].name for i in ours], [there.units[i].name for i in theirs])
    return None if agreed is None else {ours[a]: theirs[b] for a, b in agreed.items()}


# -- normalisations --------------------------------------------------------------------------------------------------


def _without_strange_norms(here: Units, there: Units) -> Units:
    """The file's layers, in which those that are like no normalisation of the network count as no normalisation."""
    known = {_likeness(unit) for unit in here.units if unit.kind in NORMS}
    return replace(
        there,
        units=tuple(
            replace(unit, kind="other") if unit.kind in NORMS and _likeness(unit) not in known else unit
            for unit in there.units
        ),
    )


def _likeness(unit: Unit) -> tuple[object, ...]:
    """Kind and size of a normalisation, and whether it is a factor alone, as the class weights of a loss look like."""
    return unit.kind, unit.size, unit.tensors.keys() == {"gamma"}


def norms_of(units: Units) -> dict[int, int]:
    """The normalisation that follows each layer with a kernel, where there is one."""
    return _norms_by_wiring(units) if units.upstream is not None else _norms_by_names(units)


def _norms_by_wiring(units: Units) -> dict[int, int]:
    assert units.upstream is not None
    found: dict[int, list[int]] = defaultdict(list)
    for index, unit in enumerate(units.units):
        fed = units.upstream[index]
        if unit.kind in NORMS and len(fed) == 1 and _may_follow(units, fed[0], index):
            found[fed[0]].append(index)
    return {kernel: norms[0] for kernel, norms in found.items() if len(norms) == 1}


def _norms_by_names(units: Units) -> dict[int, int]:
    """Ties a normalisation to the layer that its name says, else to the one before it in a list, else to the one that
    is defined before it."""
    words = [names.tokens(unit.name) for unit in units.units]
    parents = [unit.name.rpartition(".")[0] for unit in units.units]
    rules: list[Before] = [
        lambda kernel, norm: names.belongs(words[norm], words[kernel]),
        lambda kernel, norm: parents[kernel] == parents[norm] and names.next_in_list(words[norm], words[kernel]),
    ]
    if units.in_order:
        rules.append(lambda kernel, norm: norm == kernel + 1)
    tied: dict[int, int] = {}
    for rule in rules:
        kernels = [i for i, unit in enumerate(units.units) if unit.kind == "kernel" and i not in tied]
        norms = [i for i, unit in enumerate(units.units) if unit.kind in NORMS and i not in tied.values()]
        tied |= _unique_pairs(kernels, norms, partial(_fits, units, rule))
    return tied


def _unique_pairs(first: Sequence[int], second: Sequence[int], fit: Before) -> dict[int, int]:
    """The pairs in which neither fits any other."""
    partners = {a: [b for b in second if fit(a, b)] for a in first}
    claims: dict[int, int] = defaultdict(int)
    for found in partners.values():
        for b in found:
            claims[b] += 1
    return {a: found[0] for a, found in partners.items() if len(found) == 1 and claims[found[0]] == 1}


def _fits(units: Units, rule: Before, kernel: int, norm: int) -> bool:
    defined_later = kernel < norm or not units.in_order
    return defined_later and _may_follow(units, kernel, norm) and rule(kernel, norm)


def _may_follow(units: Units, kernel: int, norm: int) -> bool:
    return units.units[kernel].kind == "kernel" and units.units[kernel].size[-1] == units.units[norm].size[-1]

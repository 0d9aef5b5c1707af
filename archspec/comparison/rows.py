"""The differences of two networks as rows of a table, in which what several parts have in common is said once."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from archspec.comparison.differences import Difference, without_numbers
from archspec.comparison.fields import Change
from archspec.drawing.marks import ADDED, CHANGED, REMOVED, SIGNS, UNCHANGED
from archspec.drawing.outline import Part
from archspec.wording import counted

LONGEST = 100
"""Characters: the parts of a group are reported in its own row if that takes no more."""
FEW = 3
"""As many layers of a kind have to have a change in common for it to be reported once for all of them."""
MOST_LAYERS = 0.8
"""As large a share of all layers of that kind."""
VISIBLE = 0.005
"""The share of a total that three digits of it show."""
PLAIN_KINDS = ("sequence", "repeat", "parallel", "residual", "towers")
"""Words for how layers are arranged, which say less of a group than the number of its layers."""
COUNTS = ("parameters", "macs", "memory")


@dataclass(frozen=True, slots=True)
class Row:
    """One difference, or several that are alike.

    Attributes:
        sign: `+`, `−` or `~` for what was added, removed or changed; empty for all the rest.
        part: the path of the part, or what it is.
        what: the difference in words.
        parameters, macs, memory: their differences.
        fields: the receptive fields of what leaves the part, before and after; None where it is not there.
    """

    sign: str
    part: str
    what: str
    parameters: int
    macs: int
    memory: int
    fields: tuple[tuple[int, int] | None, tuple[int, int] | None] = (None, None)


def rows(root: Difference) -> list[Row]:
    """The rows. Their numbers add up to those of the whole network, but for what is too little to be seen in that."""
    reporter = _Reporter(root)
    found_rows = list(reporter.rows(root.children, ""))
    covered = {id(leaf) for _, parts in found_rows for part in parts for leaf in leaves(part)}
    rest = [leaf for leaf in leaves(root) if id(leaf) not in covered]
    found = [
        Row("~", one.field, f"{one.before} → {one.after}", 0, 0, 0) for one in root.changes if one.field == "input"
    ]
    for (kind, words), changes in reporter.common.items():
        ours = [leaf for leaf in rest if _kind(leaf) == kind and leaf.status == CHANGED]
        rest = [leaf for leaf in rest if _kind(leaf) != kind or leaf.status != CHANGED]
        found.append(Row("~", words, _in_words(changes), *_deltas(ours)))
    found += [row for row, _ in found_rows]
    deltas, totals = _deltas(rest), _deltas(leaves(root))
    if any(abs(delta) > VISIBLE * abs(total) for delta, total in zip(deltas, totals, strict=True)):
        found.append(Row("", "rest", "equal layers, other shapes", *deltas))
    return found


def leaves(difference: Difference) -> Iterator[Difference]:
    """The innermost differences: of layers, and of groups that are only in one of the networks."""
    if not difference.children:
        yield difference
    for child in difference.children:
        yield from leaves(child)


def _deltas(parts: Iterable[Difference]) -> tuple[int, int, int]:
    found = [[part.delta(count) for count in COUNTS] for part in parts]
    parameters, macs, memory = (sum(column) for column in zip(*found, strict=True)) if found else (0, 0, 0)
    return parameters, macs, memory


def _kind(difference: Difference) -> str | None:
    """The word for a layer that is in both networks, where its operation is of one kind."""
    before, after = difference.before, difference.after
    if before is None or after is None or not (before.is_layer and after.is_layer):
        return None
    return after.ops[0].kind if before.ops[0].kind == after.ops[0].kind else None


def _in_words(changes: Iterable[Change]) -> str:
    return ", ".join(map(str, changes))


NONE = Change("", None, None)


class _Reporter:
    """Says what became of parts, but for the changes that all layers of a kind have in common."""

    def __init__(self, root: Difference):
        pairs = [(kind, leaf) for leaf in leaves(root) if (kind := _kind(leaf)) is not None]
        totals = Counter(kind for kind, _ in pairs)
        found = Counter((kind, change) for kind, leaf in pairs for change in leaf.changes)
        self.common: dict[tuple[str, str], list[Change]] = {}
        for (kind, change), count in found.items():
            if count >= max(FEW, MOST_LAYERS * totals[kind]) and not change.field.startswith("input"):
                words = f"every {kind}" if count == totals[kind] else f"{count:,} of {totals[kind]:,} {kind}"
                self.common.setdefault((kind, words), []).append(change)
        self.common_changes = {(kind, change) for (kind, _), changes in self.common.items() for change in changes}
        self.texts: dict[int, str] = {}

    def rows(self, children: Sequence[Difference], prefix: str) -> Iterator[tuple[Row, list[Difference]]]:
        """A row for each difference, or run of equal ones, with what it covers; a group that takes too many words is
        reported part by part."""
        for run in self.runs(children):
            text = self.what(run[0])
            first, last = run[0], run[-1]
            if len(run) == 1 and first.children and len(text) > LONGEST and not self.repeated(first.children):
                yield from self.rows(first.children, f"{prefix}{first.part.label}.")
                continue
            what = text if len(run) == 1 else f"{text} each" if "(" in text else f"{len(run)} × {text}"
            fields = (
                last.before.field if last.before is not None else None,
                last.after.field if last.after is not None else None,
            )
            yield Row(SIGNS[first.status], prefix + _labels(run), what, *_deltas(run), fields), run

    def runs(self, children: Sequence[Difference]) -> Iterator[list[Difference]]:
        """The differences to report, those side by side with the same words together."""

        def words(child: Difference) -> tuple[str, str, str] | None:
            if not self.is_reported(child):
                return None
            return child.status, without_numbers(child.part), self.what(child)

        for key, run in itertools.groupby(children, words):
            if key is not None:
                yield list(run)

    def is_reported(self, difference: Difference) -> bool:
        """Whether there is something to report that not all layers of the kind have in common."""
        if difference.status != CHANGED:
            return difference.status != UNCHANGED
        return bool(self.own(difference)) or any(map(self.is_reported, difference.children))

    def own(self, difference: Difference) -> list[Change]:
        kind = _kind(difference)
        return [change for change in difference.changes if (kind, change) not in self.common_changes]

    # -- in words ------------------------------------------------------------------------------------------------------

    def what(self, difference: Difference) -> str:
        """What became of a part, without its name."""
        if id(difference) not in self.texts:
            self.texts[id(difference)] = self._what(difference)
        return self.texts[id(difference)]

    def _what(self, difference: Difference) -> str:
        if difference.status in (ADDED, REMOVED):
            return described(difference)
        own = [_in_words(self.own(difference))] if self.own(difference) else []
        if not difference.children:
            return ", ".join(own)
        if _is_other_block(difference):
            inner = " → ".join(str(kind) for kind in difference.kinds)
        else:
            inner = self.repeated(difference.children) or self.pieces(difference.children)
        return ", ".join(filter(None, [*own, inner]))

    def repeated(self, children: Sequence[Difference]) -> str:
        """What became of a stage: a group of blocks with the same differences; empty for any other."""
        if len({without_numbers(child.part) for child in children}) > 1 or any(
            child.part.is_layer for child in children
        ):
            return ""
        before = sum(child.before is not None for child in children)
        after = sum(child.after is not None for child in children)
        both = [child for child in children if child.status in (CHANGED, UNCHANGED)]
        alone = [child for child in children if child.status in (ADDED, REMOVED)]
        texts = {self.what(child) if self.is_reported(child) else "" for child in both}
        kinds = {child.kinds[child.status == ADDED] for child in alone}
        if max(before, after) < 2 or len(texts) != 1:
            return ""
        (text,) = texts
        count = _parts(after, children[0].part)
        count = count if before == after else f"{before} → {count}"
        is_switch = bool(text) and _is_other_block(both[0])
        if is_switch and kinds <= {both[0].kinds[alone[0].status == ADDED] if alone else None}:
            return f"{count}, {text}"
        if alone and (text or len(kinds) > 1):
            return ""
        kind = next(iter(kinds), None)
        named = f" ({kind})" if kind is not None and kind not in PLAIN_KINDS else ""
        return f"{count}: {text}" if text else f"{count}{named}"

    def pieces(self, children: Sequence[Difference]) -> str:
        """What became of each part of a group."""
        found: list[str] = []
        for run in self.runs(children):
            if found and all(change.field.startswith("input") for one in run for change in one.changes or [NONE]):
                continue  # what arrives has changed with the part before it
            text, sign = self.what(run[0]), SIGNS[run[0].status]
            labels = _labels(run)
            if run[0].status != CHANGED:
                part = run[0].part
                text = part.ops[0].label() if part.is_layer else text
                is_said = text.split(" ")[0] == without_numbers(part).strip("#")
                words = text if is_said and len(run) == 1 else f"{labels} {text}"
                found.append(f"{sign} {f'{len(run)} × {text} ({labels})' if len(run) > 1 else words}")
            else:
                found.append(f"{labels}{':' if run[0].children else ''} {text}")
        is_short = not any(mark in piece for piece in found for mark in ",:")
        return (", " if is_short else "; ").join(found)


def _is_other_block(difference: Difference) -> bool:
    """Whether a block or structure is another one than before, of the same name."""
    before, after = difference.kinds
    return None not in (before, after) and before != after


def _labels(run: Sequence[Difference]) -> str:
    """The names of parts side by side: `block2`, or `block2–block6`."""
    first, last = run[0].part.label, run[-1].part.label
    return first if len(run) == 1 else f"{first}\N{EN DASH}{last}"


def _parts(count: int, one: Part) -> str:
    """A count of parts by the name that they share but for its number: `3 blocks`."""
    noun = without_numbers(one).strip("#_-")
    noun = noun if noun and "#" not in noun else "part"
    return counted(count, noun, f"{noun}es" if noun.endswith(("ch", "sh", "s", "x")) else "")


def described(difference: Difference) -> str:
    """A part that is in one of the networks, in a few words: `conv 3x3/2 +2, 64 filters` with the two layers that are
    declared on it, `bottleneck`, or `3 blocks (bottleneck)`."""
    part, kind = difference.part, difference.kinds[difference.status == ADDED]
    if part.is_layer:
        op = part.ops[0]
        declared = f" +{len(part.ops) - 1}" if len(part.ops) > 1 else ""
        sizes = (f", {getattr(op, name):,} {name}" for name in ("filters", "units") if hasattr(op, name))
        return f"{op.label()}{declared}{next(sizes, '')}"
    if kind is not None and kind not in PLAIN_KINDS:
        return kind
    kinds = {(without_numbers(child.part), child.kinds[child.status == ADDED]) for child in difference.children}
    if len(kinds) == 1 and len(difference.children) > 1:
        ((_, inner),) = kinds
        if inner is not None and inner not in PLAIN_KINDS:
            return f"{_parts(len(difference.children), difference.children[0].part)} ({inner})"
    return counted(part.stop - part.start, "layer")

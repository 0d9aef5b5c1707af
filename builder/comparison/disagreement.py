"""Where two trained networks disagree: the pictures of one evaluation on which exactly one of them is right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

from archspec.errors import UserError
from builder.comparison.record import Record
from builder.comparison.significance import LEVEL, mcnemar
from builder.runs.evaluations import Evaluated

Call = Callable[[Record], str]
"""What a run is called."""
FIRST = "centre"
"""The way to test that is compared where both runs have it; else the first by its name that both have."""
SHOWN = 12
"""How many pictures are shown on which only the first is right, and as many on which only the second is."""


@dataclass(frozen=True, eq=False)
class Disagreement:
    """Two runs picture by picture.

    Attributes:
        first, second: the runs.
        tested: their evaluations.
        both, first_alone, second_alone, neither: how many pictures are recognised by whom.
        p: of McNemar's exact test.
    """

    first: Record
    second: Record
    tested: tuple[Evaluated, Evaluated]
    both: int
    first_alone: int
    second_alone: int
    neither: int
    p: float

    @property
    def pictures(self) -> int:
        """How many pictures both were tested on."""
        return self.both + self.first_alone + self.second_alone + self.neither

    @property
    def differs(self) -> bool:
        """Whether the two would differ on other pictures of this kind too, as far as the test can say."""
        return self.p < 1 - LEVEL

    @property
    def better(self) -> Record | None:
        """The one that recognises more pictures, where the test tells the two apart."""
        if not self.differs:
            return None
        return self.first if self.first_alone > self.second_alone else self.second

    def pictures_of(self, is_first: bool) -> list[int]:
        """The numbers of the pictures on which one run alone is right, first those on which the other is surest of its
        mistake."""
        right, wrong = (one.predictions for one in (self.tested if is_first else self.tested[::-1]))
        alone = [
            number for number, pair in enumerate(zip(right.right, wrong.right, strict=True)) if pair == (True, False)
        ]
        return sorted(alone, key=lambda number: (-wrong.probabilities[number], number))


def disagreements(records: Sequence[Record], call: Call) -> tuple[list[Disagreement], list[str]]:
    """All pairs of runs that were evaluated on the same pictures, and why others that were evaluated cannot be
    compared, in words."""
    found = []
    others: dict[str, None] = {}
    for first, second in combinations([one for one in records if one.tested], 2):
        try:
            pair = compared(first, second, call)
        except UserError as error:
            others[str(error)] = None
            continue
        if isinstance(pair, str):
            others[pair] = None
        else:
            found.append(pair)
    return found, list(others)


def compared(first: Record, second: Record, call: Call) -> Disagreement | str:
    """Two runs picture by picture, or why they cannot be compared. It depends on these two alone.

    Raises:
        FileError: the predictions of one cannot be read.
    """
    mine, theirs = ({one.scheme: one for one in record.tested} for record in (first, second))
    schemes = sorted(mine.keys() & theirs.keys(), key=lambda name: (name != FIRST, name))
    if not schemes:
        return (
            f"{call(first)} was tested as {', '.join(mine)} and {call(second)} as {', '.join(theirs)}: evaluate both "
            "with the same --crops"
        )
    same = [name for name in schemes if mine[name].fingerprint == theirs[name].fingerprint]
    if not same:
        return (
            f"{call(first)} and {call(second)} were evaluated on different pictures: {mine[schemes[0]].data} and "
            f"{theirs[schemes[0]].data}, whose fingerprints differ"
        )
    pair = mine[same[0]], theirs[same[0]]
    predictions = [one.predictions for one in pair]
    if (predictions[0].pictures, predictions[0].labels) != (predictions[1].pictures, predictions[1].labels):
        return (
            f"{call(first)} and {call(second)} were evaluated on different pictures, although their data are the same"
        )
    right = list(zip(predictions[0].right, predictions[1].right, strict=True))
    alone, other = right.count((True, False)), right.count((False, True))
    both, neither = right.count((True, True)), right.count((False, False))
    return Disagreement(first, second, pair, both, alone, other, neither, mcnemar(alone, other))


def p_text(p: float) -> str:
    """A p-value for people. Floats have none below 1e-308; a p-value is never zero."""
    return "< 1e-99" if p < 1e-99 else f"{p:.1e}" if p < 0.001 else f"{p:.3f}"

"""Alignment of two sequences: which items of one stand for which of the other, in order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from difflib import SequenceMatcher
from typing import TypeVar

Item = TypeVar("Item")
Aligned = list[tuple[Item | None, Item | None]]
"""Pairs of items that stand for each other; None beside one that has no counterpart."""

MOST_CELLS = 250_000
"""The most pairs that are scored, two sequences of 500; longer ones are aligned by their equal items alone."""


def aligned(
    before: Sequence[Item],
    after: Sequence[Item],
    keys: tuple[Sequence[object], Sequence[object]],
    score: Callable[[Item, Item], float],
) -> Aligned[Item]:
    """The pairs with the highest sum of scores (Needleman and Wunsch 1970), an item without a counterpart counting 0.

    Of equally good alignments, it is the one whose pairs stand first, so that of repeated items the last are left over.

    Args:
        before: a sequence.
        after: another.
        keys: for the items of each, keys that equal ones share.
        score: how well two items stand for each other; 0 or less where they must not.
    """
    start, end, shorter = 0, 0, min(len(before), len(after))
    while start < shorter and keys[0][start] == keys[1][start]:
        start += 1
    while end < shorter - start and keys[0][-1 - end] == keys[1][-1 - end]:
        end += 1
    rest = before[start : len(before) - end], after[start : len(after) - end]
    if len(rest[0]) * len(rest[1]) <= MOST_CELLS:
        middle = _by_score(*rest, score)
    else:
        middle = _by_equal_items(*rest, [one[start : len(one) - end] for one in keys], score)
    return [
        *zip(before[:start], after[:start], strict=True),
        *middle,
        *zip(before[len(before) - end :], after[len(after) - end :], strict=True),
    ]


def _by_score(
    before: Sequence[Item],
    after: Sequence[Item],
    score: Callable[[Item, Item], float],
) -> Aligned[Item]:
    """The best alignment, found from the end."""
    rows, columns = len(before), len(after)
    scores = [[score(a, b) for b in after] for a in before]
    best = [[0.0] * (columns + 1) for _ in range(rows + 1)]
    for row in reversed(range(rows)):
        for column in reversed(range(columns)):
            together = scores[row][column] + best[row + 1][column + 1] if scores[row][column] > 0 else 0.0
            best[row][column] = max(together, best[row + 1][column], best[row][column + 1])
    pairs: Aligned[Item] = []
    row = column = 0
    while row < rows and column < columns:
        here = scores[row][column]
        if here > 0 and best[row][column] == here + best[row + 1][column + 1]:
            pairs.append((before[row], after[column]))
            row, column = row + 1, column + 1
        elif best[row][column] == best[row + 1][column]:
            pairs.append((before[row], None))
            row += 1
        else:
            pairs.append((None, after[column]))
            column += 1
    return [*pairs, *((one, None) for one in before[row:]), *((None, one) for one in after[column:])]


def _by_equal_items(
    before: Sequence[Item],
    after: Sequence[Item],
    keys: Sequence[Sequence[object]],
    score: Callable[[Item, Item], float],
) -> Aligned[Item]:
    """An alignment whose pairs are equal; between them, items at the same distance stand for each other if they can."""
    pairs: Aligned[Item] = []
    opcodes = SequenceMatcher(None, keys[0], keys[1], autojunk=False).get_opcodes()
    for kind, first, last, other_first, other_last in opcodes:
        left, right = before[first:last], after[other_first:other_last]
        both = min(len(left), len(right))
        for a, b in zip(left, right, strict=False):
            pairs += [(a, b)] if kind == "equal" or score(a, b) > 0 else [(a, None), (None, b)]
        pairs += [*((one, None) for one in left[both:]), *((None, one) for one in right[both:])]
    return pairs

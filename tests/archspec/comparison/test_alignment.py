"""Alignments of sequences: pairs in order, everything once, equal things together."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from archspec.comparison import alignment
from archspec.comparison.alignment import aligned
from tests.randomised import examples

words = st.lists(st.sampled_from("abcd"), max_size=8)


def pairs(before: list[str], after: list[str]) -> list[tuple[str | None, str | None]]:
    return aligned(before, after, (before, after), lambda a, b: 2 if a == b else 1 if a.lower() == b.lower() else 0)


def test_what_was_inserted_and_what_is_similar():
    assert pairs([*"abd"], [*"abcd"]) == [("a", "a"), ("b", "b"), (None, "c"), ("d", "d")]
    assert pairs([*"abc"], [*"aBc"]) == [("a", "a"), ("b", "B"), ("c", "c")]
    assert pairs([*"ax"], [*"ya"]) == [(None, "y"), ("a", "a"), ("x", None)]


def test_of_repeats_the_last_are_left_over():
    assert pairs([*"aab"], [*"aaaab"]) == [("a", "a"), ("a", "a"), (None, "a"), (None, "a"), ("b", "b")]


def longest_common(before: list[str], after: list[str]) -> int:
    """The length of the longest common subsequence, by its definition."""
    if not before or not after:
        return 0
    if before[0] == after[0]:
        return 1 + longest_common(before[1:], after[1:])
    return max(longest_common(before[1:], after), longest_common(before, after[1:]))


@examples(100)
@given(words, words)
def test_as_many_pairs_as_possible(before: list[str], after: list[str]):
    found = pairs(before, after)
    assert [a for a, _ in found if a is not None] == before
    assert [b for _, b in found if b is not None] == after
    assert all(None in pair or pair[0] == pair[1] for pair in found)
    assert sum(None not in pair for pair in found) == longest_common(before, after)


@examples(50)
@given(words, words)
def test_long_sequences_are_aligned_by_equal_items(before: list[str], after: list[str]):
    most, alignment.MOST_CELLS = alignment.MOST_CELLS, 0
    try:
        found = pairs(before, after)
    finally:
        alignment.MOST_CELLS = most
    assert [a for a, _ in found if a is not None] == before
    assert [b for _, b in found if b is not None] == after
    assert all(None in pair or pair[0] == pair[1] for pair in found)

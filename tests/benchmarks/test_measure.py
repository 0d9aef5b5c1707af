"""What the benchmarks count: the least time of overlapping work, and what ratios say for sure."""

import math

import pytest

from benchmarks.measure import Cost, Ratio, cost, decided, overlapped


@pytest.mark.parametrize(
    ("cores", "least"),
    [
        (2, 5.5),  # the step keeps both cores busy, so that reading costs what it costs
        (4, 5.0),  # two cores are left over for reading
    ],
)
def test_work_overlaps_as_far_as_the_cores_allow(cores, least):
    step, reading = Cost(seconds=5.0, core_seconds=10.0), Cost(seconds=1.0, core_seconds=1.0)
    assert overlapped([step, reading], cores) == least


def test_a_cost_counts_the_work_of_this_process():
    idle, busy = cost(lambda: __import__("time").sleep(0.05)), cost(lambda: sum(range(2_000_000)))
    assert idle.seconds >= 0.05 and idle.core_seconds < 0.04
    assert busy.core_seconds > 0.01


@pytest.mark.parametrize(("count", "rank"), [(5, 5), (10, 9), (20, 15), (40, 26)])
def test_how_high_a_median_could_be(count, rank):
    """One-sided critical values of the sign test at 5 %: 0, 1, 5 and 14 of 5, 10, 20 and 40 (Conover 1999, "Practical
    nonparametric statistics", table A3); the rank is the count without them."""
    assert Ratio(list(range(1, count + 1))).at_most == rank


def test_few_ratios_say_nothing_of_the_median():
    assert Ratio([0.5, 0.6, 0.7, 0.8]).at_most == math.inf


@pytest.mark.parametrize(
    ("ratios", "target"),
    [
        ([0.9] * 5, 0.95),  # below it for sure
        ([1.0] * 5, 0.95),
        ([0.9, 0.9, 0.9, 1.0, 1.0], None),  # the median may lie above
    ],
)
def test_a_target_counts_only_where_the_rounds_say_enough(ratios, target):
    counted, note = decided(Ratio(ratios), 0.95)
    assert counted == target
    assert bool(note) == (target is None)

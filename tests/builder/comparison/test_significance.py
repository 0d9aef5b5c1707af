"""Welch's interval and McNemar's test, against published examples and another implementation."""

import math

import pytest
import scipy.stats
from hypothesis import assume, given
from hypothesis import strategies as st

from builder.comparison.significance import Sample, mcnemar, sample, welch
from tests.randomised import examples

# Hours of sleep gained with two drugs, Cushny and Peebles 1905, from Student 1908, "The probable error of a mean",
# Biometrika 6, as R's data set `sleep` has them.
DRUGS = (
    [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0],
    [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4],
)
VALUES = st.lists(st.floats(0, 1).map(lambda value: round(value, 6)), min_size=2, max_size=8)


def test_welch_is_that_of_r():
    """`t.test(extra ~ group, data = sleep)` in R's documentation: t = -1.8608, df = 17.776, p = 0.07939, 95 percent
    confidence interval -3.3654832 to 0.2054832."""
    found = welch(*DRUGS)
    assert (found.low, found.high) == (pytest.approx(-3.3654832, abs=5e-8), pytest.approx(0.2054832, abs=5e-8))
    assert found.value == pytest.approx(0.75 - 2.33)
    assert found.degrees == pytest.approx(17.776, abs=5e-4) and found.p == pytest.approx(0.07939, abs=5e-6)
    assert not found.excludes_zero


@pytest.mark.filterwarnings("ignore:Precision loss occurred:RuntimeWarning")  # scipy's, of values that are all equal
@given(VALUES, VALUES)
@examples(200)
def test_welch_is_that_of_scipy(first, second):
    assume(len(set(first)) > 1 or len(set(second)) > 1)
    found = welch(first, second)
    theirs = scipy.stats.ttest_ind(first, second, equal_var=False)
    interval = theirs.confidence_interval(0.95)
    assert (found.low, found.high) == (pytest.approx(interval.low, abs=1e-9), pytest.approx(interval.high, abs=1e-9))
    assert found.p == pytest.approx(theirs.pvalue, abs=1e-9) and found.degrees == pytest.approx(theirs.df)
    assert found.excludes_zero == (found.low > 0 or found.high < 0)
    assert (found.p < 0.05) == found.excludes_zero or math.isclose(found.p, 0.05)


@given(VALUES, VALUES)
@examples(100)
def test_the_other_way_round_the_difference_has_the_other_sign(first, second):
    assume(len(set(first)) > 1 or len(set(second)) > 1)
    one, other = welch(first, second), welch(second, first)
    assert (one.value, one.low, one.high) == (-other.value, -other.high, -other.low)


@pytest.mark.parametrize(
    ("first", "second"), [([0.1], [0.2, 0.3]), ([], [0.1, 0.2]), ([0.1, 0.1], [0.2, 0.2]), ([0.1] * 3, [0.1] * 3)]
)
def test_nothing_is_said_without_a_spread(first, second):
    assert welch(first, second) is None


def test_samples():
    assert sample([]) is None and sample([0.25]) == Sample(1, 0.25, None)
    # Of 2, 4, 4, 4, 5, 5, 7, 9 the mean is 5 and the sum of squares 32; with n - 1, the deviation is sqrt(32 / 7).
    assert sample([2, 4, 4, 4, 5, 5, 7, 9]) == Sample(8, 5.0, pytest.approx(math.sqrt(32 / 7)))


@pytest.mark.parametrize(
    ("first_alone", "second_alone", "p"),
    [
        # Airway hyper-responsiveness of 21 children before and after a transplantation, table 1 of Fagerland, Lydersen
        # and Laake 2013, "The McNemar test for binary matched-pairs data", BMC Medical Research Methodology 13:91:
        # twice the probability of at most 1 of 8, 2 * (1 + 8) / 256.
        (1, 7, 18 / 256),
        (7, 1, 18 / 256),
        (0, 0, 1.0),
        (4, 4, 1.0),
        (0, 5, 2 / 32),
        (0, 6, 2 / 64),
    ],
)
def test_mcnemar(first_alone, second_alone, p):
    assert mcnemar(first_alone, second_alone) == pytest.approx(p, rel=1e-12)


@given(st.integers(0, 3000), st.integers(0, 3000))
@examples(100)
def test_mcnemar_is_the_binomial_test(first_alone, second_alone):
    count = first_alone + second_alone
    theirs = scipy.stats.binomtest(first_alone, count).pvalue if count else 1.0
    assert mcnemar(first_alone, second_alone) == pytest.approx(theirs, rel=1e-9, abs=1e-300)

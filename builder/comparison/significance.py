"""Which differences are more than chance: between groups of seeds, and between two networks on the same pictures.

The two answer different questions. An interval for the difference between two groups of runs says whether one recipe
would do better than the other with seeds that were not tried. McNemar's test of two trained networks says whether these
two would differ on other pictures of the same kind, and nothing about what another training with the same recipe would
give (Dietterich 1998, "Approximate statistical tests for comparing supervised classification learning algorithms").
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

LEVEL = 0.95
"""The share of intervals that hold the true difference, were the experiment repeated."""
FEWEST = 2
"""With fewer seeds there is no spread to judge a difference by."""


@dataclass(frozen=True)
class Sample:
    """The values of a group of runs, summarised.

    Attributes:
        count: the number of seeds.
        mean: their mean.
        deviation: their standard deviation, with n - 1 in the denominator; None of a single one.
    """

    count: int
    mean: float
    deviation: float | None


@dataclass(frozen=True)
class Difference:
    """The difference between the means of two groups, the first minus the second.

    Attributes:
        value: the difference.
        degrees: Satterthwaite's degrees of freedom.
        low, high: the ends of the interval at `LEVEL`.
        p: the probability of a difference as large, were there none.
    """

    value: float
    degrees: float
    low: float
    high: float
    p: float

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval lies on one side of zero, which is when one group may be called better."""
        return self.low > 0 or self.high < 0


def sample(values: Sequence[float]) -> Sample | None:
    """The number, mean and standard deviation of values; None of none."""
    if not values:
        return None
    deviation = statistics.stdev(values) if len(values) >= FEWEST else None
    return Sample(len(values), statistics.fmean(values), deviation)


def welch(first: Sequence[float], second: Sequence[float]) -> Difference | None:
    """The difference between two groups, whose spreads may differ, with Welch's t interval.

    Welch 1947, "The generalization of 'Student's' problem when several different population variances are involved",
    Biometrika 34; the degrees of freedom are those of Satterthwaite 1946, "An approximate distribution of estimates of
    variance components", Biometrics Bulletin 2.

    Returns:
        None where nothing can be said: a group has fewer than two values, or neither has any spread.
    """
    if min(len(first), len(second)) < FEWEST:
        return None
    from scipy.special import stdtr, stdtrit  # scipy.stats would take a second

    shares = [statistics.variance(values) / len(values) for values in (first, second)]
    error = math.sqrt(sum(shares))
    if error == 0:
        return None
    fractions = [share / sum(shares) for share in shares]
    degrees = 1 / sum(
        fraction**2 / (len(values) - 1) for fraction, values in zip(fractions, (first, second), strict=True)
    )
    value = statistics.fmean(first) - statistics.fmean(second)
    margin = float(stdtrit(degrees, (1 + LEVEL) / 2)) * error
    p = 2 * float(stdtr(degrees, -abs(value) / error))
    return Difference(value, degrees, value - margin, value + margin, p)


def mcnemar(first_alone: int, second_alone: int) -> float:
    """The exact p-value of McNemar's test: how probable so uneven a division is of the pictures on which exactly one of
    two networks is right, were each of them as likely to be right there.

    McNemar 1947, "Note on the sampling error of the difference between correlated proportions or percentages",
    Psychometrika 12; exact, from the binomial distribution, which holds for few pictures too.

    Args:
        first_alone, second_alone: the pictures on which only the first is right, and only the second.
    """
    from scipy.special import bdtr

    count = first_alone + second_alone
    return min(1.0, 2 * float(bdtr(min(first_alone, second_alone), count, 0.5))) if count else 1.0

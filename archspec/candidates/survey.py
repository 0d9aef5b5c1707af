"""A search without training: the size of its space, the share within the budget, and an estimate of the cost."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

from archspec.candidates.check import Checker, Tally, Verdict, check_values, refuse_nothing_inside
from archspec.recipe import Train
from archspec.search.section import Search
from archspec.search.space import Candidate
from archspec.spec.spec import Spec

EVERY = 5_000
"""Grids of up to this many candidates are checked completely."""
SAMPLES = 2_000
FLOPS_OF_A_MAC = 6
"""Two in the forward pass, and twice as many for the gradients of inputs and weights."""


@dataclass(frozen=True)
class Cost:
    """An estimate of what a search costs.

    Attributes:
        trainings: (number of trainings, epochs of each), one pair for every round of the tuner.
        pictures: in the training split; None where only the data set itself knows.
        flops: of all epochs of all trainings, from the candidates' average; per picture where `pictures` is None.
    """

    trainings: tuple[tuple[int, float], ...]
    pictures: int | None
    flops: float


@dataclass(frozen=True)
class Survey:
    """What is known about a search before it runs.

    Attributes:
        spec: the spec that is searched.
        search: its `search` section.
        size: the number of candidates in the grid, with ten points of each continuous range.
        every: whether the whole grid was checked; otherwise candidates were drawn at random.
        tally: counts of the candidates checked.
        network_names: the names of the space whose values can change the network.
        settings: the number of different values of these names among the candidates checked.
        own: the verdict on the spec itself.
        smallest, largest: by trainable parameters, then MACs, among the candidates within the budget; where not all
            were checked, found by changing one value after another.
        cost: None without a `train` section.
    """

    spec: Spec
    search: Search
    size: int
    every: bool
    tally: Tally
    network_names: Sequence[str]
    settings: int
    own: Verdict
    smallest: Verdict
    largest: Verdict
    cost: Cost | None

    def share(self, count: int) -> tuple[float, float, float]:
        """A count as a share of the candidates checked, and the ends of its 95 % confidence interval (Wilson 1927,
        "Probable inference"); all three are equal where the whole grid was checked."""
        n, p = self.tally.checked, count / self.tally.checked
        if self.every:
            return p, p, p
        z = 1.96
        middle = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return p, max(0.0, middle - half), min(1.0, middle + half)


def survey(spec: Spec, pictures: int | None = None, samples: int = SAMPLES, seed: int = 0) -> Survey:
    """Checks the candidates of a search: all of them if there are few, else some at random.

    Args:
        spec: a spec with a `search` section.
        pictures: in the training split, for the cost; known without it for a few data sets.
        samples: the number of candidates to draw at random where there are more than `EVERY`.
        seed: for drawing them.

    Raises:
        SpecError: no `search` section, values that are in no valid network, or no candidate within the budget.
    """
    checker = Checker(spec)
    check_values(checker)
    space = checker.search.space
    size = space.grid_size()
    every = size <= EVERY
    rng = random.Random(seed)
    drawn = space.grid() if every else (space.sample(rng) for _ in range(samples))
    tally, verdicts, settings = Tally(), [], set()
    for candidate in drawn:
        verdicts.append(tally.add(checker.check(candidate)))
        settings.add(checker.networks.network_key(candidate))
    refuse_nothing_inside(spec, tally, verdicts, every)
    inside = sorted((verdict for verdict in verdicts if verdict.inside), key=_size)
    own = checker.check(Candidate({}))
    cost = _cost(checker, spec.train, inside, pictures, every and not space.continuous) if spec.train else None
    ends = (inside[0], inside[-1]) if every else (_furthest(inside[0], -1, checker), _furthest(inside[-1], 1, checker))
    names = checker.networks.network_names
    return Survey(spec, checker.search, size, every, tally, names, len(settings), own, *ends, cost)


def _furthest(start: Verdict, sign: int, checker: Checker) -> Verdict:
    """The candidate within the budget reached by changing one value after another as long as the network grows (or
    shrinks, if `sign` is -1)."""
    space, best, before = checker.search.space, start, None
    while best is not before:
        before = best
        for name in checker.networks.network_names:
            for i in range(STEPS + 1):
                value = space[name].domain.at(i / STEPS)
                verdict = checker.check(space.candidate({**space.defaults(), **best.candidate.values, name: value}))
                if verdict.inside and (_size(verdict) > _size(best) if sign > 0 else _size(verdict) < _size(best)):
                    best = verdict
    return best


STEPS = 20
"""The number of points tried in each range to find the smallest and the largest network."""


def _size(verdict: Verdict) -> tuple[int, int]:
    assert verdict.measures is not None
    return verdict.measures.trainable_parameters, verdict.measures.macs


def _cost(checker: Checker, train: Train, inside: Sequence[Verdict], pictures: int | None, every: bool) -> Cost:
    recipes = [checker.networks.recipe(verdict.candidate) for verdict in inside]
    epochs = [recipe.epochs if recipe else train.epochs for recipe in recipes]
    mean = sum(epochs) / len(epochs)
    rounds = tuple(checker.search.tuner.trainings(round(mean), len(inside) if every else None))
    macs = sum(verdict.measures.macs * n for verdict, n in zip(inside, epochs, strict=True) if verdict.measures)
    epoch = FLOPS_OF_A_MAC * macs / sum(epochs)
    pictures = pictures or train.data.training_pictures()
    return Cost(rounds, pictures, epoch * sum(count * n for count, n in rounds) * (pictures or 1))

"""What a search would do, without doing it: how large its space is, how much is inside the budget, what it costs."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

from archspec.candidates.check import Checker, Tally, Verdict, check_values, refuse_nothing_inside
from archspec.recipe import Train
from archspec.recipe.data import Digits, Tfds
from archspec.search.section import Search
from archspec.search.space import Candidate
from archspec.spec.spec import Spec

EVERY = 5_000
"""Grids up to this size are checked whole."""
SAMPLES = 2_000
PICTURES = {"cifar10": 50_000, "cifar100": 50_000, "mnist": 60_000, "fashion_mnist": 60_000, "imagenet2012": 1_281_167}
"""Training pictures of data sets that papers use, from the catalogue of tensorflow-datasets."""
DIGITS = 1_437
FLOPS_OF_A_MAC = 6
"""Two forward, and twice that for the gradients of inputs and weights."""


@dataclass(frozen=True)
class Cost:
    """What a search trains, estimated.

    Attributes:
        trainings: (how many, epochs of each), one for every round of the tuner.
        pictures: of the training split, None where only the data set itself knows.
        flops: for one picture of each training's each epoch, an average over candidates; times `pictures` where known.
    """

    trainings: tuple[tuple[int, float], ...]
    pictures: int | None
    flops: float


@dataclass(frozen=True)
class Survey:
    """What is known of a search before it runs.

    Attributes:
        size: of the grid, ten points of each continuous range.
        every: whether all of the grid was checked; otherwise candidates were drawn at random.
        network_names: the names of the space that can change the network.
        settings: how many different values of these there are among the candidates checked.
        own: the spec itself, checked.
        smallest, largest: by parameters, then MACs, of those inside the budget; where not all were checked, those
            that changing one value after the other leads to.
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
        """A count's share of the candidates checked, and the ends of its 95 % interval (Wilson 1927, "Probable
        inference"): equal where all were checked."""
        n, p = self.tally.checked, count / self.tally.checked
        if self.every:
            return p, p, p
        z = 1.96
        middle = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return p, max(0.0, middle - half), min(1.0, middle + half)


def survey(spec: Spec, pictures: int | None = None, samples: int = SAMPLES, seed: int = 0) -> Survey:
    """Checks a search's candidates, all of them where there are few.

    Args:
        spec: a spec with a `search` section.
        pictures: of the training split, for the cost; known for a few data sets.
        samples: candidates drawn at random where there are more than `EVERY`.
        seed: of the drawing.

    Raises:
        SpecError: no `search` section, values that are in no valid network, or nothing inside the budget.
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
    """The candidate inside the budget that changing one value after the other leads to, while the network grows (or,
    with `sign` -1, shrinks)."""
    space, best, before = checker.search.space, start, None
    while best is not before:
        before = best
        for name in checker.networks.network_names:
            for i in range(STEPS + 1):
                value = space[name].domain.at(i / STEPS)
                defaults = {one.name: one.default for one in space.dimensions}
                verdict = checker.check(space.candidate({**defaults, **best.candidate.values, name: value}))
                if verdict.inside and (_size(verdict) > _size(best) if sign > 0 else _size(verdict) < _size(best)):
                    best = verdict
    return best


STEPS = 20
"""Of each value, when the smallest and the largest network are looked for."""


def _size(verdict: Verdict) -> tuple[int, int]:
    assert verdict.measures is not None
    return verdict.measures.parameters, verdict.measures.macs


def _cost(checker: Checker, train: Train, inside: Sequence[Verdict], pictures: int | None, every: bool) -> Cost:
    recipes = [checker.networks.recipe(verdict.candidate) for verdict in inside]
    epochs = [recipe.epochs if recipe else train.epochs for recipe in recipes]
    mean = sum(epochs) / len(epochs)
    rounds = tuple(checker.search.tuner.trainings(round(mean), len(inside) if every else None))
    macs = sum(verdict.measures.macs * n for verdict, n in zip(inside, epochs, strict=True) if verdict.measures)
    epoch = FLOPS_OF_A_MAC * macs / sum(epochs)
    pictures = pictures or _pictures(train)
    return Cost(rounds, pictures, epoch * sum(count * n for count, n in rounds) * (pictures or 1))


def _pictures(train: Train) -> int | None:
    """How many pictures a training split has, where that is known without the data."""
    if isinstance(train.data, Digits):
        return DIGITS
    if isinstance(train.data, Tfds) and train.data.train == "train":
        return PICTURES.get(train.data.name.partition(":")[0].partition("/")[0])
    return None

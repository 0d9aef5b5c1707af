"""Runs that are equal but for the seed, and the tasks within which results can be compared."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from archspec.recipe.data import Digits
from archspec.recipe.train import Checkpoints
from builder.comparison.record import Record
from builder.comparison.significance import Sample, sample

Value = Callable[[Record], float | None]


@dataclass(frozen=True, eq=False)
class Group:
    """Runs of one recipe for one network on one task, which differ in the seed at most.

    Attributes:
        letter: what it is called in tables and charts: `A`, `B` and so on.
        records: its runs.
    """

    letter: str
    records: tuple[Record, ...]

    @property
    def complete(self) -> list[Record]:
        """The runs whose training came to its end, which alone count in means."""
        return [one for one in self.records if one.is_complete]

    def values(self, value: Value) -> list[float]:
        """A value of each seed. Runs with the same seed are not independent: their mean counts once."""
        by_seed: dict[Any, list[float]] = {}
        for one in self.complete:
            if (found := value(one)) is not None:
                by_seed.setdefault(one.seed, []).append(found)
        return [statistics.fmean(some) for some in by_seed.values()]

    def curves(self, column: str) -> list[list[float]]:
        """A column of `metrics.csv` for each seed, epoch by epoch, as far as all of the seed's complete runs have
        come."""
        by_seed: dict[Any, list[list[float]]] = {}
        for one in self.complete:
            by_seed.setdefault(one.seed, []).append([row[column] for row in one.rows])
        return [[statistics.fmean(some) for some in zip(*runs, strict=False)] for runs in by_seed.values()]

    def sample(self, value: Value) -> Sample | None:
        """The number of seeds, mean and standard deviation of a value."""
        return sample(self.values(value))

    @cached_property
    def error(self) -> Sample | None:
        """The errors in the best epochs, shares from 0 to 1, summarised."""
        return self.sample(lambda one: one.error)

    @cached_property
    def loss(self) -> Sample | None:
        """The validation losses in the best epochs, summarised."""
        return self.sample(lambda one: one.loss)

    @property
    def seeds(self) -> list[int]:
        """The seeds of the complete runs."""
        return sorted({one.seed for one in self.complete if one.seed is not None})

    @property
    def repeated_seeds(self) -> list[int]:
        """The seeds that several complete runs have."""
        seeds = [one.seed for one in self.complete if one.seed is not None]
        return sorted({seed for seed in seeds if seeds.count(seed) > 1})


@dataclass(frozen=True, eq=False)
class Task:
    """What runs have to share for their results to be comparable: data, divided in the same way, and classes.

    Attributes:
        name: of the data; empty for runs without any of their own.
        records: the runs.
        groups: the same by recipe.
    """

    name: str
    records: tuple[Record, ...]
    groups: tuple[Group, ...]

    @property
    def headline(self) -> str:
        """The data in words."""
        about = next((one.run.about for one in self.records if one.run is not None), None)
        if about is None:
            return "runs that cannot be read"
        if not about.fingerprint:
            return "weights from elsewhere, without data of their own"
        counts = f"{about.train_count:,} training and {about.validation_count:,} validation pictures"
        return f"{about.name}: {counts}, {len(about.class_names):,} classes"


def tasks_of(records: Sequence[Record]) -> list[Task]:
    """The tasks of runs, in the order of their first runs; groups are lettered through all of them."""
    divided = _by_equality(records, _task_key)
    parts = [some for part in divided for some in _by_data(part)]
    tasks, number = [], 0
    for part in parts:
        groups = []
        for some in _by_equality(part, _recipe_key):
            groups.append(Group(letter(number), tuple(some)))
            number += 1
        run = next((one.run for one in part if one.run is not None), None)
        tasks.append(Task(run.about.name if run is not None else "", tuple(part), tuple(groups)))
    return tasks


def letter(number: int) -> str:
    """`A` to `Z` for 0 to 25, then `AA`, as spreadsheets number columns."""
    first, last = divmod(number, 26)
    return (letter(first - 1) if first else "") + chr(ord("A") + last)


def _by_equality(records: Iterable[Record], key: Callable[[Record], Any]) -> list[list[Record]]:
    """Records with equal keys together, in the order of the first of each. Keys need not be hashable."""
    found: list[tuple[Any, list[Record]]] = []
    for one in records:
        mine = key(one)
        part = next((part for other, part in found if other == mine), None)
        if part is None:
            found.append((mine, [one]))
        else:
            part.append(one)
    return [part for _, part in found]


def _task_key(record: Record) -> Any:
    run = record.run
    if run is None:
        return None
    about = run.about
    return about.name, about.train_count, about.validation_count, about.class_names, bool(about.fingerprint)


def _by_data(records: Sequence[Record]) -> list[list[Record]]:
    """Runs whose data have one name, divided by the data's content. Fingerprints are those of pictures of the network's
    input size, so for networks of different sizes they differ on the same data; for networks of one size they tell."""
    by_size: dict[Any, set[str]] = {}
    for one in records:
        if one.run is not None:
            by_size.setdefault(one.run.spec.graph.input.shape, set()).add(one.run.about.fingerprint)
    if all(len(found) == 1 for found in by_size.values()):
        return [list(records)]
    return _by_equality(records, lambda one: one.run.about.fingerprint if one.run is not None else "")


def _recipe_key(record: Record) -> Any:
    """What a result depends on but for the seed: the network, and the recipe without what changes no number."""
    run, recipe = record.run, record.recipe
    if run is None or recipe is None:
        return record.name
    neutral = replace(
        recipe,
        seed=0,
        data=Digits(),  # they are known by their fingerprint
        cache="auto",
        rematerialize=False,
        checkpoints=Checkpoints(best=recipe.checkpoints.best),
    )
    return replace(run.spec.graph, name=""), neutral, record.epochs_planned

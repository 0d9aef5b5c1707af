"""Runs and searches compared: the whole that tables, charts and pages show."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import Any

from archspec.errors import Problem, UserError
from builder.comparison import differences, disagreement
from builder.comparison.differences import Fact
from builder.comparison.disagreement import Disagreement
from builder.comparison.finding import Found, find
from builder.comparison.groups import Group, Task, tasks_of
from builder.comparison.labels import public_names, without_common_folder
from builder.comparison.latency import FOLDER
from builder.comparison.notes import notes
from builder.comparison.record import Record, read
from builder.comparison.significance import FEWEST, LEVEL, Difference, Sample, welch
from builder.runs.public import public_text


@dataclass(frozen=True, eq=False)
class Contrast:
    """Two groups of runs compared by the errors of their seeds.

    Attributes:
        first, second: the groups.
        error: the difference between their mean errors, the first minus the second, as shares; None where too few seeds
            are complete, or none of them differ.
    """

    first: Group
    second: Group
    error: Difference | None

    @property
    def better(self) -> Group | None:
        """The group with the lower error, where the interval excludes zero; else nothing is claimed."""
        if self.error is None or not self.error.excludes_zero:
            return None
        return self.first if self.error.value < 0 else self.second


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """Runs side by side, as `builder.compare` returns them. Its text is a table with what may be concluded from it; in
    a notebook it shows tables and learning curves.

    Attributes:
        records: the runs, each as it is by itself.
        tasks: the same by data and classes; only results of one task are compared.
    """

    records: tuple[Record, ...]
    tasks: tuple[Task, ...]

    @cached_property
    def groups(self) -> list[Group]:
        """The groups of all tasks."""
        return [group for task in self.tasks for group in task.groups]

    @cached_property
    def _labels(self) -> tuple[str, dict[Record, str]]:
        folder, names = without_common_folder(public_names([one.name for one in self.records]))
        return folder, dict(zip(self.records, names, strict=True))

    @property
    def folder(self) -> str:
        """The folder that all runs are in; empty if there is none."""
        return self._labels[0]

    @property
    def labels(self) -> dict[Record, str]:
        """What each run is called here: its path in `folder`."""
        return self._labels[1]

    def group_of(self, record: Record) -> Group:
        """The group that a run belongs to."""
        return next(group for group in self.groups if record in group.records)

    @property
    def has_groups(self) -> bool:
        """Whether any runs are equal but for the seed."""
        return len(self.groups) < len(self.records)

    @cached_property
    def facts(self) -> list[Fact]:
        """The facts in which the groups differ; one group's values at the place of each."""
        return differences.what_differs(self.groups)

    @cached_property
    def names(self) -> dict[str, str]:
        """A short name for each group, by its letter."""
        return dict(zip((one.letter for one in self.groups), differences.named(self.groups, self.facts), strict=True))

    @cached_property
    def contrasts(self) -> list[Contrast]:
        """The groups of each task compared, two by two, where one of them has several seeds."""
        return [
            Contrast(first, second, welch(first.values(_error), second.values(_error)))
            for task in self.tasks
            for first, second in combinations(task.groups, 2)
            if first.complete and second.complete and max(len(first.seeds), len(second.seeds)) >= FEWEST
        ]

    @cached_property
    def _pairs(self) -> tuple[list[Disagreement], list[str]]:
        return disagreement.disagreements(self.records, self.labels.__getitem__)

    @property
    def disagreements(self) -> list[Disagreement]:
        """Pairs of runs that were evaluated on the same pictures, first those of different groups."""
        return sorted(self._pairs[0], key=lambda one: self.group_of(one.first) is self.group_of(one.second))

    @property
    def untested(self) -> list[str]:
        """Why other pairs that were evaluated could not be compared picture by picture, in words."""
        return self._pairs[1]

    def notes(self) -> Iterator[str]:
        """What a reader has to know: runs without a result, what was not measured, and what is not comparable."""
        yield from notes(self)

    def __str__(self) -> str:
        from builder.comparison.text import text

        return text(self)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        from builder.comparison.page import fragment

        return fragment(self)

    def save(self, directory: str | os.PathLike[str], everything: bool = False) -> list[Path]:
        """Writes `report.html`, which needs no network, the charts as PNG, and `comparison.json`.

        Args:
            directory: a new or empty folder, or one with an earlier comparison, which is replaced.
            everything: whether the report's table of fields has those that are equal too.

        Returns:
            The files.

        Raises:
            FileError: the folder holds something else, or cannot be written.
        """
        from builder.comparison.files import save

        return save(self, Path(directory), everything)

    def to_json(self, everything: bool = False) -> dict[str, Any]:
        """Everything as JSON values. Errors are shares from 0 to 1.

        Args:
            everything: whether `fields` has those that are equal in all runs too.
        """
        names = dict(zip(self.records, public_names([one.name for one in self.records]), strict=True))
        return {
            "runs": [
                {
                    "name": names[one],
                    "group": self.group_of(one).letter,
                    "state": one.state,
                    "reason": public_text(one.reason),
                    **one.numbers(),
                    "evaluations": {
                        tested.scheme: {
                            "pictures": tested.pictures,
                            "error": 1 - tested.top1,
                            "loss": tested.loss,
                            "fingerprint": tested.fingerprint,
                        }
                        for tested in one.tested
                    },
                }
                for one in self.records
            ],
            "groups": [
                {
                    "group": group.letter,
                    "name": self.names[group.letter],
                    "data": task.name,
                    "runs": [names[one] for one in group.records],
                    "complete": len(group.complete),
                    "val_error": _sample(group.error),
                    "val_loss": _sample(group.loss),
                }
                for task in self.tasks
                for group in task.groups
            ],
            "contrasts": [
                {
                    "first": one.first.letter,
                    "second": one.second.letter,
                    "level": LEVEL,
                    "val_error": None if one.error is None else asdict(one.error),
                    "better": one.better.letter if one.better else None,
                }
                for one in self.contrasts
            ],
            "disagreements": [
                {
                    "first": names[one.first],
                    "second": names[one.second],
                    "scheme": one.tested[0].scheme,
                    "both_right": one.both,
                    "first_alone": one.first_alone,
                    "second_alone": one.second_alone,
                    "both_wrong": one.neither,
                    "p": one.p,
                }
                for one in self.disagreements
            ],
            "fields": {
                one.name: dict(zip(self.names, one.values, strict=True))
                for one in (differences.facts(self.groups) if everything else self.facts)
            },
            "notes": [public_text(note) for note in self.notes()],
        }


def compare(
    runs: str | os.PathLike[str] | Sequence[str | os.PathLike[str]], exports: str | os.PathLike[str] = FOLDER
) -> Comparison:
    """Runs side by side: learning curves, what differs, results by groups of seeds, costs, and where two disagree.

    Nothing is trained or evaluated; what a run has not measured is named with the command that measures it.

    Args:
        runs: the directories of runs and of searches, which stand for the runs of all their trials.
        exports: the folder of exports, which hold measured latencies.

    Returns:
        The comparison: `print` it, `save` it as a report, or take its `to_json()`.

    Raises:
        UserError: a directory that is no run, is named twice, or whose files are damaged.
    """
    paths = [runs] if isinstance(runs, str | os.PathLike) else list(runs)
    records = _read_all(find(paths), Path(exports))
    return Comparison(tuple(records), tuple(tasks_of(records)))


def _read_all(found: Sequence[Found], exports: Path) -> list[Record]:
    """The records of runs, or every mistake at once.

    Raises:
        UserError: see `record.read`.
    """
    records: list[Record] = []
    problems: list[Problem] = []
    for one in found:
        try:
            records.append(read(one, exports))
        except UserError as error:
            problems += error.problems
    if problems:
        raise UserError(problems)
    return records


def _error(one: Record) -> float | None:
    return one.error


def _sample(found: Sample | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {"seeds": found.count, "mean": found.mean, "standard_deviation": found.deviation}

"""Checks candidates against the budget, and finds mistakes in a search that show only once candidates are read."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from archspec.candidates.networks import Measures, Networks
from archspec.errors import MAX_PROBLEMS, Problem, SpecError, Where, problem_at
from archspec.search.domains import short
from archspec.search.space import Candidate, Dimension
from archspec.spec.spec import Spec

TRIES = 64
"""Random candidates tried with a value before it is reported to be in no valid network."""
MOST_PROBES = 200
"""The most values of one name that are tried before a search."""

Latency = Callable[[Spec], float]


@dataclass(frozen=True)
class Verdict:
    """The result of checking one candidate against the budget.

    Attributes:
        measures: what the candidate costs; None where it makes no valid spec.
        latency_ms: milliseconds for one picture, None where they were not measured.
        over: the names of the limits that it exceeds.
        error: why it makes no valid spec, or None.
    """

    candidate: Candidate
    measures: Measures | None
    latency_ms: float | None = None
    over: tuple[str, ...] = ()
    error: SpecError | None = None

    @property
    def inside(self) -> bool:
        """Whether the candidate is valid and within the budget."""
        return self.measures is not None and not self.over

    def cost(self, limit: str) -> float | None:
        """The measure that a limit bounds, by the limit's name; None where it is not known."""
        return self.latency_ms if limit == "latency_ms" else getattr(self.measures, limit, None)


class Checker:
    """Checks a spec's candidates against its budget, in about a millisecond each.

    Args:
        spec: a spec with a `search` section.
        latency: measures the milliseconds that a spec's network takes for one picture. It is called last, for
            candidates within all other limits, and only where the budget limits the latency; without it, that limit is
            ignored.

    Raises:
        SpecError: the spec has no `search` section, or values that were set over the spec do not fit it.
    """

    def __init__(self, spec: Spec, latency: Latency | None = None):
        if spec.search_conflicts:
            mend = "leave out what sets it, or take the name out of the space (null removes it)"
            raise SpecError([replace(one, message=f"{one.message}; {mend}") for one in spec.search_conflicts])
        if spec.search is None:
            raise problem_at(Where("search", spec.tree.span), f"{spec.name} has no 'search' section")
        self.search = spec.search
        self.networks = Networks(spec)
        self._latency = latency
        self._latencies: dict[str, float] = {}

    def check(self, candidate: Candidate) -> Verdict:
        """Compares a candidate with the budget; an invalid one is no error, but part of the verdict."""
        try:
            measures = self.networks.measures(candidate)
        except SpecError as error:
            return Verdict(candidate, None, error=error)
        budget = self.search.budget
        limits = [(name, limit) for name, limit in budget.limits() if name != "latency_ms"]
        over = tuple(name for name, limit in limits if getattr(measures, name) > limit)
        if over or budget.latency_ms is None or self._latency is None:
            return Verdict(candidate, measures, over=over)
        key = self.networks.network_key(candidate)
        if key not in self._latencies:
            self._latencies[key] = self._latency(self.networks.spec(candidate))
        latency = self._latencies[key]
        return Verdict(candidate, measures, latency, ("latency_ms",) if latency > budget.latency_ms else ())


@dataclass
class Tally:
    """Counts of the candidates checked, by outcome."""

    checked: int = 0
    inside: int = 0
    invalid: int = 0
    over: Counter[str] = field(default_factory=Counter)
    """Candidates that exceed each limit."""
    over_alone: Counter[str] = field(default_factory=Counter)
    """Candidates that exceed this limit and no other."""

    def add(self, verdict: Verdict) -> Verdict:
        """Counts a verdict and returns it."""
        self.checked += 1
        self.inside += verdict.inside
        self.invalid += verdict.error is not None
        self.over.update(verdict.over)
        if len(verdict.over) == 1:
            self.over_alone.update(verdict.over)
        return verdict


# -- mistakes --------------------------------------------------------------------------------------------------------


def check_values(checker: Checker) -> None:
    """Tries every choice and both ends of every range: in the spec itself first, then in random candidates.

    Raises:
        SpecError: paths that lead nowhere, values that are in no valid network, or names whose conditions never hold.
    """
    problems: list[Problem] = []
    for one in checker.search.space.dimensions:
        problems += _value_problems(one, checker)
    if problems:
        raise SpecError(problems[:MAX_PROBLEMS])


def _value_problems(one: Dimension, checker: Checker) -> list[Problem]:
    space = checker.search.space
    around = space.satisfying(one.name)
    rng = random.Random(0)
    if not one.active(around) and not any(one.name in space.sample(rng).values for _ in range(TRIES * TRIES)):
        return [Problem(one.where, "is never set, as its conditions exclude each other")]
    probes = list(itertools.islice(one.domain.probes(), MOST_PROBES))
    mistakes = [_mistake(Candidate({**around, one.name: value}), checker) for _, _, value in probes]
    wrong = [(probe, error.problems[0]) for probe, error in zip(probes, mistakes, strict=True) if error]
    if len(wrong) == len(probes) > 1 and len({problem.message for _, problem in wrong}) == 1:
        # The name is wrong, whatever the value.
        problem = wrong[0][1]
        fine = _valid_elsewhere(one, around, checker, TRIES)
        return [] if fine else [Problem(one.where, _in_a_line(problem, one.name), problem.notes)]
    tries = max(TRIES // 8, min(TRIES, 4 * TRIES // max(1, len(wrong))))
    problems = []
    for (part, span, value), problem in wrong:
        if not _valid_elsewhere(one, {**around, one.name: value}, checker, tries):
            where = Where(f"{one.where.path}.{part}", span or one.where.span)
            message = f"{one.name}={short(value)} is in no valid network: {_in_a_line(problem, one.name)}"
            problems.append(Problem(where, message, problem.notes))
    return problems


def _in_a_line(problem: Problem, name: str) -> str:
    """A problem in one line, with its address unless that is the name itself."""
    path = problem.where.path
    return problem.message if path in (name, f"params.{name}") else f"{path}: {problem.message}"


def _valid_elsewhere(one: Dimension, fixed: Mapping[str, Any], checker: Checker, tries: int) -> bool:
    """Whether any of some random candidates with these values is valid."""
    rng = random.Random(0)
    drawn = (checker.search.space.sample(rng, fixed) for _ in range(tries))
    return any(one.name in candidate.values and _mistake(candidate, checker) is None for candidate in drawn)


def _mistake(candidate: Candidate, checker: Checker) -> SpecError | None:
    try:
        checker.networks.measures(candidate)
    except SpecError as error:
        return error
    return None


def refuse_nothing_inside(spec: Spec, tally: Tally, verdicts: Sequence[Verdict], every: bool) -> None:
    """Refuses a search if none of the candidates checked is within the budget.

    Args:
        spec: the spec that is searched.
        tally: the counts of `verdicts`.
        verdicts: the candidates checked.
        every: whether these are all candidates of the space.

    Raises:
        SpecError: none is within the budget; it names the limits that exclude them, or says why none is valid.
    """
    if tally.inside:
        return
    section = spec.tree.value["search"]
    seen = f"all {tally.checked:,} candidates" if every else f"all of {tally.checked:,} candidates drawn at random"
    if tally.invalid == tally.checked:
        first = next(verdict.error for verdict in verdicts if verdict.error).problems[0]
        message = f"{seen} make no valid network; the first: {first.where.path}: {first.message}"
        raise problem_at(Where("search.space", section.key_span("space")), message, *first.notes)
    raise SpecError(_limit_problems(spec, tally, verdicts, seen))


def _limit_problems(spec: Spec, tally: Tally, verdicts: Sequence[Verdict], seen: str) -> Iterator[Problem]:
    assert spec.search is not None
    budget = spec.tree.value["search"].value["budget"]
    valid = tally.checked - tally.invalid
    decisive = [name for name in tally.over if tally.over[name] == valid]
    for name, limit in spec.search.budget.limits():
        if name not in (decisive or tally.over):
            continue
        child = budget.value.get(name)
        where = Where(f"search.budget.{name}", child.span if child else budget.span)
        if decisive:
            least = min(cost for verdict in verdicts if (cost := verdict.cost(name)) is not None)
            but = f" that are valid ({tally.invalid:,} are not)" if tally.invalid else ""
            message = f"{limit:,} excludes {seen}{but}; the least of any is {least:,}"
        else:
            excluded = f"{tally.over[name]:,} of {valid:,} valid candidates"
            message = f"nothing is inside the budget: {limit:,} excludes {excluded}, the other limits the rest"
        yield Problem(where, message)

"""Which candidates are trained: valid ones, inside the budget, and each network and recipe once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from archspec import Spec
from archspec.candidates.check import Checker, Verdict
from archspec.candidates.networks import identity
from archspec.search import Candidate


class CandidateFilter:
    """Checks candidates, and counts those that are not worth a trial.

    Attributes:
        rejected: different candidates by reason: a limit's name, `invalid`, or `same` for one chosen before in other
            words.
    """

    def __init__(self, checker: Checker, recipe_of: Callable[[Candidate], Spec]):
        self.checker, self.rejected = checker, Counter[str]()
        self._spec = recipe_of
        self._known: set[str] = set()
        self._counted: set[str] = set()

    def accepts(self, candidate: Candidate) -> bool:
        """Whether a trial of this candidate would say anything new; counted, once, where not."""
        verdict = self.checker.check(candidate)
        reason = _reason(verdict) or ("same" if self._identity(candidate) in self._known else None)
        if reason is not None and candidate.key not in self._counted:
            self._counted.add(candidate.key)
            self.rejected[reason] += 1
        return reason is None

    def choose(self, candidate: Candidate) -> None:
        """Notes that this one is tried."""
        self._known.add(self._identity(candidate))

    def _identity(self, candidate: Candidate) -> str:
        return identity(self._spec(candidate))


def _reason(verdict: Verdict) -> str | None:
    """The limit that excludes a candidate, the first where several do, or that it is invalid."""
    if verdict.error is not None:
        return "invalid"
    return verdict.over[0] if verdict.over else None

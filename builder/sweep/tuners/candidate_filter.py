"""Which candidates become trials: valid ones inside the budget, and each network and recipe once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from archspec import Spec
from archspec.candidates.check import Checker, Verdict
from archspec.candidates.networks import identity
from archspec.search import Candidate


class CandidateFilter:
    """Accepts or rejects candidates, and counts the rejected ones.

    Attributes:
        checker: checks candidates against the budget.
        rejected: how many different candidates were rejected, by reason: the name of a limit, `invalid`, or `same` for
            the network and recipe of an earlier trial in other words.
    """

    def __init__(self, checker: Checker, spec_of: Callable[[Candidate], Spec]):
        self.checker, self.rejected = checker, Counter[str]()
        self._spec_of = spec_of
        self._tried: set[str] = set()
        self._counted: set[str] = set()

    def accepts(self, candidate: Candidate) -> bool:
        """Whether a candidate is worth a trial; if not, it is counted once."""
        verdict = self.checker.check(candidate)
        reason = _reason(verdict) or ("same" if self._identity(candidate) in self._tried else None)
        if reason is not None and candidate.key not in self._counted:
            self._counted.add(candidate.key)
            self.rejected[reason] += 1
        return reason is None

    def add(self, candidate: Candidate) -> None:
        """Remembers a candidate that is tried, so that the same one is rejected from now on."""
        self._tried.add(self._identity(candidate))

    def _identity(self, candidate: Candidate) -> str:
        return identity(self._spec_of(candidate))


def _reason(verdict: Verdict) -> str | None:
    """Why a candidate is rejected: the first limit that it exceeds, or `invalid`."""
    if verdict.error is not None:
        return "invalid"
    return verdict.over[0] if verdict.over else None

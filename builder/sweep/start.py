"""What is checked before a search makes or trains anything. No TensorFlow, so that mistakes are reported at once."""

from __future__ import annotations

import os

from archspec import Problem, Spec, SpecError
from archspec.candidates.check import Checker
from archspec.candidates.survey import EVERY, survey
from archspec.errors import Where, argument_problem
from archspec.search import Search
from archspec.spec import overrides
from archspec.wording import did_you_mean
from builder.sweep.records import METRICS, SIZES


def with_trials(spec: Spec, count: int) -> Spec:
    """Returns the spec with another number of trials, as `--trials` sets it.

    Raises:
        UserError: no `search` section, or a tuner whose number of trials follows from other options.
    """
    before = Checker(spec).search.tuner
    try:
        after = before.with_trials(count)
    except ValueError as error:
        raise argument_problem("--trials", str(error)) from None
    changes = {option: value for option, value in vars(after).items() if value != vars(before)[option]}
    tree = overrides.value_at(spec.tree, "search.tuner")
    written = tree.plain() if tree is not None else "random_search"
    (name, options), *_ = ({written: {}} if isinstance(written, str) else written).items()
    return spec.with_values({"search.tuner": {name: {**(options or {}), **changes}}})


def check_search(spec: Spec) -> Search:
    """Returns the `search` section, after checking that trials can be trained and give its objective.

    Raises:
        SpecError: there is no such section, no `train` section, or an objective that no training gives.
    """
    search = Checker(spec).search
    problems = []
    if spec.train is None:
        problems.append(Problem(Where("train", spec.tree.span), "there is no 'train' section, which trials need"))
    known = (*METRICS, *SIZES)
    name = search.objective.name
    if name not in known:
        where = Where("search.objective", spec.tree.value["search"].key_span("objective"))
        message = f"no training gives '{name}'{did_you_mean(name, known)}; it gives {', '.join(known)}"
        problems.append(Problem(where, message))
    if problems:
        raise SpecError(problems)
    return search


def count_candidates(spec: Spec, search: Search, is_resumed: bool) -> int | None:
    """Counts the candidates inside the budget; None if there are too many to check, or infinitely many.

    The values and the budget of a new search are checked in any case.

    Raises:
        SpecError: a value that is in no valid network, or nothing inside the budget.
    """
    is_countable = not search.space.continuous and search.space.grid_size() <= EVERY
    if is_resumed and not is_countable:
        return None
    found = survey(spec)
    return found.tally.inside if is_countable else None


def process_role() -> str:
    """What this process does, from keras-tuner's environment variables: `alone` all of it; in a search over several
    machines `chief` chooses, and each `worker` trains.

    Raises:
        UserError: some of the variables are set, and others missing.
    """
    names = ("KERASTUNER_ORACLE_IP", "KERASTUNER_ORACLE_PORT", "KERASTUNER_TUNER_ID")
    given = [name for name in names if os.environ.get(name)]
    if not given:
        return "alone"
    if len(given) < len(names):
        missing = next(name for name in names if name not in given)
        problem = f"is not set, and {given[0]} is; a search over several machines needs {', '.join(names)}"
        raise argument_problem(missing, problem)
    return "chief" if "chief" in os.environ["KERASTUNER_TUNER_ID"] else "worker"

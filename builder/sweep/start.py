"""Starting a sweep, or going on with one: what can be wrong is found before anything is trained."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from archspec import Problem, Spec, SpecError
from archspec.candidates.check import Checker
from archspec.candidates.survey import EVERY, survey
from archspec.errors import Where, argument_problem, file_problem
from archspec.search import GridSearch, RandomSearch, Search
from archspec.spec import overrides
from archspec.wording import did_you_mean
from builder.runs.comparison import check_same_spec
from builder.runs.directory import locked
from builder.sweep.records import METRICS, Files
from builder.system.files import write_text

if TYPE_CHECKING:
    from builder.sweep.results import Results

MAY_CHANGE = ("search.tuner", "search.max_minutes_per_trial", "train.distribute", "train.cache", "train.xla")
"""What a sweep that goes on may have otherwise; of the tuner, its numbers of trials and retries."""
SIZES = ("trainable_parameters", "macs")


def tune(
    spec: Spec,
    run_dir: str | os.PathLike[str] | None = None,
    data_dir: str | os.PathLike[str] | None = None,
    workers: int = 1,
    resume: bool = False,
    say: Callable[[str], None] = print,
) -> Results:
    """Searches the space of a spec's `search` section, a process a trial.

    With keras-tuner's environment variables (`KERASTUNER_TUNER_ID` and the like) this process is the chief, which
    chooses, or one of the workers, which train, of a sweep over several machines that share `run_dir`.

    Args:
        spec: a spec with the sections `search` and `train`.
        run_dir: the sweep's own directory, new or empty; by default `runs/<name>/sweep-<time>/`.
        data_dir: where TFDS keeps prepared data sets.
        workers: trials at once; cores and GPUs are divided among them.
        resume: go on with the sweep in `run_dir`, or the newest one.
        say: takes the lines of progress.

    Raises:
        UserError: a mistake in the spec, nothing inside the budget, data that cannot be read, a directory in use.
        Interrupted: Ctrl-C or SIGTERM, after the running trials saved their state.
        TrialsFailed: too many trials in a row failed.
    """
    search = _search_of(spec)
    directory = _directory(spec, run_dir, resume)
    candidates = None
    if not (resume and (directory / "spec.yaml").exists()):
        found = survey(spec)
        candidates = found.tally.inside if found.every and not search.space.continuous else None
    elif not search.space.continuous and search.space.grid_size() <= EVERY:
        candidates = survey(spec).tally.inside
    with contextlib.ExitStack() as stack:
        role = stack.enter_context(_claimed(directory, spec, resume, say))
        from builder.sweep.run import run  # TensorFlow and keras-tuner, which take seconds

        return run(spec, Files(directory), role, candidates, _text(data_dir), workers, say)


def with_trials(spec: Spec, count: int) -> Spec:
    """The spec with another `max_trials` of its tuner.

    Raises:
        UserError: no `search` section, or a tuner whose trials follow from other numbers.
    """
    tree = overrides.value_at(spec.tree, "search.tuner")
    written = tree.plain() if tree is not None else "random_search"
    (name, options), *_ = ({written: {}} if isinstance(written, str) else written).items()
    if name == "hyperband":
        problem = "hyperband's number of trials follows from max_epochs, factor and hyperband_iterations"
        raise argument_problem("--trials", problem)
    Checker(spec)
    return spec.with_values({"search.tuner": {name: {**(options or {}), "max_trials": count}}})


def _text(path: str | os.PathLike[str] | None) -> str | None:
    return None if path is None else os.fspath(path)


def _search_of(spec: Spec) -> Search:
    """The `search` section, with what it needs beside it.

    Raises:
        SpecError: there is none, no `train` section, or an objective that no training gives.
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


# -- the directory ---------------------------------------------------------------------------------------------------


def role() -> str:
    """`alone`, or in a sweep over machines `chief` or `worker`, from keras-tuner's variables.

    Raises:
        UserError: some of them are set, and others missing.
    """
    names = ("KERASTUNER_ORACLE_IP", "KERASTUNER_ORACLE_PORT", "KERASTUNER_TUNER_ID")
    given = [name for name in names if os.environ.get(name)]
    if not given:
        return "alone"
    if len(given) < len(names):
        missing = next(name for name in names if name not in given)
        problem = f"is not set, and {given[0]} is; a sweep over machines needs {', '.join(names)}"
        raise argument_problem(missing, problem)
    return "chief" if "chief" in os.environ["KERASTUNER_TUNER_ID"] else "worker"


def _directory(spec: Spec, run_dir: str | os.PathLike[str] | None, resume: bool) -> Path:
    parent = Path("runs") / spec.name
    if run_dir is not None:
        return Path(run_dir)
    if role() != "alone":
        raise argument_problem("--run-dir", "is missing; all processes of a sweep over machines share one directory")
    if resume:
        found = [path.parent for path in parent.glob("sweep-*/spec.yaml")]
        if not found:
            raise file_problem(parent, "has no sweep to go on with; name one with --run-dir")
        return max(found, key=lambda path: path.stat().st_mtime)
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
    names = (f"sweep-{stamp}" if number == 1 else f"sweep-{stamp}-{number}" for number in range(1, 1000))
    return next(path for name in names if not (path := parent / name).exists())


@contextlib.contextmanager
def _claimed(directory: Path, spec: Spec, resume: bool, say: Callable[[str], None]) -> Iterator[str]:
    """The sweep's directory, this process's while it has it; workers come into one that a chief has."""
    mine = role()
    with contextlib.ExitStack() as stack:
        try:
            going_on = resume and (directory / "spec.yaml").exists()
            # One that was killed at its very start has left hidden files alone.
            if resume and mine != "worker" and not going_on and (not directory.exists() or _files(directory)):
                problem = (
                    "is not the directory of a sweep, so there is nothing to go on with; start one without --resume"
                )
                raise file_problem(directory, problem)
            directory.mkdir(parents=True, exist_ok=True)
            if mine != "worker":
                stack.enter_context(locked(directory))
                _check_same(directory, spec) if going_on else _check_new(directory)
                write_text(directory / "spec.yaml", spec.to_yaml())
                (directory / "trials").mkdir(exist_ok=True)
                say(f"sweep directory {directory}")
        except BrokenPipeError:  # nobody reads what is said
            raise
        except OSError as error:
            raise file_problem(directory, f"cannot be made: {error.strerror}; name another with --run-dir") from error
        yield mine


def _files(directory: Path) -> list[str]:
    return [path.name for path in directory.iterdir() if not path.name.startswith(".")]


def _check_new(directory: Path) -> None:
    if _files(directory):
        raise file_problem(
            directory, "is not empty, and a sweep never overwrites another; name a new directory, or give --resume"
        )


def _check_same(directory: Path, spec: Spec) -> None:
    check_same_spec(directory, spec, MAY_CHANGE)
    import archspec

    before = archspec.load(directory / "spec.yaml").search
    now = spec.search
    assert before is not None and now is not None
    a, b = before.tuner, now.tuner
    free: tuple[str, ...] = ("max_retries_per_trial", "max_consecutive_failed_trials")
    if isinstance(a, RandomSearch | GridSearch) or hasattr(a, "num_initial_points"):
        free = (*free, "max_trials")
    changed = [name for name in vars(a) if name not in free and vars(a)[name] != vars(b).get(name)]
    if type(a) is not type(b) or changed:
        what = f"{changed[0]} was {vars(a)[changed[0]]}" if type(a) is type(b) else f"it was {type(a).__name__}"
        raise file_problem(directory, f"is a sweep with another tuner ({what}); to go on give the same one")

"""A search carried out: by one process, or by a chief that chooses candidates and workers that train them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from archspec import Spec
from archspec.candidates.check import Checker
from archspec.errors import Where, argument_problem, problem_at
from archspec.network import SpecLike, as_spec
from archspec.spec.addresses import address
from archspec.wording import counted
from builder.runs.advice import resume_command
from builder.runs.names import BEST_SPEC
from builder.sweep import results
from builder.sweep.directory import choose_directory, claimed, is_begun, make_shared
from builder.sweep.processes.forkserver import ForkServer, shares
from builder.sweep.records import Files
from builder.sweep.results import Results
from builder.sweep.start import check_search, count_candidates, process_role
from builder.system.endings import Interrupted, TrialsFailed
from builder.system.tensorflow_start import import_tensorflow
from builder.system.terminal import Say

if TYPE_CHECKING:
    from builder.sweep.loop import Slot
    from builder.sweep.plan import Plan


def tune(
    spec: SpecLike,
    run_dir: str | os.PathLike[str] | None = None,
    data_dir: str | os.PathLike[str] | None = None,
    workers: int = 1,
    resume: bool = False,
    say: Say = print,
) -> Results:
    """Searches the space of a spec's `search` section; each candidate is trained in a process of its own.

    If keras-tuner's environment variables (`KERASTUNER_TUNER_ID` and others) are set, this process is the chief, which
    chooses candidates, or a worker, which trains them, in a search over several machines that share `run_dir`.

    Args:
        spec: a `Spec` with the sections `search` and `train`, its path or shipped name, or its data as a mapping.
        run_dir: the directory of the search, new or empty; by default `runs/<name>/search-<time>/`.
        data_dir: where TFDS keeps prepared data sets.
        workers: how many trials are trained at once; they share the cores and GPUs of this machine.
        resume: resume the search in `run_dir`, or the newest one of this network.
        say: takes the lines of progress.

    Returns:
        The trials and how they ended; `.best` is the best of them, `.best_spec` its spec.

    Raises:
        UserError: a mistake in the spec, no candidate inside the budget, data that cannot be read, a directory in use.
        Interrupted: Ctrl-C or SIGTERM, after the running trials saved their state.
        TrialsFailed: too many trials in a row failed.
    """
    spec = as_spec(spec)
    return _tune(spec, run_dir, None if data_dir is None else os.fspath(data_dir), workers, resume, say)


def _tune(
    spec: Spec,
    run_dir: str | os.PathLike[str] | None,
    data_dir: str | None,
    workers: int,
    resume: bool,
    say: Say,
) -> Results:
    # What can be wrong is found before anything is made.
    search = check_search(spec)
    role = process_role()
    if role != "alone" and run_dir is None:
        raise argument_problem(
            "--run-dir", "is missing; all processes of a search over several machines share a directory"
        )
    directory = choose_directory(spec.name, run_dir, resume)
    candidates = count_candidates(spec, search, resume and is_begun(directory))

    with contextlib.ExitStack() as stack:
        # The directory belongs to this process, or to the chief.
        if role == "worker":
            make_shared(directory)
        else:
            stack.enter_context(claimed(directory, spec, resume, say))

        # The process that starts trials imports TensorFlow while this one does.
        server = None if role == "chief" else stack.enter_context(contextlib.closing(ForkServer()))
        slots = _slots(workers, _take_gpus())

        # keras-tuner's oracle chooses candidates, from where its journal ends.
        plan = stack.enter_context(_planned(spec, Files(directory)))
        if role != "chief":
            _check_data(plan, data_dir, say)
        oracle = _make_oracle(plan, role)

        # Processes train them until the oracle has no more, or a signal arrives.
        from builder.sweep.loop import SweepLoop
        from builder.sweep.processes import chief

        planned = search.tuner.planned(plan.recipe.epochs, candidates)
        loop = SweepLoop(plan, oracle, slots, data_dir, planned, server, say, writes=role != "worker")
        if role != "worker" and oracle.trials:
            say(f"resuming: {loop.console.progress()}")
        signal = chief.serve(oracle, loop.update, say) if role == "chief" else loop.run()

        if role == "worker":
            _check_signal(signal)
            return Results.read(plan.files, search)
        found = _write_results(plan, dict(oracle.candidate_filter.rejected), signal is None, say)
        _check_end(plan, oracle, found, signal, data_dir, say)
        return found


def _take_gpus() -> list[str]:
    """The names of this machine's GPUs for CUDA_VISIBLE_DEVICES. They are left to the trials."""
    import_tensorflow()
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    with contextlib.suppress(RuntimeError):  # this process uses them already
        tf.config.set_visible_devices([], "GPU")
    named = [name for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name]
    return named or [str(index) for index in range(len(gpus))]


def _slots(workers: int, gpus: list[str]) -> list[Slot]:
    """The workers of this machine, with their names for the oracle and their parts of its cores and GPUs."""
    from builder.sweep.loop import Slot

    name = os.environ.get("KERASTUNER_TUNER_ID", "worker")
    return [Slot(f"{name}-{number + 1}", *share) for number, share in enumerate(shares(workers, gpus))]


@contextlib.contextmanager
def _planned(spec: Spec, files: Files) -> Iterator[Plan]:
    """The plan of a search, whose process for measuring latency ends with the block."""
    from builder.sweep.plan import Plan, with_tuner_epochs
    from builder.sweep.processes.latency import Meter

    spec = with_tuner_epochs(spec)
    with contextlib.closing(Meter(files.directory / "latency.json")) as meter:
        yield Plan(spec, Checker(spec, meter), files)


def _check_data(plan: Plan, data_dir: str | None, say: Say) -> None:
    """Loads the data once, so that what is wrong with them, and classes that they do not have, are reported before the
    first trial."""
    from builder.data import load_data
    from builder.data.balance import class_weights

    spec = plan.spec
    data = load_data(plan.recipe.data, spec.graph.input.shape, data_dir, address(spec, "train", "data"), say)
    class_weights(data, plan.recipe, address(spec, "train", "class_weight"))


def _make_oracle(plan: Plan, role: str) -> Any:
    """The oracle that chooses candidates, begun; for a worker, the client of the chief's."""
    from builder.sweep.processes import chief
    from builder.sweep.tuners.candidate_filter import CandidateFilter
    from builder.sweep.tuners.journal import NAME, Journal
    from builder.sweep.tuners.oracles import make_oracle

    oracle = make_oracle(plan.search, plan.recipe.epochs)
    if role == "worker":
        return chief.client(oracle)
    candidate_filter = CandidateFilter(plan.checker, plan.checker.networks.spec)
    journal = Journal(plan.files.directory / NAME)
    oracle.begin(plan.search.space, candidate_filter, journal, has_workers=role == "chief", on_create=plan.trial)
    return oracle


def _write_results(plan: Plan, rejected: dict[str, int], complete: bool, say: Say) -> Results:
    """Writes the results of the trials that have ended."""
    from builder.sweep.report.page import write_report

    found = Results.read(plan.files, plan.search, rejected, complete)
    plan.files.write_table([one.name for one in plan.search.space.dimensions])
    results.write(found)
    write_report(found)
    best = found.best
    if best is not None:
        say(
            f"best: trial {best.trial.id}, {plan.search.objective.name} {best.objective:.4f}: "
            f"{found.directory / BEST_SPEC}"
        )
    return found


def _check_signal(signal: int | None) -> None:
    if signal is not None:
        raise Interrupted(signal, None)


def _check_end(plan: Plan, oracle: Any, found: Results, signal: int | None, data_dir: str | None, say: Say) -> None:
    """Raises the error of a search that was interrupted, tried nothing, or stopped because its trials failed."""
    if signal is not None:
        say(f"interrupted; resume with: {resume_command('tune', found.directory, data_dir)}")
    _check_signal(signal)
    if not oracle.trials:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in found.rejected.items())
        where = Where("search.budget", plan.spec.tree.span)
        message = f"nothing is inside the budget; candidates drawn, by what excludes them: {reasons}"
        raise problem_at(where, message)
    if oracle.failures_in_a_row >= oracle.max_consecutive_failed_trials:
        last = next(one for one in reversed(found.outcomes) if one.has_failed)
        raise TrialsFailed(
            f"the last {counted(oracle.failures_in_a_row, 'trial')} failed, trial {last.trial.id} with: "
            f"{last.executions[-1].message}"
        )

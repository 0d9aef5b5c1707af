"""A sweep's processes: one that does all, or a chief that chooses and workers that train."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from archspec import Spec
from archspec.candidates.check import Checker
from archspec.errors import Where, problem_at
from archspec.wording import counted
from builder.sweep import results
from builder.sweep.processes.forkserver import ForkServer, shares
from builder.sweep.records import Files
from builder.sweep.results import Results
from builder.system.endings import Interrupted, TrialsFailed
from builder.system.tensorflow_start import import_tensorflow

if TYPE_CHECKING:
    from builder.sweep.plan import Plan


def run(
    spec: Spec,
    files: Files,
    role: str,
    candidates: int | None,
    data_dir: str | None,
    workers: int,
    say: Callable[[str], None],
) -> Results:
    """What `builder.sweep.start.tune` does once nothing is wrong any more; see there.

    Args:
        role: `alone`, `chief` or `worker`.
        candidates: how many there are inside the budget, where that is known.
    """
    with contextlib.ExitStack() as stack:
        nursery = None
        if role != "chief":
            nursery = ForkServer()  # it imports TensorFlow while this process does
            stack.callback(nursery.close)
        import_tensorflow()
        import tensorflow as tf

        gpus = _gpus()
        with contextlib.suppress(RuntimeError):  # where this process uses them already
            tf.config.set_visible_devices([], "GPU")  # they are the trials'
        from archspec.spec.addresses import address
        from builder.data import load_data
        from builder.sweep import loop
        from builder.sweep.plan import Plan, searched
        from builder.sweep.processes import chief
        from builder.sweep.processes.latency import Meter
        from builder.sweep.tuners import oracles
        from builder.sweep.tuners.candidate_filter import CandidateFilter
        from builder.sweep.tuners.journal import NAME, Journal

        spec = searched(spec)
        assert spec.train is not None
        meter = Meter(files.directory / "latency.json")
        stack.callback(meter.close)
        checker = Checker(spec, meter)
        plan = Plan(spec, checker, files)
        if role != "chief":
            load_data(spec.train.data, spec.graph.input.shape, data_dir, address(spec, "train", "data"), say)
        oracle: Any = oracles.oracle(plan.search, spec.train.epochs)
        if role == "worker":
            oracle = chief.client(oracle)
        else:
            judge = CandidateFilter(checker, checker.networks.spec)
            oracle.begin(plan.search.space, judge, Journal(files.directory / NAME), role == "chief", plan.trial)
        planned = oracles.planned(plan.search, spec.train.epochs, candidates)
        slots = [loop.Slot(name, *share) for name, share in zip(_names(workers), shares(workers, gpus), strict=True)]
        looped = loop.SweepLoop(plan, oracle, slots, data_dir, planned, say, nursery, role != "worker")
        if role != "worker" and oracle.trials:
            say(f"going on: {looped.progress()}")
        signal = chief.serve(oracle, looped.update, say) if role == "chief" else looped.run()
        if role == "worker":
            if signal is not None:
                raise Interrupted(signal, None)
            return Results.read(files, plan.search)
        found = _finish(plan, dict(judge.rejected), signal is None, say)
        _check_end(plan, oracle, found, signal, say)
        return found


def _names(workers: int) -> list[str]:
    """How each worker of this machine calls itself to the oracle."""
    name = os.environ.get("KERASTUNER_TUNER_ID", "worker")
    return [f"{name}-{index + 1}" for index in range(workers)]


def _check_end(plan: Plan, oracle: Any, found: Results, signal: int | None, say: Callable[[str], None]) -> None:
    """Raises what a sweep that has not found what it was to ends with."""
    if signal is not None:
        say(f"interrupted; go on with --resume --run-dir {found.directory}")
        raise Interrupted(signal, None)
    if not oracle.trials:
        told = ", ".join(f"{count:,} {reason}" for reason, count in found.rejected.items())
        where = Where("search.budget", plan.spec.tree.span)
        raise problem_at(where, f"nothing is inside the budget; candidates drawn, by what excludes them: {told}")
    if oracle.failures_in_a_row >= oracle.max_consecutive_failed_trials:
        last = next(one for one in reversed(found.outcomes) if one.has_failed)
        raise TrialsFailed(
            f"the last {counted(oracle.failures_in_a_row, 'trial')} failed, trial {last.trial.id} with: "
            f"{last.executions[-1].message}"
        )


def _finish(plan: Plan, rejected: dict[str, int], complete: bool, say: Callable[[str], None]) -> Results:
    """Writes what the trials have come to."""
    from builder.sweep.report.page import write_report

    found = Results.read(plan.files, plan.search, rejected, complete)
    plan.files.write_table([one.name for one in plan.search.space.dimensions])
    results.write(found)
    write_report(found)
    best = found.best
    if best is not None:
        say(
            f"best: trial {best.trial.id}, {plan.search.objective.name} {best.objective:.4f}: "
            f"{found.directory / 'best.yaml'}"
        )
    return found


def _gpus() -> list[str]:
    """The machine's GPUs, by the names that CUDA_VISIBLE_DEVICES takes."""
    import tensorflow as tf

    count = len(tf.config.list_physical_devices("GPU"))
    named = [name for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name]
    return named or [str(index) for index in range(count)]

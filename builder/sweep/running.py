"""A sweep's processes: one that does all, or a chief that chooses and workers that train."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from archspec import Spec
from archspec.search.check import Checker
from builder.quiet import import_tensorflow
from builder.sweep import results
from builder.sweep.jobs import shares
from builder.sweep.records import Files
from builder.sweep.results import Results
from builder.sweep.start import TrialsFailed, interrupted

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
    """What `builder.sweep.tune` does once nothing is wrong any more; see there.

    Args:
        role: `alone`, `chief` or `worker`.
        candidates: how many there are inside the budget, where that is known.
    """
    import_tensorflow()
    import tensorflow as tf

    gpus = _gpus()
    tf.config.set_visible_devices([], "GPU")  # they are the trials'
    from builder.data import load_data
    from builder.sweep import loop, oracles
    from builder.sweep.journal import NAME, Journal
    from builder.sweep.judge import Judge
    from builder.sweep.plan import Plan, searched
    from builder.train import address

    spec = searched(spec)
    assert spec.train is not None
    checker = Checker(spec)
    plan = Plan(spec, checker, files)
    load_data(spec.train.data, spec.graph.input.shape, data_dir, address(spec, "train", "data"), say)
    judge = Judge(checker, checker.networks.spec)
    oracle = oracles.oracle(plan.search, spec.train.epochs, judge, Journal(files.directory / NAME))
    planned = oracles.planned(plan.search, spec.train.epochs, candidates)
    names = [f"worker{index + 1}" for index in range(workers)]
    slots = [loop.Slot(name, *share) for name, share in zip(names, shares(workers, gpus), strict=True)]
    looped = loop.Loop(plan, oracle, slots, data_dir, planned, say)
    if oracle.trials:
        say(f"going on: {looped.progress()}")
    signal = looped.run()
    found = _finish(plan, dict(judge.rejected), signal is None, say)
    if signal is not None:
        raise interrupted(signal, files.directory, say)
    if oracle.failures_in_a_row >= oracle.max_consecutive_failed_trials:
        last = next(one for one in reversed(found.outcomes) if one.has_failed)
        raise TrialsFailed(
            f"the last {oracle.failures_in_a_row} trials failed, trial {last.trial.id} with: "
            f"{last.executions[-1].message}"
        )
    return found


def _finish(plan: Plan, rejected: dict[str, int], complete: bool, say: Callable[[str], None]) -> Results:
    """Writes what the trials have come to."""
    from builder.sweep.html import write_report

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

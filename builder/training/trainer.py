"""Trains a spec's network into a run directory, from the start or from where an earlier training was interrupted."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import keras
import tensorflow as tf

from archspec import Spec
from archspec.errors import file_problem, is_full_disk
from archspec.network import SpecLike, as_spec
from archspec.recipe import Train
from archspec.spec.addresses import address, recipe_of
from archspec.wording import counted
from builder.data import load_data
from builder.distribution.strategy import choose_strategy
from builder.runs.checkpoints import CheckpointStore
from builder.runs.comparison import with_recorded_batch
from builder.runs.directory import check_can_train, claim, locked, resumes
from builder.runs.environment import record_divergence, record_environment
from builder.runs.extension import extended_from
from builder.runs.names import CHECKPOINTS, MODEL
from builder.system.endings import Diverged, Interrupted, WorkerLost
from builder.system.terminal import Say, silent
from builder.training.batch_size import set_up_automatic
from builder.training.console import Console
from builder.training.fast_math import set_arithmetic
from builder.training.hints import hints
from builder.training.loop import Loop, OnEpoch
from builder.training.messages import devices_of, parameters_of, report_end, search_left_out, stopped_early
from builder.training.outputs import RunOutputs
from builder.training.progress import Progress
from builder.training.restoring import restore
from builder.training.result import Result, result_of
from builder.training.setup import Setup, set_up


def train(
    spec: SpecLike,
    run_dir: str | os.PathLike[str] | None = None,
    data_dir: str | os.PathLike[str] | None = None,
    say: Say = print,
    on_epoch: OnEpoch | None = None,
    resume: bool = False,
    until: int | None = None,
    extend: bool = False,
    memory_share: float = 1.0,
) -> Result:
    """Trains a network as its spec says.

    The run directory gets `spec.yaml`, `environment.json`, `network.svg`, `metrics.csv`, `tensorboard/`, the last
    states and the best weights in `checkpoints/`, and at the end `learning_curve.png` and `model.keras`: the best
    model, from uint8 pictures to logits, in stock Keras layers.

    Args:
        spec: a spec with a `train` section: a `Spec`, its path or shipped name, or its data as a mapping.
        run_dir: the run's own directory, new or empty; by default `runs/<name>/<time>/`.
        data_dir: where TFDS keeps prepared data sets.
        say: takes the lines of progress.
        on_epoch: takes the row of `metrics.csv` of each epoch that ends, as a dict from column to number. An exception
            that it raises ends the training; the run can be resumed. Of several workers, only the chief calls it.
        resume: resume the run in `run_dir` from its last checkpoint, if there is one.
        until: stop after this many epochs, if the spec has more, as if the run were interrupted: the schedule is that
            of all epochs, and `model.keras` is not written yet.
        extend: whether a resumed run may get more epochs than it began with although its schedule depends on their
            number, so that the learning rate leaves the curve that it has followed so far. Other schedules, such as a
            constant rate, steps or a plateau, need no permission.
        memory_share: the share of the free memory that `batch_size: auto` counts on, where several trainings begin on
            one machine.

    Raises:
        UserError: there is no `train` section, the data do not exist or fit, the batch does not divide, or the run
            directory is in use, cannot be resumed or cannot be written.
        Diverged: the loss or the weights became NaN or infinite.
        WorkerLost: another worker of the cluster is gone.
        Interrupted: Ctrl-C or SIGTERM came; the state is saved.
    """
    spec = as_spec(spec)
    _check_functions(say=say, on_epoch=on_epoch)
    check_can_train(spec, run_dir, resume, extend)
    is_resumed = resumes(run_dir, resume)
    spec = with_recorded_batch(Path(run_dir or ""), spec) if is_resumed else spec
    recipe = recipe_of(spec)
    if is_resumed and (result := _completed(Path(run_dir or ""), spec, recipe, say, until)):
        return result

    set_arithmetic(spec)  # first, as what follows computes
    placement = choose_strategy(recipe, partial(address, spec, "train"))
    is_chief = placement.is_chief  # the one process that writes and reports
    say = say if is_chief else silent
    if resume and not is_resumed:
        say(f"there is no run to resume{f' in {run_dir}' if run_dir else ''}, so this is a new one")
    if line := search_left_out(spec):
        say(line)
    if recipe.deterministic:
        tf.config.experimental.enable_op_determinism()
    data = load_data(spec, data_dir=data_dir, say=say)
    keras.utils.set_random_seed(recipe.seed)  # after the data, as preparing them draws numbers too
    has_state = is_resumed and bool(_store(Path(run_dir or ""), recipe).paths())
    if recipe.is_automatic:
        setup = set_up_automatic(spec, data, placement, not has_state, say, memory_share)
        spec, recipe = setup.spec, setup.recipe
    else:
        setup = set_up(spec, recipe, data, placement, not has_state, say)

    opened = _opened(run_dir, is_resumed, setup, say) if is_chief else contextlib.nullcontext(Path(run_dir or ""))
    with opened as directory:
        store = _store(directory, recipe, is_chief)
        progress = restore(store, setup, say) if is_resumed else Progress()
        outputs = RunOutputs(directory, setup, progress.rows, say) if is_chief else None
        console = Console(say, recipe, setup.steps_per_epoch)
        loop = Loop(setup, progress, store, console, outputs, on_epoch if is_chief else None, until)

        began = time.monotonic()
        try:
            loop.run()
        except (Interrupted, Diverged, WorkerLost, KeyboardInterrupt) as stop:
            report_end(stop, progress, setup, console, directory, data_dir)
            if outputs and isinstance(stop, Diverged):
                record_divergence(directory, str(stop))
            if outputs and progress.best and _may_still_save(stop):
                outputs.finish(progress)
            raise
        seconds = time.monotonic() - began

        if _is_partial(progress, recipe, until):
            say(f"stopped after epoch {progress.epochs}, as asked")
            return result_of(directory, progress, seconds)
        if progress.is_stopped(recipe):
            say(stopped_early(progress, recipe))
        return result_of(directory, progress, seconds, outputs.finish(progress) if outputs else None)


def _check_functions(**functions: object) -> None:
    """Refuses what cannot be called, before the first epoch would.

    Raises:
        TypeError: naming the argument.
    """
    for name, function in functions.items():
        if function is not None and not callable(function):
            raise TypeError(f"expected {name} to be a function, got an object of type {type(function).__name__}")


def _completed(directory: Path, spec: Spec, recipe: Train, say: Say, until: int | None) -> Result | None:
    """The result of a run that has nothing left to do, or None.

    Raises:
        FileError: early stopping has ended it, and it is to have more epochs.
    """
    if until is None and not (directory / MODEL).exists():
        return None
    checkpoint, _ = _store(directory, recipe).latest()
    progress = Progress.from_json(checkpoint.progress) if checkpoint else Progress()
    finished = progress.is_complete(recipe) and (directory / MODEL).exists()
    if progress.best is None or not (finished or _is_partial(progress, recipe, until)):
        return None
    if progress.is_stopped(recipe) and extended_from(directory, spec) is not None:
        raise file_problem(
            directory,
            f"was ended by early stopping after epoch {progress.epochs}, so that more epochs change nothing; let it "
            "continue with --set train.early_stopping=null, or with a longer patience",
        )
    say(f"{directory} is complete, after {counted(progress.epochs, 'epoch')}")
    return result_of(directory, progress, 0.0)


def _is_partial(progress: Progress, recipe: Train, until: int | None) -> bool:
    """Whether a run has come as far as it was asked to without being complete."""
    return until is not None and progress.epochs >= until and not progress.is_complete(recipe)


def _store(directory: Path, recipe: Train, is_writer: bool = False) -> CheckpointStore:
    return CheckpointStore(directory / CHECKPOINTS, recipe.checkpoints.keep, is_writer)


@contextlib.contextmanager
def _opened(run_dir: str | os.PathLike[str] | None, is_resumed: bool, setup: Setup, say: Say) -> Iterator[Path]:
    """The run's directory, claimed or opened again, locked, and with a record of where the result comes from.

    Raises:
        FileError: it is in use, or of other data; or the disk is full, within the block too.
    """
    spec, data = setup.spec, setup.data
    directory = Path(run_dir) if is_resumed and run_dir is not None else claim(run_dir, spec.name)
    with locked(directory):
        devices = [device.name for device in tf.config.list_logical_devices()]
        record_environment(directory, spec, data, devices, setup.recipe.seed, say)
        say(
            f"{spec.name}: {parameters_of(setup.network)}, {data.train_count:,} + {data.validation_count:,} pictures"
            f"{devices_of(setup.placement)}"
        )
        say(f"run directory {directory}")
        for hint in hints(setup):
            say(f"hint: {hint}")
        try:
            yield directory
        except (OSError, tf.errors.ResourceExhaustedError) as error:
            if not is_full_disk(error):
                raise
            message = "the disk is full; once there is space, resume the run with --resume"
            raise file_problem(directory, message) from error


def _may_still_save(stop: BaseException) -> bool:
    """Whether there is time to write the best model: no after SIGTERM (SIGKILL may follow), a second Ctrl-C or a lost
    worker."""
    return isinstance(stop, Diverged) or (isinstance(stop, Interrupted) and not stop.is_termination)

"""Training a spec's network into a run directory, from the start or from where a run was stopped."""

from __future__ import annotations

import contextlib
import functools
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras
import tensorflow as tf

from archspec import Spec, analyse
from archspec.errors import Where, file_problem, is_full_disk, problem_at
from archspec.recipe import Train
from archspec.recipe.fine_tuning import InitFrom
from archspec.spec.addresses import address, recipe_of
from archspec.wording import counted
from builder.data import Data, check_fits, load_data
from builder.data.batches import steps_per_epoch
from builder.distribution.strategy import Placement, place
from builder.network.model import build, freeze, frozen_layers, verify
from builder.pictures.normalisation import from_pixels
from builder.runs import checkpoints
from builder.runs.checkpoints import CheckpointStore, remove_leftovers
from builder.runs.directory import claim, goes_on, locked
from builder.runs.environment import record_environment
from builder.system.endings import Diverged, Interrupted, WorkerLost
from builder.training import optimizers
from builder.training.averaging import Ema
from builder.training.console import Console
from builder.training.loop import Loop, Setup
from builder.training.outputs import RunOutputs
from builder.training.progress import Progress
from builder.training.steps import evaluation_steps, training_steps
from builder.weights.init_from import init_from


@dataclass(frozen=True)
class Result:
    """How a run ended.

    Attributes:
        epochs: how many were completed.
        best_epoch: the one whose weights `model.keras` has.
        val_loss, val_accuracy: of `model.keras`, measured once more after it was converted to stock layers; where there
            is none yet, of the best epoch.
        seconds: of this process, from the first step to the last validation.
    """

    run_dir: Path
    epochs: int
    best_epoch: int
    val_loss: float
    val_accuracy: float
    seconds: float


def train(
    spec: Spec,
    run_dir: str | os.PathLike[str] | None = None,
    data_dir: str | os.PathLike[str] | None = None,
    say: Callable[[str], None] = print,
    resume: bool = False,
    until: int | None = None,
) -> Result:
    """Trains a network as its spec says.

    The run directory gets `spec.yaml`, `environment.json`, `metrics.csv`, `tensorboard/`, the last states and the best
    weights in `checkpoints/`, and in the end `learning_curve.png` and `model.keras`: the best model, from uint8
    pictures to logits, in stock Keras layers.

    Args:
        spec: a spec with a `train` section.
        run_dir: the run's own directory, new or empty; by default `runs/<name>/<time>/`.
        data_dir: where TFDS keeps prepared data sets.
        say: takes the lines of progress.
        resume: go on with the run in `run_dir`, if there is one, from its last checkpoint.
        until: stop after so many epochs, if the spec has more, as if the run were to go on: the schedule is that of all
            epochs, and there is no `model.keras` yet.

    Raises:
        UserError: no `train` section, data that does not exist or fit, a batch that does not divide, a run directory in
            use, or one that cannot be gone on with or written to.
        Diverged: the loss or the weights became NaN or infinite.
        WorkerLost: another worker of the cluster is gone.
        Interrupted: Ctrl-C or SIGTERM, after the state was saved.
    """
    recipe = recipe_of(spec)
    going_on = goes_on(spec, run_dir, resume)
    if going_on and (result := _complete(Path(str(run_dir)), recipe, say, until)):
        return result
    placement = place(recipe, functools.partial(address, spec, "train"))
    say = say if placement.is_chief else _silent
    if recipe.deterministic:
        tf.config.experimental.enable_op_determinism()
    where = address(spec, "train", "data")
    data = load_data(recipe.data, spec.graph.input.shape, data_dir, where, say)
    check_fits(data, spec.graph, recipe, where, address(spec, "train", "batch_size"))
    keras.utils.set_random_seed(recipe.seed)  # after the data, as preparing them draws numbers too
    begun = going_on and bool(_store(Path(str(run_dir)), recipe).paths())
    network, parts = _made(spec, recipe, data, placement, None if begun else recipe.init_from, say)
    with contextlib.ExitStack() as stack:
        if not placement.is_chief:
            return _run(Path(run_dir or ""), going_on, parts, say, None, until)
        directory = Path(run_dir) if going_on and run_dir is not None else claim(run_dir, spec.name)
        stack.enter_context(locked(directory))
        devices = [device.name for device in tf.config.list_logical_devices()]
        record_environment(directory, spec, data, devices, recipe.seed, say)
        say(
            f"{spec.name}: {_parameters(network)}, {data.train_count:,} + {data.validation_count:,} "
            f"pictures{_on(placement)}"
        )
        say(f"run directory {directory}")
        try:
            return _run(directory, going_on, parts, say, RunOutputs(directory, spec, network, parts, say), until)
        except (OSError, tf.errors.ResourceExhaustedError) as error:
            if not is_full_disk(error):
                raise
            message = "the disk is full; once there is space, go on with --resume"
            raise file_problem(directory, message) from error


def _complete(directory: Path, recipe: Train, say: Callable[[str], None], until: int | None) -> Result | None:
    """The result of a run that has nothing left to do."""
    if until is None and not (directory / "model.keras").exists():
        return None
    checkpoint, _ = _store(directory, recipe).latest()
    progress = Progress.from_json(checkpoint.progress) if checkpoint else Progress()
    finished = progress.is_complete(recipe) and (directory / "model.keras").exists()
    if progress.best is None or not (finished or _stops(progress, recipe, until)):
        return None
    say(f"{directory} is complete, after {counted(progress.epochs, 'epoch')}")
    best = progress.best
    return Result(directory, progress.epochs, int(best["epoch"]), best["val_loss"], best["val_accuracy"], 0.0)


def _stops(progress: Progress, recipe: Train, until: int | None) -> bool:
    """Whether a run that is not complete has come as far as it was asked to."""
    return until is not None and progress.epochs >= until and not progress.is_complete(recipe)


def _run(
    directory: Path,
    going_on: bool,
    parts: Setup,
    say: Callable[[str], None],
    keeper: RunOutputs | None,
    until: int | None,
) -> Result:
    """The loop, from the last checkpoint on if the run goes on; `keeper` is the chief's."""
    store = _store(directory, parts.recipe)
    progress = _restored(store, parts, say) if going_on else Progress()
    if keeper:
        keeper.begin(progress)
    console = Console(say, parts.recipe.epochs, steps_per_epoch(parts.data, parts.recipe), parts.recipe.batch_size)
    loop = Loop(parts, progress, store, console, keeper.epoch if keeper else None, until)
    began = time.monotonic()
    try:
        loop.run()
    except (Interrupted, Diverged, WorkerLost, KeyboardInterrupt) as stop:
        console.line(_why(stop, progress, parts))
        if not isinstance(stop, Diverged):
            say(f"go on with --resume {directory}")
        if keeper and progress.best and _leaves_time(stop):
            keeper.finish(progress)
        raise
    seconds = time.monotonic() - began
    best = progress.best or {}
    if _stops(progress, parts.recipe, until):
        say(f"stopped after epoch {progress.epochs}, as asked")
        keeper = None
    loss, accuracy = keeper.finish(progress) if keeper else (best["val_loss"], best["val_accuracy"])
    return Result(directory, progress.epochs, int(best["epoch"]), loss, accuracy, seconds)


def _restored(store: CheckpointStore, parts: Setup, say: Callable[[str], None]) -> Progress:
    """The progress of the newest checkpoint that is whole, its values put into the variables."""
    if parts.placement.is_chief:
        remove_leftovers(store.directory)
        remove_leftovers(store.directory.parent)
    checkpoint, broken = store.latest()
    for path in broken if parts.placement.is_chief else ():  # as the newest by its name it would displace the next ones
        path.replace(path.with_name(f"{path.name}.damaged"))
        say(f"{path} is damaged, and is passed over; it is kept as {path.name}.damaged")
    if checkpoint is None:
        say("there is no checkpoint: starting from the first step")
        return Progress()
    checkpoints.restore(parts.variables, checkpoint.tensors, checkpoint.path)
    progress = Progress.from_json(checkpoint.progress)
    _match_best(store, progress, parts, say)
    epoch, step = divmod(progress.step, steps_per_epoch(parts.data, parts.recipe))
    say(f"going on after epoch {epoch}, step {step}, from {checkpoint.path}")
    return progress


def _match_best(store: CheckpointStore, progress: Progress, parts: Setup, say: Callable[[str], None]) -> None:
    """Makes the best weights those of the epoch that the checkpoint says. The run may have ended between writing the
    one and the other, or a newer checkpoint may be damaged."""
    if progress.best is None:
        return
    epoch = int(progress.best["epoch"])
    if progress.best["step"] == progress.step:  # the checkpoint is from the end of that very epoch, and has them
        with parts.averaged():  # by all workers, as it may reduce over them
            weights = checkpoints.values(parts.weights)
        if parts.placement.is_chief and not checkpoints.has_best(store.directory, epoch):
            checkpoints.write_best(store.directory, weights, epoch)
        return
    if checkpoints.has_best(store.directory, epoch):
        return
    path, lacks = store.directory / checkpoints.BEST, f"is missing, damaged, or not of epoch {epoch}"
    if progress.is_complete(parts.recipe):
        raise file_problem(path, f"{lacks}, and no epoch is left that could take its place")
    say(f"{path} {lacks}: the best epoch will be one of those that follow")
    progress.best = None


def _leaves_time(stop: BaseException) -> bool:
    """Whether the best model is still written: not after SIGTERM, which SIGKILL may follow, nor a second Ctrl-C, nor
    without the other workers."""
    return isinstance(stop, Diverged) or (isinstance(stop, Interrupted) and not stop.is_termination)


def _why(stop: BaseException, progress: Progress, parts: Setup) -> str:
    """How a training that did not end by itself did end."""
    if isinstance(stop, Diverged | WorkerLost):
        return str(stop)
    epoch, step = divmod(progress.step, steps_per_epoch(parts.data, parts.recipe))
    saved = f"; saved as {stop.checkpoint}" if isinstance(stop, Interrupted) else ""
    return f"interrupted in epoch {epoch + 1}, after step {step}{saved}"


def _parameters(network: keras.Model) -> str:
    """How many there are; where layers are frozen also how many theirs are, the statistics of each among them."""
    count, frozen = network.count_params(), sum(layer.count_params() for layer in frozen_layers(network))
    return f"{count:,} parameters" + (f", {count - frozen:,} trained and {frozen:,} frozen" if frozen else "")


def _on(placement: Placement) -> str:
    if placement.is_multi_worker:
        return f", {counted(placement.replicas, 'replica')} on {counted(len(placement.cluster.workers), 'worker')}"
    return f", {counted(placement.replicas, 'replica')}" if placement.replicas > 1 else ""


def _silent(line: str) -> None:
    pass


def _store(directory: Path, recipe: Train) -> CheckpointStore:
    return CheckpointStore(directory / "checkpoints", recipe.checkpoints.keep)


def _made(
    spec: Spec, recipe: Train, data: Data, placement: Placement, init: InitFrom | None, say: Callable[[str], None]
) -> tuple[keras.Model, Setup]:
    """The network, and what a loop needs to train it."""
    analysis = analyse(spec)
    synchronized = recipe.synchronized_batch_norm and placement.replicas > 1
    try:
        with placement.strategy.scope():
            network = build(spec, "synchronized" if synchronized else "fast", recipe.precision)
            verify(network, analysis)
            if init is not None:
                say(init_from(network, spec.graph, init, address(spec, "train", "init_from")))
            freeze(network, recipe.trains)
            batch_size_at = address(spec, "train", "batch_size")
            parts = _parts(recipe, data, batch_size_at, placement, from_pixels(network, data.normalisation))
    except tf.errors.ResourceExhaustedError:
        message = (
            f"the network and its optimizer need more memory than there is: {counted(analysis.parameters, 'parameter')}"
        )
        raise problem_at(address(spec, "model"), message) from None
    return network, parts


def _parts(recipe: Train, data: Data, batch_size_at: Where, placement: Placement, model: keras.Model) -> Setup:
    """All that a loop needs, made in the strategy's scope."""
    optimizer = optimizers.optimizer(recipe)
    optimizer.build(model.trainable_variables)
    ema = Ema(model, recipe.ema) if recipe.ema else None
    return Setup(
        recipe=recipe,
        data=data,
        batch_size_at=batch_size_at,
        placement=placement,
        train=training_steps(model, optimizer, ema, recipe, placement.strategy),
        evaluate=evaluation_steps(model, recipe, placement.strategy),
        variables={
            **checkpoints.named(model.variables, "model/"),
            **checkpoints.named(optimizer.variables, "optimizer/"),
            **checkpoints.named(ema.variables if ema else [], "ema/"),
        },
        weights=checkpoints.named(model.weights),
        averaged=ema.swapped if ema else contextlib.nullcontext,
    )

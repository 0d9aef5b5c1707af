"""What a training says at its start and its end."""

from __future__ import annotations

import os
from pathlib import Path

import keras
import tensorflow as tf

from archspec import Spec
from archspec.recipe import Train
from archspec.wording import counted
from builder.distribution.strategy import Placement
from builder.network.model import frozen_layers
from builder.runs.advice import resume_command
from builder.system.endings import Diverged, Interrupted, WorkerLost
from builder.training.console import Console
from builder.training.progress import Progress
from builder.training.setup import Setup


def search_left_out(spec: Spec) -> str | None:
    """A line on a `search` section that does not fit the values that were set, and is not in the run's spec."""
    if not spec.search_conflicts:
        return None
    first = spec.search_conflicts[0]
    reason = f"{first.where.path}: {first.message}"
    return f"the run's spec is without the section 'search', which does not fit what is set: {reason}"


def parameters_of(network: keras.Model) -> str:
    """How many parameters there are, how many are trainable, and how many belong to frozen layers, batch statistics
    included, if there are any."""
    trainable = sum(weight.shape.num_elements() for weight in network.trainable_weights)
    frozen = sum(layer.count_params() for layer in frozen_layers(network))
    shares = f"{trainable:,} trainable" + (f", {frozen:,} frozen" if frozen else "")
    return f"{network.count_params():,} parameters ({shares})"


def devices_of(placement: Placement) -> str:
    """The replicas and workers, or the devices of towers, after a comma, if there are several, and the GPUs of
    this process, if any."""
    if placement.towers:
        return f", towers on {', '.join(placement.towers)}"
    gpus = len(tf.config.list_logical_devices("GPU"))
    on_gpus = f", on {counted(gpus, 'GPU')}" if gpus else ""
    if placement.is_multi_worker:
        workers = counted(len(placement.cluster.workers), "worker")
        return f", {counted(placement.replicas, 'replica')} on {workers}{on_gpus and f', this one{on_gpus[1:]}'}"
    return (f", {counted(placement.replicas, 'replica')}" if placement.replicas > 1 else "") + on_gpus


def stopped_early(progress: Progress, recipe: Train) -> str:
    """Why early stopping ended a training, in words."""
    rule = recipe.early_stopping
    assert rule is not None
    best = progress.stopping(recipe).best
    gain = f" by {rule.min_delta:g}" if rule.min_delta else ""
    return (
        f"stopped early after epoch {progress.epochs} of {recipe.epochs}: {rule.monitor} has not improved{gain} on "
        f"{best:.4f} for {counted(rule.patience, 'epoch')}"
    )


def report_end(
    stop: BaseException,
    progress: Progress,
    setup: Setup,
    console: Console,
    directory: Path,
    data_dir: str | os.PathLike[str] | None,
) -> None:
    """Says why a training ended early, and how to resume it."""
    if isinstance(stop, Diverged | WorkerLost):
        console.line(str(stop))
    else:
        epoch, step = divmod(progress.step, setup.steps_per_epoch)
        saved = f"; saved as {stop.checkpoint}" if isinstance(stop, Interrupted) else ""
        console.line(f"interrupted in epoch {epoch + 1}, after step {step}{saved}")
    if not isinstance(stop, Diverged):
        is_alone = not setup.placement.is_multi_worker  # several workers may have been started in many ways
        console.line(
            f"resume with: {resume_command('train', directory, data_dir)}"
            if is_alone
            else f"resume with the same command and --resume {directory}"
        )

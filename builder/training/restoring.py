"""Restores the state of an interrupted training from its newest checkpoint."""

from __future__ import annotations

from archspec.errors import file_problem
from builder.runs import checkpoints
from builder.runs.checkpoints import CheckpointStore
from builder.runs.names import BEST
from builder.system.terminal import Say
from builder.training.progress import Progress
from builder.training.setup import Setup


def restore(store: CheckpointStore, setup: Setup, say: Say) -> Progress:
    """Assigns the values of the newest whole checkpoint to the variables, and returns its progress; without a
    checkpoint the training starts from its first step.

    Damaged checkpoints are set aside, and the weights of the best epoch are made to fit the checkpoint.

    Raises:
        FileError: the checkpoint is of another network, or the best weights of a complete run are lost.
    """
    store.remove_leftovers()
    checkpoint, broken = store.latest()
    for path in broken:
        store.set_aside(path)
        say(f"{path} is damaged, and is passed over; it is renamed to {path.name}.damaged")
    if checkpoint is None:
        say("there is no checkpoint: starting from the first step")
        return Progress()
    checkpoints.restore(setup.state.variables, checkpoint.tensors, checkpoint.path)
    progress = Progress.from_json(checkpoint.progress)
    _match_best(store, progress, setup, say)
    epoch, step = divmod(progress.step, setup.steps_per_epoch)
    say(f"resuming after epoch {epoch}, step {step}, from {checkpoint.path}")
    return progress


def _match_best(store: CheckpointStore, progress: Progress, setup: Setup, say: Say) -> None:
    """Makes sure that `best.safetensors` has the weights of the epoch that the checkpoint calls the best. The run may
    have ended between the writing of the two files, or a newer checkpoint may be damaged."""
    if progress.best is None:
        return
    epoch = int(progress.best["epoch"])
    if progress.best["step"] == progress.step:  # the checkpoint is from the end of that very epoch, and has its weights
        with setup.state.averaged():  # by all workers, as it may reduce over them
            weights = checkpoints.values(setup.state.weights)
        if store.is_writer and not store.has_best(epoch):
            store.write_best(weights, epoch)
        return
    if store.has_best(epoch):
        return
    path, lacks = store.directory / BEST, f"is missing, damaged, or not of epoch {epoch}"
    if progress.is_complete(setup.recipe):
        raise file_problem(path, f"{lacks}, and no epoch is left that could take its place")
    say(f"{path} {lacks}: the best epoch will be one of those that follow")
    progress.best = None

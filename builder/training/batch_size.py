"""The batch size of a training that leaves it open, `batch_size: auto`: estimated, tried with a step, and halved until
one fits; and the batch size to advise where a step runs out of memory."""

from __future__ import annotations

import dataclasses
import gc
from dataclasses import dataclass

import keras
import tensorflow as tf

from archspec import Spec
from archspec.errors import is_full_disk, problem_at
from archspec.recipe.batch_size import LEAST_PICTURES, LEAST_STEPS, MOST_PICTURES, automatic_batch, sensible_batch
from archspec.spec.addresses import address, recipe_of
from archspec.tables import size
from archspec.wording import counted
from builder.data import Data
from builder.data.batches import training_batches
from builder.distribution.strategy import Placement, one_device
from builder.runs import checkpoints
from builder.system.terminal import Say, silent
from builder.training.memory import StepMemory, on_gpu, step_memory
from builder.training.setup import Setup, distributed, set_up

CPU_SHARE = 0.5
"""The share of the free memory of a machine that a step may take on its CPU, where the system ends a process that
takes too much: pictures in memory, checkpoints and other programs need some as well."""


@dataclass(frozen=True)
class ChosenBatch:
    """A batch size, and why it is no larger, in words."""

    batch_size: int
    reason: str

    @property
    def line(self) -> str:
        return f"batch_size: auto is {self.batch_size}: {self.reason}"


def set_up_automatic(
    spec: Spec, data: Data, placement: Placement, initialise: bool, say: Say, share: float = 1.0
) -> Setup:
    """Sets up a training with the largest batch that fits, as `set_up` does with a given one; `setup.spec` and
    `setup.recipe` have the number.

    Args:
        share: the share of the free memory that this training may take.

    Raises:
        UserError: those of `set_up`; or not even a picture on each device fits.
    """
    choice = estimate(spec, data, placement, share)
    if placement.is_multi_worker:
        choice = _agreed(spec, data, placement, choice)
        setup = _set_up(_with_batch(spec, choice.batch_size), data, placement, initialise, say)
    else:
        choice, setup = _largest(spec, data, placement, choice, initialise, say)
    say(f"{choice.line}; the run's spec.yaml has the number")
    return setup


def estimate(spec: Spec, data: Data, placement: Placement, share: float = 1.0) -> ChosenBatch:
    """The batch size that the data and the memory allow, by the analysis of the network.

    Raises:
        SpecError: there are fewer training pictures than devices, or parts of a batch.
    """
    recipe = recipe_of(spec)
    parts = placement.replicas * recipe.accumulate
    if data.train_count < parts:
        message = (
            f"a batch has at least a picture for each of {counted(placement.replicas, 'replica')} x "
            f"{counted(recipe.accumulate, 'part')} (accumulate), and {data.name} has "
            f"{counted(data.train_count, 'picture')} to train on; use fewer devices or parts"
        )
        raise problem_at(address(spec, "train", "batch_size"), message)
    memory = _usable(step_memory(spec, placement), share)
    most = min(sensible_batch(data.train_count), memory.fitting * parts)
    chosen = automatic_batch(most, parts)
    if memory.fitting * parts < sensible_batch(data.train_count):
        reason = (
            f"a step of {2 * chosen} would take about {size(memory.needed(2 * chosen // parts))} of memory, and this "
            f"training may take {size(memory.free)}"
        )
    elif data.train_count // LEAST_STEPS < LEAST_PICTURES:
        pictures = counted(data.train_count, "picture")
        reason = (
            f"there are only {pictures} to train on, and batch normalisation needs about {LEAST_PICTURES} in a step"
        )
    elif data.train_count // LEAST_STEPS < MOST_PICTURES:
        reason = f"so that an epoch of {counted(data.train_count, 'picture')} has at least {LEAST_STEPS} steps"
    else:
        reason = f"more than {MOST_PICTURES:,} pictures in a step are no faster, and train no better"
    return ChosenBatch(chosen, reason)


def smaller_batch(setup: Setup) -> str:
    """What to do where a step has run out of memory, with the batch size that would fit."""
    recipe, replicas = setup.recipe, setup.placement.replicas
    parts = replicas * recipe.accumulate
    batch = recipe.global_batch
    if batch <= parts:
        return "not even one picture on each device fits: use a smaller network, or precision: mixed_bfloat16"
    fitting = automatic_batch(min(step_memory(setup.spec, setup.placement, True).fitting * parts, batch // 2), parts)
    accumulate = next(
        (more for more in range(recipe.accumulate + 1, batch + 1) if _divides(batch, replicas, more, fitting // parts)),
        None,
    )
    again = ", or train.rematerialize=true" if _fits_rematerialized(setup) else ""
    in_parts = f", or train.accumulate={accumulate}, which computes the same batch in parts" if accumulate else ""
    return f"train.batch_size={fitting} should fit{again}{in_parts}"


def _fits_rematerialized(setup: Setup) -> bool:
    """Whether a step should fit if activations were computed again, and are not yet: in what is free, and in what half
    the batch takes without, as the estimate was too low for the whole."""
    recipe = setup.recipe
    if recipe.rematerialize:
        return False
    pictures = -(-recipe.global_batch // (setup.placement.replicas * recipe.accumulate))
    kept = step_memory(setup.spec, setup.placement, True)
    again = step_memory(setup.spec.with_values({"train.rematerialize": True}), setup.placement, True)
    return again.needed(pictures) <= min(again.free, kept.needed(pictures // 2))


def _divides(batch: int, replicas: int, accumulate: int, most: int) -> bool:
    """Whether a batch divides into parts of at most so many pictures."""
    return batch % (replicas * accumulate) == 0 and batch // (replicas * accumulate) <= most


def _usable(memory: StepMemory, share: float) -> StepMemory:
    return dataclasses.replace(memory, free=int(memory.free * share * (1.0 if on_gpu() else CPU_SHARE)))


def _with_batch(spec: Spec, batch_size: int) -> Spec:
    return spec.with_values({"train.batch_size": batch_size})


def _set_up(spec: Spec, data: Data, placement: Placement, initialise: bool, say: Say) -> Setup:
    recipe = recipe_of(spec)
    keras.utils.set_random_seed(recipe.seed)
    return set_up(spec, recipe, data, placement, initialise, say)


# -- trial steps -------------------------------------------------------------------------------------------------------


def _largest(
    spec: Spec, data: Data, placement: Placement, choice: ChosenBatch, initialise: bool, say: Say
) -> tuple[ChosenBatch, Setup]:
    """The largest batch, at most that of `choice`, whose step does not run out of memory, and a setup with it.

    Raises:
        SpecError: none fits.
    """
    parts = placement.replicas * recipe_of(spec).accumulate
    while True:
        setup = _set_up(_with_batch(spec, choice.batch_size), data, placement, initialise, say)
        if _fits(setup):
            return choice, setup
        if choice.batch_size <= parts:
            message = f"a step of {counted(parts, 'picture')} needs more memory than there is; {smaller_batch(setup)}"
            raise problem_at(address(spec, "train", "batch_size"), message)
        choice = ChosenBatch(choice.batch_size // 2, f"a step of {choice.batch_size} ran out of memory")
        say = silent  # it has said which weights it starts from
        del setup
        gc.collect()  # of circles between the model and its compiled steps, which keep memory


def _fits(setup: Setup) -> bool:
    """Whether a step fits into memory. It is a step of the training itself, whose variables are then put back. Pictures
    that cannot be read are left to the training to report, which reads them again."""
    before = checkpoints.values(setup.state.variables)
    data, recipe, of_each = setup.data, setup.recipe, setup.recipe.global_batch // setup.placement.replicas
    batches = iter(distributed(setup.placement, lambda shard: training_batches(data, recipe, of_each, shard=shard)))
    try:
        setup.train(batches, [0.0], 0.0).numpy()
    except tf.errors.OpError as error:
        if isinstance(error, tf.errors.ResourceExhaustedError) and not is_full_disk(error):
            return False
    for name, variable in setup.state.variables.items():
        variable.assign(before[name])
    return True


def _agreed(spec: Spec, data: Data, placement: Placement, choice: ChosenBatch) -> ChosenBatch:
    """The smallest of the batches that the workers find, each by steps of its own on one device: a step of all of them
    would wait for the workers that have run out of memory."""
    replicas, here = placement.replicas, one_device()
    values = {"train.batch_size": choice.batch_size // replicas, "train.xla": "off"}  # as several replicas have no XLA
    alone = spec.with_values({**values, "train.distribute": "off"})
    each = ChosenBatch(choice.batch_size // replicas, "")
    found, _ = _largest(alone, data, here, each, False, silent)
    strategy = placement.strategy

    @tf.function(autograph=False)  # as TensorFlow warns of steps of several workers without a function
    def of_each() -> tf.Tensor:
        return strategy.run(lambda: tf.fill([1], found.batch_size))

    least = int(tf.reduce_min(strategy.gather(of_each(), axis=0))) * replicas
    return choice if least == choice.batch_size else ChosenBatch(least, "it is the largest that fits on every worker")

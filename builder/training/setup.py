"""Sets up a training: the network, its optimizer, the compiled steps, and the variables that a checkpoint holds."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from archspec import Spec, analyse
from archspec.errors import problem_at
from archspec.recipe import Train
from archspec.spec.addresses import address, recipe_of
from archspec.wording import counted
from builder.data import Data
from builder.data.balance import class_weights
from builder.data.batches import steps_per_epoch
from builder.distribution.strategy import Placement
from builder.network.model import Lowering, build, freeze, verify
from builder.network.variables import quick_variables
from builder.pictures.normalisation import from_pixels
from builder.runs import checkpoints
from builder.system.terminal import Say
from builder.training import optimizers
from builder.training.averaging import Ema
from builder.training.recomputation import Forward, recomputing
from builder.training.steps import Steps, evaluation_steps, is_compiled, training_steps
from builder.weights.init_from import init_from


@dataclass(frozen=True)
class State:
    """The variables that a training changes.

    Attributes:
        variables: all of them by name: the tensors of a checkpoint.
        weights: the network's by name: the tensors of `best.safetensors`.
        averaged: a context in which the network has the weights that are validated and saved as the best ones: their
            moving averages if the recipe asks for them, else the weights as they are.
    """

    variables: dict[str, keras.Variable]
    weights: dict[str, keras.Variable]
    averaged: Callable[[], contextlib.AbstractContextManager[None]]


@dataclass(frozen=True)
class Setup:
    """All that a training works with, made once at its start.

    Attributes:
        network: from normalised pictures to logits, in the fast lowering.
        train, evaluate: the compiled steps; see `builder.training.steps`.
    """

    spec: Spec
    recipe: Train
    data: Data
    placement: Placement
    network: keras.Model
    train: Steps
    evaluate: Steps
    state: State

    @property
    def steps_per_epoch(self) -> int:
        return steps_per_epoch(self.data, self.recipe)


def distributed(placement: Placement, batches: Callable[[tuple[int, int]], tf.data.Dataset]) -> Iterable[Any]:
    """The batches of this process's shard, (index, count), one after another for each of its replicas."""

    def of_this_process(context: tf.distribute.InputContext) -> tf.data.Dataset:
        return batches((context.input_pipeline_id, context.num_input_pipelines))

    return placement.strategy.distribute_datasets_from_function(of_this_process)


def set_up(spec: Spec, recipe: Train, data: Data, placement: Placement, initialise: bool, say: Say) -> Setup:
    """Builds a spec's network on the devices of a placement, and all that is needed to train it.

    Args:
        initialise: whether to take the weights that the recipe's `init_from` names, if it names any.

    Raises:
        UserError: the weights cannot be taken, `class_weight` names an unknown class, or the memory is too small.
    """
    analysis = analyse(spec)
    weights = class_weights(data, recipe, address(spec, "train", "class_weight"))
    synchronized = recipe.synchronized_batch_norm and placement.replicas > 1
    try:
        with placement.strategy.scope():
            lowering: Lowering = "synchronized" if synchronized else "fast"
            network = build(spec, lowering, recipe.precision, towers=placement.towers)
            verify(network, analysis)
            if initialise and recipe.init_from is not None:
                say(init_from(network, spec.graph, recipe.init_from, address(spec, "train", "init_from")))
            freeze(network, recipe.trains)
            model = from_pixels(network, data.normalisation)
            optimizer = optimizers.optimizer(recipe)
            with quick_variables():
                optimizer.build(model.trainable_variables)
            ema = Ema(model, recipe.ema) if recipe.ema else None
            return Setup(
                spec=spec,
                recipe=recipe,
                data=data,
                placement=placement,
                network=network,
                train=training_steps(
                    model,
                    optimizer,
                    ema,
                    recipe,
                    placement.strategy,
                    weights,
                    _forward(model, network, spec, placement),
                ),
                evaluate=evaluation_steps(model, recipe, placement.strategy),
                state=_state(model, optimizer, ema),
            )
    except tf.errors.ResourceExhaustedError:
        message = (
            f"the network and its optimizer need more memory than there is: {counted(analysis.parameters, 'parameter')}"
        )
        raise problem_at(address(spec, "model"), message) from None


def _forward(model: keras.Model, network: keras.Model, spec: Spec, placement: Placement) -> Forward | None:
    """The forward pass of `train.rematerialize`, from pixels on; None without it."""
    recipe = recipe_of(spec)
    if not recipe.rematerialize:
        return None
    normalised = model.get_layer("pixels")
    forward = recomputing(network, spec.graph, is_compiled(recipe, placement.replicas))
    return lambda pictures: forward(normalised(pictures))


def _state(model: keras.Model, optimizer: keras.optimizers.Optimizer, ema: Ema | None) -> State:
    return State(
        variables={
            **checkpoints.named(model.variables, "model/"),
            **checkpoints.named(optimizer.variables, "optimizer/"),
            **checkpoints.named(ema.variables if ema else [], "ema/"),
        },
        weights=checkpoints.named(model.weights),
        averaged=ema.swapped if ema else contextlib.nullcontext,
    )

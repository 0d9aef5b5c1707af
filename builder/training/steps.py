"""The compiled steps of training and validation, under any strategy."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from archspec.recipe import Train
from archspec.recipe.distribution import Towers
from archspec.recipe.monitor import ACCURACIES, METRICS
from builder.distribution import towers
from builder.network.choices import device, groups_apart
from builder.network.model import weighted_layers
from builder.training.averaging import Ema
from builder.training.losses import correct, loss, weighted
from builder.training.recomputation import Forward

MOST_STEPS = 256
"""The largest number of steps in one call."""

Steps = Callable[..., tf.Tensor]
"""Compiled steps: see `training_steps` and `evaluation_steps`."""


def training_steps(
    model: keras.Model,
    optimizer: keras.optimizers.Optimizer,
    ema: Ema | None,
    recipe: Train,
    strategy: tf.distribute.Strategy,
    class_weights: np.ndarray | None = None,
    forward: Forward | None = None,
) -> Steps:
    """A function that trains some steps in one call, so that small models do not wait for Python.

    Args:
        model: from pictures to logits.
        optimizer: takes gradients that are already summed over the replicas.
        ema: a moving average of the weights, updated after each step.
        class_weights: factors for the loss of each class's pictures, float32 (classes,); the loss that is reported has
            them too.
        forward: the model in training, where it is computed in another way than by `model(pictures, training=True)`.

    Returns:
        A function of an iterator over a replica's batches, the learning rates of at most MOST_STEPS steps, and a flag,
        0 or 1, that asks all workers to stop. It gives (steps, metrics + 1) float32: the sum of each of METRICS over
        the global batch, and how many replicas were asked to stop.
    """
    replicas = strategy.num_replicas_in_sync
    variables = model.trainable_variables
    losses = weighted(loss(recipe), class_weights)
    synchronized = recipe.synchronized_batch_norm and replicas > 1
    has_towers = isinstance(recipe.distribute, Towers)
    statistics = [] if replicas == 1 or synchronized else _moving_statistics(model)

    def part(pictures: tf.Tensor, labels: tf.Tensor) -> tuple[list[tf.Tensor], tf.Tensor]:
        """Gradients of the summed loss over the global batch size, and the sums that are reported."""
        with tf.GradientTape() as tape:
            logits = model(pictures, training=True) if forward is None else forward(pictures)
            of_each = losses(labels, logits)
            mean = optimizer.scale_loss(tf.reduce_sum(of_each) / recipe.global_batch)
        values = [variable.value for variable in variables]
        gradients = towers.gradients(mean, values) if has_towers else tape.gradient(mean, values)
        reported = (of_each, *(correct(labels, logits, k) for k in ACCURACIES.values()))
        return gradients, tf.stack([tf.reduce_sum(value) for value in reported])

    @_placed(recipe)
    def replica_step(pictures: tf.Tensor, labels: tf.Tensor, stop: tf.Tensor) -> tf.Tensor:
        if recipe.accumulate == 1:
            gradients, sums = part(pictures, labels)
        else:
            gradients, sums = _in_parts(part, recipe.accumulate, pictures, labels, synchronized)
        context = tf.distribute.get_replica_context()
        if replicas > 1:
            gradients = context.all_reduce(tf.distribute.ReduceOp.SUM, gradients)
        optimizer.apply(gradients, variables)
        if statistics:
            # Each replica has seen other pictures. The mean keeps all copies equal, as a checkpoint holds one.
            means = context.all_reduce(tf.distribute.ReduceOp.MEAN, [tf.identity(variable) for variable in statistics])
            for variable, mean in zip(statistics, means, strict=True):
                variable.assign(mean)
        if ema is not None:
            ema.update()
        return tf.concat([sums, [stop]], 0)

    single = _compiled(replica_step) if is_compiled(recipe, replicas) else replica_step

    @tf.function(autograph=False)
    def steps(iterator: Iterator[Any], rates: tf.Tensor, count: tf.Tensor, stop: tf.Tensor) -> tf.Tensor:
        def step(index: tf.Tensor) -> tf.Tensor:
            optimizer.learning_rate.assign(rates[index])
            result = strategy.run(single, (*next(iterator), stop))
            return strategy.reduce(tf.distribute.ReduceOp.SUM, result, axis=None)

        return _collected(step, count, len(METRICS) + 1)

    def of_any_number(iterator: Iterator[Any], rates: Sequence[float], stop: float) -> tf.Tensor:
        padded = np.zeros(MOST_STEPS, np.float32)  # always the same shape, so that it is traced once
        padded[: len(rates)] = rates
        return steps(iterator, tf.constant(padded), tf.constant(len(rates)), tf.constant(stop, tf.float32))

    return of_any_number


def evaluation_steps(model: keras.Model, recipe: Train, strategy: tf.distribute.Strategy) -> Steps:
    """A function of an iterator over (pictures, labels, weights) and a number of steps. It gives (steps, metrics + 1)
    float32: each of METRICS times the weight, and the weights, summed over the global batch."""
    losses = loss(recipe)

    @_placed(recipe)
    def replica_step(pictures: tf.Tensor, labels: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
        logits = model(pictures, training=False)
        of_each = (losses(labels, logits), *(correct(labels, logits, k) for k in ACCURACIES.values()), 1.0)
        return tf.stack([tf.reduce_sum(value * weights) for value in of_each])

    @tf.function(autograph=False)
    def steps(iterator: Iterator[Any], count: tf.Tensor) -> tf.Tensor:
        def step(index: tf.Tensor) -> tf.Tensor:
            result = strategy.run(replica_step, next(iterator))
            return strategy.reduce(tf.distribute.ReduceOp.SUM, result, axis=None)

        return _collected(step, count, len(METRICS) + 1)

    return steps


def _placed(recipe: Train) -> Callable[[Steps], Steps]:
    """A decorator of a step: where towers have devices, what is not a layer runs where its input is."""

    def decorator(step: Steps) -> Steps:
        def placed(*arguments: tf.Tensor) -> tf.Tensor:
            with towers.following():
                return step(*arguments)

        return placed if isinstance(recipe.distribute, Towers) else step

    return decorator


def _compiled(step: Steps) -> Steps:
    """A step that XLA compiles. On a CPU its grouped convolution takes up to 200 times as long as groups apart."""

    def traced(*arguments: tf.Tensor) -> tf.Tensor:
        with groups_apart() if device().is_cpu else contextlib.nullcontext():
            return step(*arguments)

    compiled: Steps = tf.function(traced, autograph=False, jit_compile=True)
    return compiled


def _collected(step: Callable[[tf.Tensor], tf.Tensor], count: tf.Tensor, size: int) -> tf.Tensor:
    """Runs `count` steps in a loop of the graph, and stacks their results, (count, size). AutoGraph would write the
    same loop, but takes a second or two of each training to read all that the step calls."""

    def body(index: tf.Tensor, results: tf.TensorArray) -> tuple[tf.Tensor, tf.TensorArray]:
        return index + 1, results.write(index, step(index))

    empty = tf.TensorArray(tf.float32, count, element_shape=(size,))
    return tf.while_loop(lambda index, _: index < count, body, (0, empty))[1].stack()


def _moving_statistics(model: keras.Model) -> list[keras.Variable]:
    """The moving statistics of batch normalisations that are not frozen. Other variables that are not trained, such as
    the seeds of dropout, change in the same way on all replicas."""
    layers = (layer for layer in weighted_layers(model) if layer.trainable)
    return [weight for layer in layers for weight in layer.weights if weight.name.startswith("moving_")]


def _in_parts(
    part: Callable[..., Any], count: int, pictures: tf.Tensor, labels: tf.Tensor, unrolled: bool
) -> tuple[list[tf.Tensor], tf.Tensor]:
    """Adds up the gradients and sums of a batch's parts, computed one after another: in a loop of the graph, or
    unrolled where the parts reduce over replicas, which TensorFlow cannot do inside a loop."""
    size = tf.shape(labels)[0] // count

    def added(index: Any, gradients: list[tf.Tensor], sums: tf.Tensor) -> tuple[Any, list[tf.Tensor], tf.Tensor]:
        begin = index * size
        more, further = part(pictures[begin : begin + size], labels[begin : begin + size])
        return index + 1, [one + other for one, other in zip(gradients, more, strict=True)], sums + further

    state = (1, *part(pictures[:size], labels[:size]))
    if unrolled:
        for _ in range(1, count):
            state = added(*state)
    else:
        state = tf.while_loop(lambda index, *_: index < count, added, state)
    _, gradients, sums = state
    return gradients, sums


def is_compiled(recipe: Train, replicas: int) -> bool:
    """Whether XLA compiles the step. With it a CPU trains ResNet-50 three times more slowly, and several replicas
    fail, as several devices do."""
    return recipe.xla == "on" or (
        recipe.xla == "auto"
        and replicas == 1
        and not isinstance(recipe.distribute, Towers)
        and bool(tf.config.list_logical_devices("GPU"))
    )

"""From a spec's `train` section to Keras: the optimizer with its L2 penalty, the learning rate, and the loss."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable
from typing import Any

import keras

from archspec.recipe import Train
from archspec.recipe.optimizers import Adam, Sgd
from archspec.recipe.schedules import Constant, Cosine, Step

OPTIMIZERS: dict[type, Any] = {Sgd: keras.optimizers.SGD, Adam: keras.optimizers.Adam}
"""The Keras optimizer of each in the language; the fields of both have the same names."""


def optimizer(recipe: Train) -> keras.optimizers.Optimizer:
    """The optimizer, with the recipe's L2 penalty and, in mixed_float16, a scaled loss."""
    kind = OPTIMIZERS[type(recipe.optimizer)]
    options = {**dataclasses.asdict(recipe.optimizer), "learning_rate": recipe.schedule.base}
    made = with_l2(kind)(recipe.penalty.factor, **options)
    return keras.optimizers.LossScaleOptimizer(made) if recipe.precision == "mixed_float16" else made


@functools.cache
def with_l2(kind: Any) -> type[keras.optimizers.Optimizer]:
    """The optimizer with the papers' weight decay, the gradient of `l2 / 2 * sum(kernel ** 2)` added to that of the
    loss, for the variables named `kernel`: those of convolutions and dense layers, not biases or normalisations.

    It is added where the gradients of all replicas have been summed and unscaled, so it counts once whatever the
    number of replicas or the precision. The reported loss does not contain it.
    """

    class WithL2(kind):
        def __init__(self, l2: float, **options: Any):
            super().__init__(**options)
            self.l2 = l2

        def _all_reduce_sum_gradients(self, gv):
            return list(gv)

        def build(self, variables: list[Any]) -> None:
            super().build(variables)
            self._penalised = frozenset(self._var_key(variable) for variable in variables if variable.name == "kernel")

        def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
            if self._var_key(variable) in self._penalised:
                gradient = gradient + self.l2 * variable
            super().update_step(gradient, variable, learning_rate)

    WithL2.__name__ = WithL2.__qualname__ = f"{kind.__name__}WithL2"
    return WithL2


# -- learning rate ---------------------------------------------------------------------------------------------------


class LearningRate(keras.optimizers.schedules.LearningRateSchedule):
    """The rate at a step, counted from 0, of the recipe's schedule.

    Warm-up multiplies it by `(step + 1) / steps`: a linear rise whose first step is not wasted on a rate of 0 and
    whose last one has the whole rate.
    """

    def __init__(self, recipe: Train, steps_per_epoch: int):
        self.schedule = recipe.schedule
        self.steps_per_epoch = steps_per_epoch
        self.warmup_steps = self.schedule.warmup * steps_per_epoch
        self.total_steps = recipe.epochs * steps_per_epoch

    def __call__(self, step: Any) -> Any:
        step = keras.ops.cast(step, "float32")
        rate = RATES[type(self.schedule)](self, self.schedule, step)
        if self.warmup_steps > 0:
            rate = rate * keras.ops.minimum(1.0, (step + 1) / self.warmup_steps)
        return rate


def _constant(rate: LearningRate, schedule: Constant, step: Any) -> Any:
    return keras.ops.convert_to_tensor(schedule.base, "float32")


def _step(rate: LearningRate, schedule: Step, step: Any) -> Any:
    value = keras.ops.convert_to_tensor(schedule.base, "float32")
    for epoch, lower in schedule.drop:
        value = keras.ops.where(step >= epoch * rate.steps_per_epoch, lower, value)
    return value


def _cosine(rate: LearningRate, schedule: Cosine, step: Any) -> Any:
    falling_steps = max(rate.total_steps - rate.warmup_steps, 1)
    progress = keras.ops.clip((step - rate.warmup_steps) / falling_steps, 0.0, 1.0)
    return schedule.final + (schedule.base - schedule.final) * 0.5 * (1 + keras.ops.cos(math.pi * progress))


RATES: dict[type, Callable[[LearningRate, Any, Any], Any]] = {Constant: _constant, Step: _step, Cosine: _cosine}
"""The rate of each schedule in the language at a step, warm-up aside."""


# -- loss ------------------------------------------------------------------------------------------------------------


def losses(recipe: Train):
    return lambda labels, logits: keras.losses.sparse_categorical_crossentropy(labels, logits, from_logits=True)


def loss(recipe: Train) -> keras.losses.Loss:
    """Cross-entropy of logits (batch, classes) and labels (batch), the labels smoothed as the recipe says."""
    if recipe.label_smoothing:
        return SmoothedCrossentropy(recipe.label_smoothing)
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


class SmoothedCrossentropy(keras.losses.Loss):
    """Cross-entropy against `1 - smoothing` for the label plus `smoothing / classes` for every class (Szegedy et al.
    2015, arXiv:1512.00567, section 7)."""

    def __init__(self, smoothing: float):
        super().__init__(name="smoothed_crossentropy")
        self.smoothing = smoothing

    def call(self, y_true: Any, y_pred: Any) -> Any:
        targets = keras.ops.one_hot(keras.ops.cast(y_true, "int32"), y_pred.shape[-1])
        return keras.losses.categorical_crossentropy(targets, y_pred, from_logits=True, label_smoothing=self.smoothing)

"""Keras's optimizers, for gradients that are already summed over all replicas.

Keras clips gradients before it sums them, so N replicas would not do what one does. Here a training step sums them
first:

    gradients = tf.distribute.get_replica_context().all_reduce("sum", gradients)
    optimizer.apply(gradients, model.trainable_variables)
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable
from typing import Any

import keras

from archspec.recipe import Train
from archspec.recipe.optimizers import Adam, Adamw, Lamb, Lion, Muon, Rmsprop, Sgd

KERNELS, BIASES, NORMS = frozenset({"kernel"}), frozenset({"bias"}), frozenset({"gamma", "beta"})
"""The names that Keras's layers give their weights."""


def optimizer(recipe: Train) -> keras.optimizers.Optimizer:
    """The optimizer of a recipe, with its L2 penalty, decoupled decay, clipping, multipliers of the learning rate and,
    in mixed_float16, loss scaling.

    Make and build it inside the strategy's scope. `apply(gradients, variables)`, in a replica, takes gradients that
    are the same on every replica: sums over the global batch, times the loss scale (`scale_loss`) in mixed_float16.
    Then, in this order: unscaling (a step whose gradients are not finite is skipped), clipping to the global norm, the
    penalty, decay, and Keras's step. The learning rate is a variable that the training loop assigns for each step; it
    starts as the schedule's `base`. A layer's multiplier scales that rate, and so the step and the decay, rather than
    the gradient, to whose size Adam and others are blind.
    """
    options = dataclasses.asdict(recipe.optimizer)
    decay = options.pop("decay", 0.0)
    options |= {"learning_rate": recipe.schedule.base, "global_clipnorm": recipe.clip_norm}
    options["name"] = "optimizer"  # Keras would number it, and a second training's checkpoints would differ
    penalty = recipe.penalty
    penalised = KERNELS | (BIASES if penalty.biases else frozenset()) | (NORMS if penalty.norms else frozenset())
    kind = on_summed_gradients(OPTIMIZERS[type(recipe.optimizer)])
    made = kind(l2=penalty.factor, penalised=penalised, decay=decay, multiplier=recipe.rate_multiplier, **options)
    return keras.optimizers.LossScaleOptimizer(made, name="scaled") if recipe.precision == "mixed_float16" else made


@functools.cache
def on_summed_gradients(kind: Any) -> Any:
    """A subclass of a Keras optimizer, for summed gradients, with a penalty and a decay of its own.

    The classes made here have four arguments besides Keras's:
        l2: adds `l2 * variable`, the gradient of `l2 / 2 * sum(variable ** 2)`, where the gradients have been unscaled
            and clipped: it counts once, whatever the number of replicas or the precision.
        penalised: the names of the variables that `l2` applies to.
        decay: subtracts `learning_rate * decay` times a kernel from it, as in AdamW (arXiv:1711.05101).
        multiplier: from a layer's name to the factor of its variables' learning rate.
    """

    class OnSummedGradients(kind):
        def __init__(
            self,
            l2: float,
            penalised: frozenset[str],
            decay: float,
            multiplier: Callable[[str], float],
            **options: Any,
        ):
            super().__init__(**options)
            self.l2, self.decay, self.penalised, self.multiplier = l2, decay, penalised, multiplier

        def build(self, variables: list[Any]) -> None:
            if self.built:
                return
            self._penalised = self._keys(variables, self.penalised if self.l2 else frozenset())
            self._decaying = self._keys(variables, KERNELS if self.decay else frozenset())
            rates = {self._var_key(variable): self.multiplier(_layer(variable)) for variable in variables}
            self._multipliers = {key: rate for key, rate in rates.items() if rate != 1.0}
            super().build(variables)

        def _keys(self, variables: list[Any], names: frozenset[str]) -> frozenset[Any]:
            return frozenset(self._var_key(variable) for variable in variables if variable.name in names)

        def _all_reduce_sum_gradients(self, grads_and_vars: Any) -> Any:
            return grads_and_vars

        def _apply_weight_decay(self, variables: Any) -> None:
            """Replaces Keras's decay, as `update_step` has ours."""

        def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
            key = self._var_key(variable)
            if key in self._multipliers:
                learning_rate = learning_rate * self._multipliers[key]
            if key in self._penalised:
                gradient = gradient + self.l2 * variable
            if key in self._decaying:
                self.assign_sub(variable, variable * (self.decay * keras.ops.cast(learning_rate, variable.dtype)))
            super().update_step(gradient, variable, learning_rate)

    OnSummedGradients.__name__ = OnSummedGradients.__qualname__ = kind.__name__
    return OnSummedGradients


class HiddenKernelMuon(keras.optimizers.Muon):
    """Muon for convolutional networks.

    Keras's Muon takes Muon steps for two-dimensional variables only: for no convolution, but for the last dense layer,
    where its authors advise against it. This one takes them for every kernel but the first and the last that are
    trained, in the order of `build`. A convolution's kernel is the matrix (height * width * inputs, filters); one whose
    matrix is a vector, such as a depthwise kernel, is left to AdamW, and groups count as one matrix.
    """

    def __init__(self, **options: Any):
        super().__init__(**options)
        self._hidden: frozenset[Any] = frozenset()

    def build(self, variables: list[Any]) -> None:
        if self.built:
            return
        kernels = [variable for variable in variables if variable.name in KERNELS]
        self._hidden = frozenset(self._var_key(kernel) for kernel in kernels[1:-1] if min(_matrix(kernel.shape)) > 1)
        super().build(variables)

    def _should_use_adamw(self, variable: Any) -> bool:
        return self._var_key(variable) not in self._hidden

    def zeropower_via_newtonschulz5(self, x: Any, steps: int) -> Any:
        matrix = super().zeropower_via_newtonschulz5(keras.ops.reshape(x, _matrix(x.shape)), steps)
        return keras.ops.reshape(matrix, x.shape)

    def lr_adjust(self, x: Any) -> Any:
        return x * (math.sqrt(max(_matrix(x.shape))) * self.rms_rate)


def _layer(variable: Any) -> str:
    """The name of the layer that a variable belongs to."""
    return str(variable.path).rpartition("/")[0].rpartition("/")[2]


def _matrix(shape: Any) -> tuple[int, int]:
    """A kernel's rows and columns: the inputs of one output, and the outputs."""
    return math.prod(shape[:-1]), shape[-1]


OPTIMIZERS: dict[type, Any] = {
    Sgd: keras.optimizers.SGD,
    Adam: keras.optimizers.Adam,
    Adamw: keras.optimizers.Adam,  # with our decay
    Rmsprop: keras.optimizers.RMSprop,
    Lion: keras.optimizers.Lion,
    Lamb: keras.optimizers.Lamb,
    Muon: HiddenKernelMuon,
}
"""The Keras optimizer for each one of the language; the fields of both have the same names."""

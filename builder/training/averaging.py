"""A moving average of a model's weights, which is evaluated and saved instead of them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import keras
import tensorflow as tf

from builder.distribution.towers import following
from builder.network.model import frozen_layers


class Ema:
    """The exponential moving average of all floating-point weights that training changes: the trained ones, and the
    statistics of batch normalisations.

    It starts from the weights as they are when it is made, inside the strategy's scope. Each update keeps `decay` of
    the average, but no more than (1 + n) / (10 + n) after n updates. So the first steps, which a decay of 0.9999 would
    remember for tens of thousands of updates, are soon forgotten (as in TensorFlow's ExponentialMovingAverage with
    `num_updates`).

    Attributes:
        variables: the averages, in the order of the model's weights, and the number of updates: what a checkpoint
            must hold to resume exactly.
    """

    def __init__(self, model: keras.Model, decay: float):
        self.decay = decay
        self._strategy = tf.distribute.get_strategy()
        frozen = {weight.path for layer in frozen_layers(model) for weight in layer.weights}
        self._weights = [
            weight
            for weight in model.weights
            if weight.dtype.startswith(("float", "bfloat")) and weight.path not in frozen
        ]
        self._updates = keras.Variable(0, dtype="int64", trainable=False, name="ema_updates")
        self._averages = [self._average(weight) for weight in self._weights]
        self.variables = [*self._averages, self._updates]
        self._exchange = tf.function(self._exchange_all)  # one graph: an interrupt finds all of them exchanged, or none

    def _average(self, weight: keras.Variable) -> keras.Variable:
        with self._strategy.extended.colocate_vars_with(weight.value):
            return keras.Variable(
                keras.ops.convert_to_numpy(weight), trainable=False, name=f"ema_{weight.path.replace('/', '_')}"
            )

    def update(self) -> None:
        """Updates the average with the weights. Call it in a replica, after the optimizer's step.

        Every replica updates its own copy, without communication. Copies are equal where the weights are; those of
        batch normalisations' statistics that are not synchronised differ from replica to replica, as the statistics do.
        """
        count = tf.cast(self._updates.value, tf.float32)
        decay = tf.minimum(self.decay, (1.0 + count) / (10.0 + count))
        for average, weight in zip(self._averages, self._weights, strict=True):
            value, before = weight.value, average.value
            average.assign(before + (value - before) * tf.cast(1.0 - decay, value.dtype))
        self._updates.assign(self._updates.value + 1)

    @contextlib.contextmanager
    def swapped(self) -> Iterator[None]:
        """Within the block the model has the averages as its weights, on every replica, and `variables` hold the
        weights. Afterwards both are as before, bit by bit. Use it outside of replicas."""
        self._exchange()
        try:
            yield
        finally:
            self._exchange()

    def _exchange_all(self) -> None:
        def exchange() -> None:
            for average, weight in zip(self._averages, self._weights, strict=True):
                mean, value = tf.identity(average.value), tf.identity(weight.value)
                average.assign(value)
                weight.assign(mean)

        with following():  # each weight stays on its device
            self._strategy.run(exchange)

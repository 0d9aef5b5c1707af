"""A forward pass that keeps little for the gradient (`train.rematerialize`): what lies between the segments of the
network is kept, and what lies inside one is computed again when its gradient is (Chen et al. 2016, arXiv:1604.06174).

Keras's own `RematScope` computes each layer again by itself. It keeps every layer's input, which in a network of
convolutions, normalisations and activations is nearly all there is.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf
from tensorflow.compiler.tf2xla.ops.gen_xla_ops import xla_optimization_barrier

from archspec.graph.graph import Graph
from archspec.segments import segments

Forward = Callable[[tf.Tensor], tf.Tensor]
"""From pictures (batch, height, width, channels) to logits (batch, classes), in training."""


def recomputing(network: keras.Model, graph: Graph, is_compiled: bool = False) -> Forward:
    """The forward pass of a network in training that computes the insides of its segments again for their gradients.

    It has the values, the gradients and the changes of moving averages and of random states of `network(x,
    training=True)`: those changes are made once, and the second computation starts from the states of the first one,
    so that dropout drops the same elements.

    Args:
        graph: what the network was built from.
        is_compiled: whether XLA compiles the step, which ignores the order in which TensorFlow would compute.
    """
    layers = {layer.name: layer for layer in network.layers}
    # A model inside the network, such as a local response normalisation, has another `output`, of its own inner graph.
    symbols = [network.input, *(keras.Operation.output.fget(layers[node.name]) for node in graph.nodes[1:])]
    *earlier, last = segments(graph)
    parts = [
        (_Part([symbols[i] for i in one.inputs], [symbols[i] for i in one.outputs]), one) for one in (*earlier, last)
    ]

    def forward(pictures: tf.Tensor) -> tf.Tensor:
        known = {0: tf.cast(pictures, network.input.dtype)}
        for part, segment in parts:
            inputs = [known[index] for index in segment.inputs]
            # What the last one keeps is needed at once.
            outputs = part(inputs) if segment is last else part.recomputed(inputs, is_compiled)
            known.update(zip(segment.outputs, outputs, strict=True))
        return known[len(graph.nodes) - 1]

    return forward


class _Layers(keras.Function):
    """The layers of a segment in training, from lists of tensors to lists of tensors.

    The graph of a model holds `training=False` for layers such as dropout, whose call has that default, so each layer
    is given `training=True` here.
    """

    def call(self, inputs: list[tf.Tensor]) -> list[tf.Tensor]:
        outputs: list[tf.Tensor] = self._run_through_graph(inputs, operation_fn=_in_training)
        return outputs


def _in_training(operation: keras.Operation) -> Callable[..., Any]:
    """The operation with `training=True`, if it has that argument."""
    if "training" not in inspect.signature(operation.call).parameters:
        return operation
    return lambda *inputs, **arguments: operation(*inputs, **{**arguments, "training": True})


class _Part:
    """A segment's layers as a function of its inputs and of all its variables.

    Attributes:
        trained: the variables that have gradients.
        states: all others: moving averages, random states, and what is frozen.
    """

    def __init__(self, inputs: list[keras.KerasTensor], outputs: list[keras.KerasTensor]) -> None:
        self.layers = _Layers(inputs, outputs)
        own = [layer for layer in self.layers.operations if isinstance(layer, keras.layers.Layer)]
        self.trained = [variable for layer in own for variable in layer.trainable_variables]
        self.states = [variable for layer in own for variable in layer.non_trainable_variables]

    def __call__(self, inputs: list[tf.Tensor]) -> list[tf.Tensor]:
        """The outputs; the states change."""
        outputs: list[tf.Tensor] = self.layers(inputs)
        return outputs

    def computed(
        self, inputs: list[tf.Tensor], trained: list[tf.Tensor], states: list[tf.Tensor]
    ) -> tuple[list[tf.Tensor], dict[int, tf.Tensor]]:
        """The outputs with these values of the variables, none of which changes, and the new values of those of
        `states` that would."""
        given = zip([*self.trained, *self.states], [*trained, *states], strict=True)
        with keras.StatelessScope(state_mapping=list(given)) as scope:
            outputs = self(inputs)
        after = [scope.get_current_value(state) for state in self.states]
        return outputs, {index: after[index] for index, before in enumerate(states) if after[index] is not before}

    def recomputed(self, inputs: list[tf.Tensor], is_compiled: bool) -> list[tf.Tensor]:
        """The outputs, for whose gradient only the inputs are kept; the states change."""
        trained, states = (
            [tf.convert_to_tensor(variable) for variable in kind] for kind in (self.trained, self.states)
        )
        changing: list[int] = []

        @tf.custom_gradient
        def compute(*given: tf.Tensor) -> tuple[tuple[tf.Tensor, ...], Any]:
            sources, constant = list(given[: len(inputs) + len(trained)]), list(given[len(inputs) + len(trained) :])
            outputs, changed = self.computed(sources[: len(inputs)], sources[len(inputs) :], constant)
            changing.extend(changed)

            def gradient(*upstream: tf.Tensor) -> list[tf.Tensor | None]:
                upstream = upstream[: len(outputs)]
                again = _after(upstream, sources, is_compiled)
                with tf.GradientTape() as tape:
                    tape.watch(again)
                    same, _ = self.computed(again[: len(inputs)], again[len(inputs) :], constant)
                return [*tape.gradient(same, again, upstream), *(None for _ in constant)]

            return (*outputs, *changed.values()), gradient

        results = list(compute(*inputs, *trained, *states))
        outputs, values = results[: len(results) - len(changing)], results[len(results) - len(changing) :]
        for index, value in zip(changing, values, strict=True):
            self.states[index].assign(value)
        return outputs


def _after(awaited: Sequence[tf.Tensor], values: Sequence[tf.Tensor], is_compiled: bool) -> list[tf.Tensor]:
    """The values, from when others are there: what is computed of them can neither begin earlier nor be taken for what
    was computed of the same values before."""
    if is_compiled:
        return list(xla_optimization_barrier([*values, *awaited]))[: len(values)]
    with tf.control_dependencies(awaited):
        return [tf.identity(value) for value in values]

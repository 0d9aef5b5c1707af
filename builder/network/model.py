"""Compiling a graph to a functional Keras model, checking the model against the analysis, and moving weights."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Literal

import keras

from archspec import Analysis, ops
from archspec.network import Network, as_graph
from archspec.recipe.numbers import ACTIVATION_BYTES
from builder.network.stock_layers import PORTABLE, Lower, Place

Lowering = Literal["portable", "fast", "synchronized"]


class VerificationError(AssertionError):
    """A model that is not what the analysis says; the message lists every difference."""


def build(
    network: Network,
    lowering: Lowering = "fast",
    precision: str = "float32",
    any_size: bool = False,
) -> keras.Model:
    """The Keras model of a network.

    Args:
        network: the path of a spec, its data as a mapping, a spec, or a graph.
        lowering: `fast` for layers that train faster here, `portable` for stock Keras layers only, `synchronized` for
            the fast ones with batch statistics over all replicas. All have the same weights under the same names.
        precision: `float32`, `mixed_bfloat16` or `mixed_float16` (variables stay float32).
        any_size: leave height and width of the picture open, for a graph whose operations do.

    Returns:
        A functional model from pictures (batch, height, width, channels) to logits (batch, classes), in float32
        whatever the precision. Its layers have the names of the graph's nodes.

    Raises:
        archspec.SpecError: the spec has mistakes.
    """
    graph = as_graph(network)
    if precision not in ACTIVATION_BYTES:
        raise ValueError(f"expected a precision of {', '.join(ACTIVATION_BYTES)}, got '{precision}'")
    lower = lowerings(lowering)
    shape = (None, None, graph.input.shape[-1]) if any_size else graph.input.shape
    picture = keras.Input(shape, name="input", dtype="float32")
    outputs = [picture]
    for node in graph.nodes[1:]:
        dtype = "float32" if node is graph.output else precision  # losses want full precision
        place = Place(node.name, dtype)
        outputs.append(lower[type(node.op)](node.op, [outputs[index] for index in node.inputs], place))
    with _recursion_limit(len(outputs)):
        return keras.Model(picture, outputs[-1], name=graph.name)


@contextlib.contextmanager
def _recursion_limit(depth: int) -> Iterator[None]:
    """Room for Keras, which walks a model from its output by one nested call a layer (2 to be safe)."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, 1000 + 2 * depth))
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


def lowerings(lowering: Lowering) -> Mapping[type[ops.Op], Lower]:
    """The function for each primitive."""
    if lowering == "portable":
        return PORTABLE
    from builder.network import fast

    faster = {"fast": fast.FAST, "synchronized": fast.SYNCHRONIZED}
    if lowering not in faster:
        raise ValueError(f"expected a lowering of 'portable', 'fast' or 'synchronized', got {lowering!r}")
    return {**PORTABLE, **faster[lowering]}


def verify(model: keras.Model, analysis: Analysis) -> None:
    """Checks that every node's output shape and the counts of weights are what the analysis says.

    Raises:
        VerificationError: with one line for each difference.
    """
    differences = []
    layers = {layer.name: layer for layer in model.layers}
    for expected in analysis.layers:
        layer = layers.get(expected.name)
        if layer is None:
            differences.append(f"{expected.name}: not in the model")
            continue
        shape = tuple(layer.output.shape[1:])
        if shape != expected.output_shape:
            differences.append(f"{expected.name}: output {shape}, expected {expected.output_shape}")
        for kind in ("trainable", "non_trainable"):
            count = sum(weight.shape.num_elements() for weight in getattr(layer, f"{kind}_weights"))
            wanted = getattr(expected, f"{kind}_parameters")
            if count != wanted:
                differences.append(f"{expected.name}: {count} {kind} parameters, expected {wanted}")
    if model.count_params() != analysis.parameters:
        differences.append(f"in all {model.count_params()} parameters, expected {analysis.parameters}")
    if tuple(model.output.shape[1:]) != analysis.output:
        differences.append(f"output {tuple(model.output.shape[1:])}, expected {analysis.output}")
    if differences:
        raise VerificationError("the model differs from the analysis:\n  " + "\n  ".join(differences))


def weighted_layers(model: keras.Model) -> Iterator[keras.Layer]:
    """The layers with weights of a model and of the models inside it."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from weighted_layers(layer)
        elif layer.weights:
            yield layer


def freeze(model: keras.Model, trains: Callable[[str], bool]) -> None:
    """Freezes the layers that do not train, by name: their weights stay as they are, and their batch normalisations
    compute as in evaluation, by their moving statistics."""
    for layer in weighted_layers(model):
        layer.trainable = trains(layer.name)


def frozen_layers(model: keras.Model) -> list[keras.Layer]:
    """The layers with weights of which training changes none, statistics included."""
    return [layer for layer in weighted_layers(model) if not layer.trainable]


def transfer_weights(source: keras.Model, target: keras.Model) -> None:
    """Copies all weights by layer name, exactly; the models may have different lowerings and precisions.

    Raises:
        ValueError: a layer with weights that only one model has, or weights of other shapes.
    """
    weighted = {layer.name: layer for layer in source.layers if layer.weights}
    receiving = {layer.name: layer for layer in target.layers if layer.weights}
    if weighted.keys() != receiving.keys():
        only = sorted(weighted.keys() ^ receiving.keys())
        raise ValueError(f"layers with weights that only one of the models has: {', '.join(only)}")
    for name, layer in receiving.items():
        layer.set_weights(weighted[name].get_weights())

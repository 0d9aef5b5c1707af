"""A graph as a functional Keras model: building, checking against the analysis, freezing, copying weights."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal

import keras

import archspec
from archspec import Analysis, ops
from archspec.graph.placement import placement
from archspec.network import Network, as_graph
from archspec.recipe.numbers import ACTIVATION_BYTES, FAST
from archspec.vocabulary.suggestions import value_hint
from archspec.wording import did_you_mean
from builder.network import retracing
from builder.network.devices import device, run_on
from builder.network.naming import LayerName
from builder.network.stock_layers import PORTABLE, Lower
from builder.network.variables import quick_variables
from builder.system.garbage import without_collections

retracing.suppress()

Lowering = Literal["portable", "fast", "synchronized"]
POLICIES = tuple(name for name in ACTIVATION_BYTES if name != FAST)
"""The precisions that are dtype policies of Keras."""


class VerificationError(AssertionError):
    """A model that differs from its analysis; the message lists every difference."""


def build(
    network: Network,
    lowering: Lowering = "fast",
    precision: str | None = None,
    any_size: bool = False,
    towers: Sequence[str] = (),
) -> keras.Model:
    """Builds the Keras model of a network.

    Args:
        network: the path of a spec or the name of a shipped one, a spec's data as a mapping, a spec, or a graph.
        lowering: `fast` for layers that train faster on this machine, `portable` for stock Keras layers only,
            `synchronized` for the fast ones with batch statistics over all replicas. All of them have the same weights
            under the same names.
        precision: `float32`, `mixed_bfloat16` or `mixed_float16`; variables are float32 in each. `float32_fast` builds
            the network of `float32`, whose arithmetic `train` sets. None takes Keras's global policy,
            `keras.config.dtype_policy()`, which is float32 unless it has been set.
        any_size: leave the picture's height and width open, for a graph whose operations take any.
        towers: the devices of the network's towers, such as `["GPU:0", "GPU:1"]`: the variables and operations of the
            first tower are placed on the first one, and so on, the others as `archspec.graph.placement` says. By
            default TensorFlow places all of them.

    Returns:
        A functional model from pictures (batch, height, width, channels) to logits (batch, classes), in float32
        whatever the precision. Its layers have the names of the graph's nodes.

    Raises:
        archspec.SpecError: the spec has mistakes.
        ValueError: the lowering, the precision or Keras's global policy is none of those above, or there are fewer
            devices than towers.
        NotImplementedError: a primitive has no layer.
    """
    graph = as_graph(network)
    precision = _precision(precision)
    lower = lowerings(lowering)
    for node in graph.nodes[1:]:
        if type(node.op) not in lower:
            raise NotImplementedError(
                f"{node.name}: the primitive {node.op.kind} has no layer in stock_layers.PORTABLE"
            )
    shape = (None, None, graph.input.shape[-1]) if any_size else graph.input.shape
    if towers and graph.towers > len(towers):
        raise ValueError(f"expected a device for each of the {graph.towers} towers of {graph.name}, got {list(towers)}")
    places = zip(graph.nodes, placement(graph, len(towers)), strict=True) if towers else ()
    devices = {node.name: towers[place] for node, place in places}
    with quick_variables(), without_collections():
        picture = keras.Input(shape, name="input", dtype="float32")
        outputs = [picture]
        for node in graph.nodes[1:]:
            dtype = "float32" if node is graph.output else precision  # losses want full precision
            inputs = [outputs[index] for index in node.inputs]
            with device(devices.get(node.name)):
                outputs.append(lower[type(node.op)](node.op, inputs, LayerName(node.name, dtype)))
        with _recursion_limit(len(outputs)):
            model = keras.Model(picture, outputs[-1], name=graph.name)
    run_on(model, devices)
    return model


def _precision(asked: str | None) -> str:
    """Keras's policy for the precision that was asked for, or else its global one.

    Raises:
        ValueError: it is none of `ACTIVATION_BYTES`.
    """
    if asked is None:
        policy = keras.config.dtype_policy().name
        if policy not in POLICIES:
            *first, last = POLICIES
            raise ValueError(
                f"Keras's global policy is '{policy}', and a network is built in {', '.join(first)} or "
                f"{last}; set one of these with keras.config.set_dtype_policy, or give build(..., precision=)"
            )
        return policy
    if asked not in ACTIVATION_BYTES:
        hint = value_hint("precision", asked) or did_you_mean(str(asked), ACTIVATION_BYTES, few=0)
        raise ValueError(f"expected a precision of {', '.join(ACTIVATION_BYTES)}, got '{asked}'{hint}")
    return "float32" if asked == FAST else asked


@contextlib.contextmanager
def _recursion_limit(depth: int) -> Iterator[None]:
    """Raises Python's recursion limit: Keras walks a model from its output with one nested call per layer, and two are
    allowed for."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, 1000 + 2 * depth))
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


def lowerings(lowering: Lowering) -> Mapping[type[ops.Op], Lower]:
    """The function that makes the layers of each primitive.

    Raises:
        ValueError: there is no such lowering.
    """
    if lowering == "portable":
        return PORTABLE
    from builder.network import fast

    faster = {"fast": fast.FAST, "synchronized": fast.SYNCHRONIZED}
    if lowering not in faster:
        hint = did_you_mean(str(lowering), ["portable", *faster], few=0)
        raise ValueError(f"expected a lowering of 'portable', 'fast' or 'synchronized', got {lowering!r}{hint}")
    return {**PORTABLE, **faster[lowering]}


def verify(model: keras.Model, network: Network | Analysis) -> None:
    """Checks that every node's output shape and numbers of parameters equal those of the analysis.

    Args:
        model: what `build` returned.
        network: whatever `build` takes, or its analysis.

    Raises:
        VerificationError: the model differs; one line for each difference.
        archspec.SpecError: the spec has mistakes.
    """
    if not isinstance(model, keras.Model):
        raise TypeError(f"expected a Keras model, as build returns it, got an object of type {type(model).__name__}")
    analysis = network if isinstance(network, Analysis) else archspec.analyse(network)
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
    """The layers with weights of a model, and of the models inside it, in order."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from weighted_layers(layer)
        elif layer.weights:
            yield layer


def freeze(model: keras.Model, trains: Callable[[str], bool]) -> None:
    """Freezes the layers whose names `trains` says no to: their weights do not change, and batch normalisations among
    them normalise by their moving statistics, as in evaluation."""
    for layer in weighted_layers(model):
        layer.trainable = trains(layer.name)


def frozen_layers(model: keras.Model) -> list[keras.Layer]:
    """The layers with weights of which training changes nothing, moving statistics included."""
    return [layer for layer in weighted_layers(model) if not layer.trainable]


def transfer_weights(source: keras.Model, target: keras.Model) -> None:
    """Copies all weights exactly, by layer name; the models may differ in lowering and precision.

    Raises:
        ValueError: only one of the models has a layer of that name with weights, or the shapes differ.
    """
    weighted = {layer.name: layer for layer in source.layers if layer.weights}
    receiving = {layer.name: layer for layer in target.layers if layer.weights}
    if weighted.keys() != receiving.keys():
        only = sorted(weighted.keys() ^ receiving.keys())
        raise ValueError(f"layers with weights that only one of the models has: {', '.join(only)}")
    for name, layer in receiving.items():
        layer.set_weights(weighted[name].get_weights())

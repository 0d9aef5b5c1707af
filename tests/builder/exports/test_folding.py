"""Folding: the same predictions as the network with its normalisations, and only where it is right to fold."""

import keras
import numpy as np
import pytest
import yaml
from hypothesis import given

import archspec
from archspec import ops
from builder.exports.folding import fold
from builder.network.model import build
from tests import strategies
from tests.randomised import examples


def weights_of(model, seed=0):
    """The weights of a model after random ones were put in, moving averages included."""
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        low = 0.5 if weight.name in ("moving_variance", "gamma") else -0.5
        weight.assign(rng.uniform(low, low + 1, weight.shape))
    return {weight.path: keras.ops.convert_to_numpy(weight) for weight in model.weights}


def restored(graph, weights):
    model = build(graph, "portable")
    for weight in model.weights:
        weight.assign(weights[weight.path])
    assert {weight.path for weight in model.weights} == set(weights)
    return model


def spec_of(tmp_path, layers, size=(8, 8, 4)):
    path = tmp_path / "net.yaml"
    path.write_text(yaml.safe_dump({"name": "net", "model": {"input": list(size), "layers": layers}}))
    return archspec.load(path)


def difference(graph, folded, weights, model, count=3):
    pictures = np.random.default_rng(1).normal(size=(count, *graph.input.shape)).astype(np.float32)
    expected = keras.ops.convert_to_numpy(model(pictures, training=False))
    actual = keras.ops.convert_to_numpy(restored(folded.graph, folded.weights)(pictures, training=False))
    return np.abs(actual - expected).max() / (1e-6 + np.abs(expected).max())


@pytest.mark.parametrize(
    "kernel",
    [
        {"conv": {"filters": 6, "kernel": 3, "bias": False}},
        {"conv": {"filters": 6, "kernel": [1, 3], "stride": 2, "padding": "symmetric"}},
        {"conv": {"filters": 8, "kernel": 3, "groups": 2, "padding": "valid"}},
        {"depthwise_conv": {"kernel": 3, "multiplier": 3, "bias": False}},
    ],
    ids=["conv", "bias", "groups", "depthwise"],
)
@pytest.mark.parametrize("norm", [{}, {"scale": False}, {"center": False, "epsilon": 0.01}], ids=["", "beta", "gamma"])
def test_a_normalisation_becomes_part_of_the_kernel(tmp_path, kernel, norm):
    graph = spec_of(tmp_path, [kernel, {"batch_norm": norm}, {"activation": "relu"}, "flatten", {"dense": 5}]).graph
    model = build(graph, "portable")
    weights = weights_of(model)
    folded = fold(graph, weights)
    assert folded.folded == ("batch_norm1",)
    assert len(folded.graph.nodes) == len(graph.nodes) - 1
    assert difference(graph, folded, weights, model) < 1e-5


def test_a_dense_layer_and_an_output_take_theirs(tmp_path):
    layers = ["flatten", {"dense": {"units": 7, "norm": "batch"}}, {"dense": {"units": 5}}, "batch_norm"]
    graph = spec_of(tmp_path, layers).graph
    model = build(graph, "portable")
    weights = weights_of(model)
    folded = fold(graph, weights)
    assert not any(isinstance(node.op, ops.BatchNorm) for node in folded.graph.nodes)
    assert folded.graph.output.name == "dense2"
    assert difference(graph, folded, weights, model) < 1e-5


def test_a_convolution_that_something_else_reads_keeps_its_normalisation(tmp_path):
    layers = [
        {"conv": {"filters": 4, "kernel": 3, "name": "a"}},
        {"batch_norm": {"name": "norm"}},
        {"add": {"from": ["a", "norm"]}},
        {"activation": "relu"},
        {"batch_norm": {"name": "later"}},
        "global_avg_pool",
        {"dense": 5},
    ]
    graph = spec_of(tmp_path, layers).graph
    model = build(graph, "portable")
    weights = weights_of(model)
    folded = fold(graph, weights)
    assert folded.folded == ()
    assert folded.graph == graph
    assert difference(graph, folded, weights, model) == 0


@examples(8)
@given(strategies.specs())
def test_random_networks_predict_the_same(data):
    graph = strategies.load(data).graph
    model = build(graph, "portable")
    weights = weights_of(model)
    folded = fold(graph, weights)
    followed = [
        node
        for node in folded.graph.nodes
        if isinstance(node.op, ops.BatchNorm)
        and folded.graph.consumers[node.inputs[0]] == (folded.graph.nodes.index(node),)
        and folded.graph.nodes[node.inputs[0]].op.has_kernel
    ]
    assert not followed
    assert difference(graph, folded, weights, model) < 1e-3
    keras.backend.clear_session()

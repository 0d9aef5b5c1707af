"""Class activation maps of networks with random weights, by what is known of them exactly."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

import archspec
import builder
from builder.explanation.maps import map_function
from builder.explanation.targets import Target, target_of
from builder.network.model import transfer_weights

BODY = [
    {"conv": {"filters": 6, "kernel": 3, "stride": 2, "norm": "batch", "activation": "relu"}},
    {"residual": {"layers": [{"conv": {"filters": 6, "kernel": 3, "padding": "same", "activation": "gelu"}}]}},
]


def network(*end, body=BODY, lowering="portable", precision="float32", shape=(12, 14, 3)):
    spec = archspec.loads({"name": "looked", "model": {"input": list(shape), "layers": [*body, *end]}})
    model = builder.build(spec, lowering, precision)
    generator = np.random.default_rng(0)
    for weight in model.weights:
        values = generator.normal(0, 0.5, weight.shape)
        weight.assign(np.abs(values) + 0.5 if "variance" in weight.path else values)
    return spec.graph, model


def pictures(count=3, shape=(12, 14, 3)):
    return tf.constant(np.random.default_rng(1).normal(size=(count, *shape)), tf.float32)


DENSE = ["global_avg_pool", {"dense": 5}]
CLASSES = tf.constant([0, 4, 2], tf.int64)


@pytest.mark.parametrize(
    "end",
    [
        DENSE,
        ["global_avg_pool", {"dropout": 0.5}, {"dense": {"units": 5, "bias": False}}],
        [{"avg_pool": [6, 7]}, "flatten", {"dense": 5}],
        [{"global_avg_pool": {"keep_dims": True}}, {"conv": {"filters": 5, "kernel": 1}}, "flatten"],
        [{"conv": {"filters": 5, "kernel": 1}}, "global_avg_pool"],
    ],
    ids=["dense", "no bias", "average pool", "convolution", "no classifier"],
)
def test_the_mean_of_an_exact_map_and_the_bias_are_the_logit(end):
    """Zhou et al. 2016, section 2: the spatial sum of the map is the class's score."""
    graph, model = network(*end)
    target = target_of(graph)
    assert target.method == "CAM" and target.size == (6, 7)
    logits, maps = map_function(model, target)(pictures(), CLASSES)
    assert maps.shape == (3, 6, 7)
    layer = model.get_layer(target.classifier) if target.classifier else None
    bias = layer.bias.numpy()[CLASSES] if getattr(layer, "use_bias", False) else 0.0
    expected = model(pictures(), training=False).numpy()
    np.testing.assert_allclose(logits, expected, rtol=1e-5, atol=1e-5)
    chosen = np.take_along_axis(expected, CLASSES.numpy()[:, None], 1)[:, 0]
    np.testing.assert_allclose(maps.numpy().mean((1, 2)) + bias, chosen, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "end", [["global_avg_pool", {"dense": 5}], [{"conv": {"filters": 5, "kernel": 1}}, "global_avg_pool"]]
)
def test_the_gradient_gives_the_exact_map_over_its_size(end):
    """Selvaraju et al. 2017, section 3.1 and appendix: a generalisation of CAM, equal up to a positive factor."""
    graph, model = network(*end)
    exact = target_of(graph)
    gradient = dataclasses.replace(exact, method="Grad-CAM")
    _, maps = map_function(model, exact)(pictures(), CLASSES)
    logits, others = map_function(model, gradient)(pictures(), CLASSES)
    np.testing.assert_allclose(42 * others.numpy(), maps, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(logits, model(pictures(), training=False), rtol=1e-5, atol=1e-5)


def test_a_map_lies_where_the_picture_has_what_the_class_looks_for():
    """Identity, mean, and a class for each sign: the map is the picture, or its negative."""
    layers = [{"conv": {"filters": 1, "kernel": 1}}, "global_avg_pool", {"dense": 2}]
    graph, model = network(body=layers, shape=(4, 4, 1))
    model.set_weights([np.ones((1, 1, 1, 1)), np.zeros(1), np.array([[2.0, -1.0]]), np.zeros(2)])
    picture = pictures(2, (4, 4, 1))
    _, maps = map_function(model, target_of(graph))(picture, tf.constant([0, 1], tf.int64))
    np.testing.assert_allclose(maps[0], 2 * picture[0, ..., 0], rtol=1e-6)
    np.testing.assert_allclose(maps[1], -picture[1, ..., 0], rtol=1e-6)


@pytest.mark.parametrize(
    ("precision", "tolerance"), [("float32", 1e-3), ("mixed_bfloat16", 0.15), ("mixed_float16", 0.03)]
)
@pytest.mark.parametrize("end", [["global_avg_pool", {"dense": 5}], ["flatten", {"dense": 5}]], ids=["CAM", "Grad-CAM"])
def test_lowerings_and_precisions_give_the_same_maps(end, precision, tolerance):
    graph, portable = network(*end)
    _, other = network(*end, lowering="fast", precision=precision)
    transfer_weights(portable, other)
    target = target_of(graph)
    _, expected = map_function(portable, target)(pictures(), CLASSES)
    _, found = map_function(other, target)(pictures(), CLASSES)
    assert found.dtype == tf.float32
    np.testing.assert_allclose(found, expected, atol=tolerance * np.abs(expected).max())


def test_towers_are_looked_into_where_they_meet():
    tower = [{"conv": {"filters": 4, "kernel": 3, "activation": "relu"}}, {"max_pool": 2}]
    graph, model = network("flatten", {"dense": 5}, body=[{"towers": {"count": 2, "layers": tower, "input": "whole"}}])
    target = target_of(graph)
    assert target == Target(target.layer, (6, 7), "Grad-CAM")
    assert graph.nodes[[node.name for node in graph.nodes].index(target.layer)].shape == (6, 7, 8)
    _, maps = map_function(model, target)(pictures(), CLASSES)
    assert np.abs(maps).max() > 0

"""The fast layers against the stock layers: outputs, gradients, moving statistics, and weights that fit both ways.

The convolution has a file of its own.
"""

import json
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from builder.network import choices
from builder.network.fast_activation import FUNCTIONS, FastActivation
from builder.network.fast_convolution import FastConv2D
from builder.network.fast_normalisation import (
    FastLayerNormalization,
    FusedBatchNormalization,
    LocalResponseNormalization,
    layer_normalization,
)
from builder.network.stock_layers import portable_lrn
from tests.builder.network.layer_pairs import TOLERANCE, built, close, normal, policies, results, same

# Batch normalisation


def batch_norms(shape, dtype="float32", **options):
    fast = built(FusedBatchNormalization, shape, dtype=dtype, **options)
    return fast, built(keras.layers.BatchNormalization, shape, **options)


@policies
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(("scale", "center"), [(True, True), (False, True), (True, False), (False, False)])
def test_batch_normalisation(policy, training, scale, center):
    x = normal(4, 5, 3, 6, mean=1.0)
    fast, stock = batch_norms(x.shape, policy, scale=scale, center=center, epsilon=1e-5)
    same(fast, stock, x, TOLERANCE[policy], training=training)


@policies
def test_moving_statistics_after_several_steps(policy):
    fast, stock = batch_norms((2, 3, 3, 5), policy, momentum=0.9)
    for step in range(6):
        x = normal(2, 3, 3, 5, seed=step, mean=step)  # few values: Bessel's correction would show
        results(fast, x, training=True)
        results(stock, x, training=True)
    for name in ("moving_mean", "moving_variance"):
        close(getattr(fast, name), getattr(stock, name), 1e-5)


@policies
def test_frozen_batch_normalisation_uses_and_keeps_its_statistics(policy):
    x = normal(4, 5, 3, 6, mean=1.0)
    fast, stock = batch_norms(x.shape, policy)
    fast.trainable = stock.trainable = False
    same(fast, stock, x, TOLERANCE[policy], training=True)
    for kept, was in zip(fast.get_weights(), stock.get_weights(), strict=True):
        np.testing.assert_array_equal(kept, was)


@pytest.mark.parametrize(
    ("shape", "options"),
    [
        ((8, 6), {}),
        ((4, 5, 6), {}),
        ((4, 3, 5, 6), {"axis": 1}),
        ((4, 3, 5, 6), {"synchronized": True}),
        ((4, 3, 5, 6), {"renorm": True}),
        ((4, 3, 5, 6), {"dtype": "float64"}),
    ],
    ids=str,
)
def test_batch_normalisation_that_the_fused_operation_does_not_support(shape, options):
    fast, stock = batch_norms(shape, **options)
    same(fast, stock, normal(*shape), 1e-5, training=True)


def test_masked_batch_normalisation():
    x = normal(4, 5, 3, 6)
    mask = tf.constant(normal(4, 5, 3, seed=3) > 0)
    fast, stock = batch_norms(x.shape)
    same(fast, stock, x, 1e-5, training=True, mask=mask)


# Layer normalisation and activations


@policies
@pytest.mark.parametrize("option", choices.LAYER_NORM.options)
@pytest.mark.parametrize("shape", [(2, 5, 4, 24), (6, 24)], ids=["picture", "features"])
@pytest.mark.parametrize(("scale", "center"), [(True, True), (False, True), (True, False)])
def test_layer_normalisation(policy, option, shape, scale, center):
    x = normal(*shape, mean=2.0)
    options = {"epsilon": 1e-6, "scale": scale, "center": center}
    fast = built(FastLayerNormalization, x.shape, dtype=policy, **options)
    with choices.forced(choices.LAYER_NORM, option):
        same(fast, built(keras.layers.LayerNormalization, x.shape, **options), x, TOLERANCE[policy])


def test_means_of_layer_normalisation_are_not_shifted_by_rounded_factors(monkeypatch):
    """`float32_fast` rounds the factors of a matrix product to bfloat16, in which 1/96 is 0.2 % too large."""
    x = tf.constant(normal(4, 5, 5, 96, mean=50.0))
    exact = layer_normalization(x, tf.ones([96]), tf.zeros([96]), 1e-3)
    rounded = lambda value: tf.cast(tf.cast(value, tf.bfloat16), tf.float32)  # noqa: E731
    product = tf.matmul
    monkeypatch.setattr(tf, "matmul", lambda a, b: product(rounded(a), rounded(b)))
    fast = layer_normalization(x, tf.ones([96]), tf.zeros([96]), 1e-3)
    assert abs(fast - exact).numpy().max() < 0.04
    assert abs(tf.reduce_mean(fast).numpy()) < 0.005


@pytest.mark.parametrize("options", [{"axis": 1}, {"axis": [1, 2]}], ids=str)
def test_layer_normalisation_over_other_axes(options):
    x = normal(2, 5, 4, 6)
    same(
        built(FastLayerNormalization, x.shape, **options),
        built(keras.layers.LayerNormalization, x.shape, **options),
        x,
        1e-5,
    )


@policies
@pytest.mark.parametrize(
    ("function", "choice", "option"),
    [("relu", choices.RELU_GRADIENT, option) for option in choices.RELU_GRADIENT.options]
    + [("gelu", choices.GELU_GRADIENT, option) for option in choices.GELU_GRADIENT.options],
)
def test_activations(policy, function, choice, option):
    x = 3 * normal(2, 5, 4, 24)
    x[0, 0, 0, :2] = 0.0
    with choices.forced(choice, option):
        same(FastActivation(function, dtype=policy), keras.layers.Activation(function), x, 2 * TOLERANCE[policy])


@pytest.mark.parametrize("function", FUNCTIONS)
def test_activation_functions_of_other_forms_are_those_of_keras(function):
    x = normal(6, 7)
    same(FastActivation(function), keras.layers.Activation(function), x, 1e-5)


# Local response normalisation


def normalisation(shape, policy="float32", **options):
    """The layer, as it is made for pictures of a shape."""
    dtype = keras.DTypePolicy(policy).compute_dtype
    return LocalResponseNormalization(keras.Input(shape[1:], dtype=dtype), **options, name="norm", dtype=policy)


PAPER = {"radius": 2, "bias": 2.0, "alpha": 1e-4, "beta": 0.75}
STRONG = {"radius": 1, "bias": 0.5, "alpha": 0.3, "beta": 0.75}
OTHER = {"radius": 3, "bias": 1.0, "alpha": 0.1, "beta": 0.6}


@policies
@pytest.mark.parametrize("options", [PAPER, STRONG, OTHER], ids=["paper", "strong", "other power"])
def test_local_response_normalisation(policy, options):
    """Against TensorFlow's operation, which takes float32 only on CPUs."""
    x = 4 * normal(2, 4, 3, 9)
    arguments = [options[name] for name in ("radius", "bias", "alpha", "beta")]
    reference = keras.layers.Lambda(lambda x: tf.nn.local_response_normalization(x, *arguments))
    same(normalisation(x.shape, policy, **options), reference, x, TOLERANCE[policy])


def test_local_response_normalisation_is_the_sum_of_the_paper():
    x = normal(1, 1, 1, 5)
    y = np.empty_like(x)
    for channel in range(5):
        window = x[..., max(0, channel - 1) : channel + 2]
        y[..., channel] = x[..., channel] / (0.5 + 0.3 * np.sum(window**2, -1)) ** 0.75
    close(normalisation(x.shape, **STRONG)(x), y, 1e-6)


def test_squares_do_not_overflow_float16():
    x = np.full((1, 1, 1, 5), 1000.0, "float32")
    received = normalisation(x.shape, "mixed_float16", **PAPER)(x)
    close(received, normalisation(x.shape, **PAPER)(x), TOLERANCE["mixed_float16"])


# Models


@pytest.mark.parametrize(
    "layer",
    [
        FastConv2D(4, 3, groups=2),
        FusedBatchNormalization(momentum=0.9),
        normalisation((1, 4, 3, 9), **OTHER),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_a_clone_has_the_same_configuration(layer):
    again = type(layer).from_config(layer.get_config())
    assert json.dumps(again.get_config()) == json.dumps(layer.get_config())


def test_the_portable_forms_load_with_keras_alone(tmp_path):
    batch = normal(2, 9, 8, 6, mean=-3.0)
    np.save(tmp_path / "batch.npy", batch)
    for policy in TOLERANCE:
        picture = keras.Input((9, 8, 6), name="picture")
        x = keras.layers.Activation("linear", dtype=policy)(picture)
        x = keras.ops.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=float("-inf"))
        x = keras.layers.MaxPooling2D(3, 2, dtype=policy)(x)
        model = keras.Model(picture, portable_lrn(x, **STRONG, name="norm", dtype=policy))
        model.save(tmp_path / f"{policy}.keras")
    script = (
        "import sys, keras, numpy\n"
        "for policy in sys.argv[1:]:\n"
        "    y = keras.models.load_model(policy + '.keras')(numpy.load('batch.npy'))\n"
        "    numpy.save(policy + '.npy', keras.ops.convert_to_numpy(keras.ops.cast(y, 'float32')))\n"
    )
    subprocess.run([sys.executable, "-c", script, *TOLERANCE], cwd=tmp_path, check=True, capture_output=True)
    for policy, tolerance in TOLERANCE.items():
        padded = np.pad(batch, ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=-np.inf)
        pooled = keras.layers.MaxPooling2D(3, 2, dtype=policy)(padded)
        expected = normalisation(pooled.shape, policy, **STRONG)(pooled)
        close(np.load(tmp_path / f"{policy}.npy"), expected, tolerance)

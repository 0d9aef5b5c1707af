"""The fast layers against the stock layers: outputs, gradients, moving statistics, and weights that fit both ways.

The stock layers run in float32, on values that every type represents exactly: in half width some of them are wrong
by several per cent on CPUs, since TensorFlow then also sums in half width.
"""

import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from builder import lowerings
from builder.layers import portable_lrn
from builder.lowerings import (
    ExplicitPadMaxPool2D,
    FastConv2D,
    FusedBatchNormalization,
    LocalResponseNormalization,
)

# The largest difference allowed, as a part of the largest value: two roundings to each half-width type.
TOLERANCE = {"float32": 1e-5, "mixed_bfloat16": 8e-3, "mixed_float16": 1e-3}
policies = pytest.mark.parametrize("policy", TOLERANCE)


def exact(values):
    """Rounded to what every type represents."""
    return values.astype(tf.bfloat16.as_numpy_dtype).astype("float32")


def normal(*shape, seed=0, mean=0.0):
    return exact(np.random.default_rng(seed).normal(mean, 1.0, shape))


def share_weights(fast, stock):
    """New weights, positive for the sake of variances, that go from each layer to the other unchanged."""
    names = [[(weight.name, weight.shape, weight.trainable) for weight in layer.weights] for layer in (fast, stock)]
    assert names[0] == names[1]
    stock.set_weights([exact(abs(normal(*weight.shape, seed=7)) + 0.5) for weight in stock.weights])
    fast.set_weights(stock.get_weights())
    stock.set_weights(fast.get_weights())
    for ours, theirs in zip(fast.get_weights(), stock.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def close(received, expected, tolerance):
    received, expected = (np.asarray(tf.cast(value, tf.float64)) for value in (received, expected))
    assert received.shape == expected.shape
    assert np.abs(received - expected).max() <= tolerance * max(np.abs(expected).max(), 1e-2)


def results(layer, x, **arguments):
    """Output, gradient of the input, and gradients of the weights, for one random gradient of the output."""
    x = tf.cast(x, layer.compute_dtype)

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x, **arguments)
        seed = tf.constant(normal(*y.shape, seed=1))
        sources = [x, *(weight.value for weight in layer.trainable_weights)]
        return y, *tape.gradient(y, sources, tf.cast(seed, y.dtype))

    return step()


def same(fast, stock, x, tolerance, **arguments):
    """Both compute the same with the same weights."""
    share_weights(fast, stock)
    received, expected = results(fast, x, **arguments), results(stock, x, **arguments)
    assert received[0].dtype == fast.compute_dtype
    for ours, theirs in zip(received, expected, strict=True):
        close(ours, theirs, tolerance)


def built(kind, shape, **options):
    layer = kind(**options)
    layer.build((None, *shape[1:]))
    return layer


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
def test_batch_normalisation_that_the_operation_does_not_know(shape, options):
    fast, stock = batch_norms(shape, **options)
    same(fast, stock, normal(*shape), 1e-5, training=True)


def test_masked_batch_normalisation():
    x = normal(4, 5, 3, 6)
    mask = tf.constant(normal(4, 5, 3, seed=3) > 0)
    fast, stock = batch_norms(x.shape)
    same(fast, stock, x, 1e-5, training=True, mask=mask)


# Convolution

CONVOLUTIONS = {
    "same": {"padding": "same"},
    "stride": {"strides": 2, "padding": "same"},
    "dilation": {"dilation_rate": 2, "padding": "same"},
    "activation": {"activation": "relu"},
    "two groups": {"groups": 2, "padding": "same"},
    "narrow groups": {"groups": 8, "strides": 2, "padding": "same"},  # computed several at a time
    "one channel a group": {"groups": 32},
    "groups and dilation": {"groups": 2, "dilation_rate": 2, "padding": "same"},
}


def convolutions(shape, policy="float32", stock_shape=None, **options):
    # No bias in half width: it and its gradient, which TensorFlow sums in half width, are the stock layer's code.
    common = {"filters": 64, "kernel_size": 3, "use_bias": policy == "float32", **options}
    explicit = {name: common.pop(name) for name in ("explicit_padding",) if name in common}
    fast = built(FastConv2D, shape, dtype=policy, **common, **explicit)
    return fast, built(keras.layers.Conv2D, stock_shape or shape, **common)


@policies
@pytest.mark.parametrize("options", CONVOLUTIONS.values(), ids=CONVOLUTIONS)
def test_convolution(policy, options):
    x = normal(2, 9, 8, 32)
    fast, stock = convolutions(x.shape, policy, **options)
    assert fast.compute_output_shape(x.shape) == stock.compute_output_shape(x.shape)
    same(fast, stock, x, TOLERANCE[policy])


@policies
@pytest.mark.parametrize("options", [{}, {"strides": 2}, {"groups": 2}, {"dilation_rate": 2}], ids=str)
def test_explicit_padding_of_a_convolution(policy, options):
    x, sides = normal(2, 9, 8, 32), ((3, 1), (0, 2))
    padded = np.pad(x, ((0, 0), *sides, (0, 0)))
    fast, stock = convolutions(x.shape, policy, padded.shape, explicit_padding=sides, **options)
    share_weights(fast, stock)
    ours, (y, dx, *dw) = results(fast, x), results(stock, padded)
    assert fast.compute_output_shape(x.shape) == y.shape
    for received, expected in zip(ours, (y, dx[:, 3:-1, :-2], *dw), strict=True):
        close(received, expected, TOLERANCE[policy])


@pytest.mark.parametrize(("policy", "tolerance"), [("mixed_bfloat16", 5e-2), ("mixed_float16", 1e-2)])
def test_a_type_that_the_cpu_has_is_convolved_in_it(policy, tolerance, monkeypatch):
    monkeypatch.setattr(lowerings, "emulated", lambda dtype: False)
    x = normal(2, 9, 8, 4)
    same(*convolutions(x.shape, policy), x, tolerance)


def test_other_devices_convolve_the_groups_at_once(monkeypatch):
    x = normal(2, 9, 8, 32)
    fast, stock = convolutions(x.shape, groups=4)
    fast.set_weights(stock.get_weights())
    monkeypatch.setattr(lowerings, "on_cpu", lambda: False)
    calls = []
    convolve = fast._convolve
    monkeypatch.setattr(fast, "_convolve", lambda *arguments: calls.append(1) or convolve(*arguments))
    close(fast(x), stock(x), 1e-5)
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("groups", "channels", "together"), [(2, 48, 1), (32, 4, 4), (32, 8, 2), (6, 5, 6), (6, 6, 3), (3, 1, 3)]
)
def test_groups_that_are_computed_together(groups, channels, together):
    assert lowerings.group_block(groups, channels) == together


# Max pooling


@policies
def test_explicit_padding_of_max_pooling(policy):
    x, sides = normal(2, 9, 8, 5, mean=-4.0), ((1, 1), (0, 2))  # negative: zeros would win
    padded = np.pad(x, ((0, 0), *sides, (0, 0)), constant_values=-np.inf)
    fast = ExplicitPadMaxPool2D(3, 2, explicit_padding=sides, dtype=policy)
    stock = keras.layers.MaxPooling2D(3, 2)
    (y, dx), (expected, padded_dx) = results(fast, x), results(stock, padded)
    assert fast.compute_output_shape(x.shape) == expected.shape
    close(y, expected, 0.0)
    close(dx, padded_dx[:, 1:-1, :-2], TOLERANCE[policy])


def test_max_pooling_without_sides_is_the_stock_one():
    x = normal(2, 9, 8, 5)
    same(ExplicitPadMaxPool2D(3, 2, "same"), keras.layers.MaxPooling2D(3, 2, "same"), x, 0.0)


@pytest.mark.parametrize("layer", [lambda **o: FastConv2D(4, 3, **o), lambda **o: ExplicitPadMaxPool2D(3, **o)])
def test_sides_and_a_word_do_not_go_together(layer):
    with pytest.raises(ValueError, match="explicit_padding goes with padding='valid', got padding='same'"):
        layer(padding="same", explicit_padding=((1, 1), (1, 1)))


# Local response normalisation

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
    same(LocalResponseNormalization(**options, dtype=policy), reference, x, TOLERANCE[policy])


def test_local_response_normalisation_is_the_sum_of_the_paper():
    x = normal(1, 1, 1, 5)
    y = np.empty_like(x)
    for channel in range(5):
        window = x[..., max(0, channel - 1) : channel + 2]
        y[..., channel] = x[..., channel] / (0.5 + 0.3 * np.sum(window**2, -1)) ** 0.75
    close(LocalResponseNormalization(**STRONG)(x), y, 1e-6)


def test_squares_do_not_overflow_float16():
    x = np.full((1, 1, 1, 5), 1000.0, "float32")
    received = LocalResponseNormalization(**PAPER, dtype="mixed_float16")(x)
    close(received, LocalResponseNormalization(**PAPER)(x), TOLERANCE["mixed_float16"])


# Models


@pytest.mark.parametrize(
    "layer",
    [
        FastConv2D(4, 3, groups=2, explicit_padding=((1, 2), (3, 4))),
        ExplicitPadMaxPool2D(3, 2, explicit_padding=((1, 0), (0, 1))),
        FusedBatchNormalization(momentum=0.9),
        LocalResponseNormalization(**OTHER),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_a_clone_has_the_same_configuration(layer):
    assert type(layer).from_config(layer.get_config()).get_config() == layer.get_config()


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
        pool = ExplicitPadMaxPool2D(3, 2, explicit_padding=((1, 1), (1, 1)), dtype=policy)
        expected = LocalResponseNormalization(**STRONG, dtype=policy)(pool(batch))
        close(np.load(tmp_path / f"{policy}.npy"), expected, tolerance)

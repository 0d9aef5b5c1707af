"""Comparing a fast layer with a stock layer that has the same weights.

The stock layers run in float32, on values that every type represents exactly: in half width some of them are wrong
by several per cent on CPUs, since TensorFlow then also sums in half width.
"""

import numpy as np
import pytest
import tensorflow as tf

# The largest difference allowed, relative to the largest value: two roundings to each half-width type.
TOLERANCE = {"float32": 1e-5, "mixed_bfloat16": 8e-3, "mixed_float16": 1e-3}
policies = pytest.mark.parametrize("policy", TOLERANCE)


def exact(values):
    """Rounds to values that every type represents."""
    return values.astype(tf.bfloat16.as_numpy_dtype).astype("float32")


def normal(*shape, seed=0, mean=0.0):
    return exact(np.random.default_rng(seed).normal(mean, 1.0, shape))


def share_weights(fast, stock):
    """Gives both layers the same new weights, positive as variances are, and checks that they transfer both ways."""
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
    """Asserts that both layers compute the same with the same weights."""
    share_weights(fast, stock)
    received, expected = results(fast, x, **arguments), results(stock, x, **arguments)
    assert received[0].dtype == fast.compute_dtype
    for ours, theirs in zip(received, expected, strict=True):
        close(ours, theirs, tolerance)


def built(kind, shape, **options):
    layer = kind(**options)
    layer.build((None, *shape[1:]))
    return layer

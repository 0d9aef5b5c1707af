"""The fast convolution against the stock one: padding side by side, groups, half-width types."""

import keras
import numpy as np
import pytest

from builder.network import fast_layers
from builder.network.fast_layers import FastConv2D
from tests.builder.network.layer_pairs import TOLERANCE, built, close, normal, policies, results, same, share_weights

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
    monkeypatch.setattr(fast_layers, "emulated", lambda dtype: False)
    x = normal(2, 9, 8, 4)
    same(*convolutions(x.shape, policy), x, tolerance)


def test_other_devices_convolve_the_groups_at_once(monkeypatch):
    x = normal(2, 9, 8, 32)
    fast, stock = convolutions(x.shape, groups=4)
    fast.set_weights(stock.get_weights())
    monkeypatch.setattr(fast_layers, "on_cpu", lambda: False)
    calls = []
    convolve = fast._convolve
    monkeypatch.setattr(fast, "_convolve", lambda *arguments: calls.append(1) or convolve(*arguments))
    close(fast(x), stock(x), 1e-5)
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("groups", "channels", "together"), [(2, 48, 1), (32, 4, 4), (32, 8, 2), (6, 5, 6), (6, 6, 3), (3, 1, 3)]
)
def test_groups_that_are_computed_together(groups, channels, together):
    assert fast_layers.group_block(groups, channels) == together


def test_sides_and_a_word_do_not_go_together():
    with pytest.raises(ValueError, match="explicit_padding goes with padding='valid', got padding='same'"):
        FastConv2D(4, 3, padding="same", explicit_padding=((1, 1), (1, 1)))

"""The fast convolution against the stock one: padding of each side, groups, half-width types."""

import keras
import pytest
import tensorflow as tf
from tensorflow.python.util import _pywrap_util_port, _pywrap_utils

from archspec import ops
from builder.network import fast_layers
from builder.network.fast import FAST
from builder.network.fast_layers import FastConv2D
from builder.network.naming import LayerName
from builder.network.stock_layers import PORTABLE
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

EIGEN = {"float32": 1e-5, "mixed_bfloat16": 1e-1, "mixed_float16": 2e-2}
"""Replaces TOLERANCE for half-width types that this CPU lacks but must use: TensorFlow then also sums in half width."""
SIDES = ((3, 1), (0, 2))


@pytest.fixture(params=["as chosen here", "native half width", "emulated half width"])
def tolerance(request, monkeypatch):
    """Forces each side of the choice by instruction set on any machine; returns the tolerance for a precision."""
    chosen = fast_layers.emulated
    native = request.param == "native half width"
    if request.param != "as chosen here":
        monkeypatch.setattr(fast_layers, "emulated", lambda dtype: not native and dtype in fast_layers.HALF_WIDTH)

    def tolerance(policy):
        dtype = tf.as_dtype(policy.removeprefix("mixed_"))
        return (EIGEN if native and chosen(dtype) else TOLERANCE)[policy]

    return tolerance


def convolutions(shape, policy="float32", **options):
    # No bias in half width: it and its gradient, which TensorFlow sums in half width, are the stock layer's code.
    common = {"filters": 64, "kernel_size": 3, "use_bias": policy == "float32", **options}
    return built(FastConv2D, shape, dtype=policy, **common), built(keras.layers.Conv2D, shape, **common)


@policies
@pytest.mark.parametrize("options", CONVOLUTIONS.values(), ids=CONVOLUTIONS)
def test_convolution(policy, options, tolerance):
    x = normal(2, 9, 8, 32)
    fast, stock = convolutions(x.shape, policy, **options)
    assert fast.compute_output_shape(x.shape) == stock.compute_output_shape(x.shape)
    same(fast, stock, x, tolerance(policy))


def with_sides(lower, policy, **options):
    """A convolution with zeros of its own number at each side, as a model of what a lowering makes of it."""
    op = ops.Conv(filters=64, kernel=(3, 3), padding=SIDES, bias=False, **options)
    picture = keras.Input((9, 8, 32))
    return keras.Model(picture, lower(op, [picture], LayerName("conv", policy)))


def same_with_sides(policy, tolerance, **options):
    """Asserts that both lowerings of explicit padding compute the same, gradients included."""
    x = normal(2, 9, 8, 32)
    fast, stock = with_sides(FAST[ops.Conv], policy, **options), with_sides(PORTABLE[ops.Conv], "float32", **options)
    share_weights(fast, stock)
    assert fast.output_shape == stock.output_shape
    for received, expected in zip(results(fast, x), results(stock, x), strict=True):
        close(received, expected, tolerance)


@policies
@pytest.mark.parametrize("options", [{}, {"stride": (2, 2)}, {"groups": 2}, {"dilation": (2, 2)}], ids=str)
def test_explicit_padding_of_a_convolution(policy, options, tolerance):
    same_with_sides(policy, tolerance(policy), **options)


@pytest.mark.parametrize("options", [{}, {"stride": (2, 2)}, {"dilation": (2, 2)}], ids=str)
def test_explicit_padding_on_other_devices(options, monkeypatch):
    """In float32 only: in half width, a CPU computes the gradients of the other devices' operation in Eigen."""
    monkeypatch.setattr(fast_layers, "on_cpu", lambda: False)
    same_with_sides("float32", TOLERANCE["float32"], **options)


def test_explicit_zeros_come_before_the_convolution():
    """TensorFlow has no fast gradients on a CPU for a convolution that pads by itself."""
    fast = with_sides(FAST[ops.Conv], "float32")
    graph = tf.function(fast).get_concrete_function(tf.TensorSpec((2, 9, 8, 32))).graph
    (convolution,) = (operation for operation in graph.get_operations() if operation.type == "Conv2D")
    assert (convolution.get_attr("padding"), list(convolution.get_attr("explicit_paddings"))) == (b"VALID", [])
    assert any(operation.type == "Pad" for operation in graph.get_operations())


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


@pytest.mark.parametrize("dtype", fast_layers.HALF_WIDTH, ids=str)
@pytest.mark.parametrize(
    ("only_cpus", "onednn", "instructions", "emulated"),
    [
        (True, True, True, False),
        (True, True, False, True),
        (True, False, True, True),
        (False, True, False, False),
    ],
)
def test_half_width_is_emulated_on_cpus_that_cannot_use_it(
    dtype, only_cpus, onednn, instructions, emulated, monkeypatch
):
    monkeypatch.setattr(fast_layers, "on_cpu", lambda: only_cpus)
    monkeypatch.setattr(_pywrap_util_port, "IsMklEnabled", lambda: onednn)
    monkeypatch.setattr(_pywrap_utils, "IsDataTypeSupportedByOneDNNOnThisCPU", lambda dtype: instructions)
    assert fast_layers.emulated.__wrapped__(dtype) == emulated
    assert not fast_layers.emulated.__wrapped__(tf.float32)


@pytest.mark.parametrize(
    ("groups", "channels", "together"), [(2, 48, 1), (32, 4, 4), (32, 8, 2), (6, 5, 6), (6, 6, 3), (3, 1, 3)]
)
def test_groups_that_are_computed_together(groups, channels, together):
    assert fast_layers.group_block(groups, channels) == together


def test_channels_first_is_refused():
    with pytest.raises(ValueError, match="expected data_format='channels_last', got 'channels_first'"):
        FastConv2D(4, 3, data_format="channels_first")

"""The fast convolution against the stock one: padding of each side, groups, half-width types."""

import keras
import pytest
import tensorflow as tf

from archspec import ops
from builder.network import choices
from builder.network.fast import FAST
from builder.network.fast_convolution import FastConv2D, group_block
from builder.network.naming import LayerName
from builder.network.stock_layers import PORTABLE
from builder.training.steps import _compiled
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


@pytest.fixture(params=["as chosen here", "its own", "float32"])
def tolerance(request):
    """Forces each type of the convolution on any machine; returns the tolerance for a precision."""

    def tolerance(policy):
        dtype = policy.removeprefix("mixed_")
        lacks = dtype in choices.HALF_TYPES and dtype not in choices.device().half_types
        return (EIGEN if request.param == "its own" and lacks else TOLERANCE)[policy]

    if request.param == "as chosen here":
        yield tolerance
    else:
        with choices.forced(choices.CONVOLUTION_TYPE, request.param):
            yield tolerance


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


def test_explicit_zeros_come_before_the_convolution():
    """TensorFlow has no fast gradients on a CPU for a convolution that pads by itself."""
    fast = with_sides(FAST[ops.Conv], "float32")
    graph = tf.function(fast).get_concrete_function(tf.TensorSpec((2, 9, 8, 32))).graph
    (convolution,) = (operation for operation in graph.get_operations() if operation.type == "Conv2D")
    assert (convolution.get_attr("padding"), list(convolution.get_attr("explicit_paddings"))) == (b"VALID", [])
    assert any(operation.type == "Pad" for operation in graph.get_operations())


def test_groups_together_are_one_convolution(monkeypatch):
    x = normal(2, 9, 8, 32)
    fast, stock = convolutions(x.shape, groups=4)
    fast.set_weights(stock.get_weights())
    calls = []
    convolve = fast._convolve
    monkeypatch.setattr(fast, "_convolve", lambda *arguments: calls.append(1) or convolve(*arguments))
    with choices.forced(choices.GROUPS_TOGETHER, 1):
        close(fast(x), stock(x), 1e-5)
    assert len(calls) == 1


@pytest.mark.skipif(not choices.device().is_cpu, reason="XLA on GPUs has a fast grouped convolution")
def test_xla_computes_groups_apart_on_a_cpu():
    """Its grouped convolution takes up to 200 times as long there."""
    with choices.forced(choices.GROUPS_TOGETHER, 1):
        step = _compiled(lambda: tf.constant(choices.GROUPS_TOGETHER.option("float32")))
        assert int(step()) == choices.NEVER


WHERE_ONEDNN = pytest.mark.skipif(
    choices.device().is_cpu and choices.device().instruction_set is None,
    reason="a grouped convolution has gradients on a CPU only with oneDNN",
)


@WHERE_ONEDNN
@pytest.mark.parametrize("groups", [2, 8, 32])
@pytest.mark.parametrize("options", [{}, {"strides": 2, "padding": "same"}, {"dilation_rate": 2}], ids=str)
def test_gradients_of_groups_together(groups, options):
    x = normal(2, 9, 8, 32)
    with choices.forced(choices.GROUPS_TOGETHER, 1):
        same(*convolutions(x.shape, groups=groups, **options), x, TOLERANCE["float32"])


@policies
@pytest.mark.parametrize("option", choices.GROUP_CHANNELS.options)
def test_groups_computed_several_at_a_time(policy, option):
    x = normal(2, 9, 8, 32)
    with choices.forced(choices.GROUPS_TOGETHER, choices.NEVER), choices.forced(choices.GROUP_CHANNELS, option):
        same(*convolutions(x.shape, policy, groups=16, padding="same"), x, TOLERANCE[policy])


@policies
@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("option", choices.POINTWISE_WEIGHTS_GRADIENT.options)
def test_gradients_of_a_pointwise_convolution(policy, groups, option):
    x = normal(2, 9, 8, 32)
    with choices.forced(choices.POINTWISE_WEIGHTS_GRADIENT, option):
        same(*convolutions(x.shape, policy, kernel_size=1, groups=groups), x, TOLERANCE[policy])


def test_the_product_of_matrices_is_taken_without_strides_only():
    """Slicing the inputs for it would cost what it gains."""
    with choices.forced(choices.POINTWISE_WEIGHTS_GRADIENT, "matrix product"):
        gradients = {strides: gradient_operations(strides) for strides in (1, 2)}
    assert "MatMul" in gradients[1] and "Conv2DBackpropFilter" not in gradients[1]
    assert "MatMul" not in gradients[2] and "Conv2DBackpropFilter" in gradients[2]


def gradient_operations(strides):
    """The kinds of operations in the step of a 1x1 convolution."""
    layer = built(FastConv2D, (2, 8, 8, 32), filters=64, kernel_size=1, strides=strides)

    @tf.function
    def step(x):
        with tf.GradientTape() as tape:
            y = tf.reduce_sum(layer(x))
        return tape.gradient(y, layer.trainable_weights[0].value)

    graph = step.get_concrete_function(tf.TensorSpec((2, 8, 8, 32))).graph
    return {operation.type for operation in graph.get_operations()}


@pytest.mark.parametrize(
    ("groups", "channels", "together"), [(2, 48, 1), (32, 4, 4), (32, 8, 2), (6, 5, 6), (6, 6, 3), (3, 1, 3)]
)
def test_groups_that_are_computed_together(groups, channels, together):
    assert group_block(groups, channels, 16) == together


def test_channels_first_is_refused():
    with pytest.raises(ValueError, match="expected data_format='channels_last', got 'channels_first'"):
        FastConv2D(4, 3, data_format="channels_first")

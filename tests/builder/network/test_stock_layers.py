"""Each primitive's layer against the primitive's definition."""

import inspect

import keras
import numpy as np
import pytest
import tensorflow as tf

import archspec
import builder
from archspec.graph.graph import Graph, Node
from archspec.ops import ACTIVATIONS, PRIMITIVES, Activation, Input
from archspec.ops.activations import RECORDS
from archspec.ops.initializers import FORM, PLAIN
from builder.network.model import transfer_weights
from builder.network.stock_layers import KERAS_ARGUMENTS, PORTABLE
from tests.strategies import load


def model_of(*layers, size=(6, 6, 4), lowering="portable", **model):
    spec = load({"name": "one", "model": {"input": list(size), "layers": list(layers), **model}})
    built = builder.build(spec, lowering=lowering)
    builder.verify(built, archspec.analyse(spec))
    return built


def test_every_primitive_has_a_layer():
    assert set(PORTABLE) == set(PRIMITIVES.values())


def test_the_list_of_activations_is_keras_own():
    functions = {name for name, _ in inspect.getmembers(keras.activations, inspect.isfunction)}
    helpers = {"get", "serialize", "deserialize"}
    assert set(ACTIVATIONS) == functions - helpers - {"threshold"}  # threshold has required arguments


@pytest.mark.parametrize("function", ACTIVATIONS)
def test_every_activation_builds(function):
    op = Activation(function=function)
    shape = (2, 2, 4)
    graph = Graph("one", (Node("input", Input(size=shape), (), shape), Node("act", op, (0,), op.shape([shape]))))
    builder.verify(builder.build(graph), archspec.analyse(graph))


@pytest.mark.parametrize("function", ACTIVATIONS)
def test_every_activation_after_a_normalised_convolution_is_the_same_compiled(function):
    """With oneDNN, TensorFlow fuses the three even where it has no such operation."""
    conv = {"conv": {"filters": 4, "kernel": 3, "norm": "batch", "activation": function}}
    fast, portable = (model_of(conv, lowering=lowering) for lowering in ("fast", "portable"))
    transfer_weights(fast, portable)
    x = tf.constant(np.random.default_rng(0).normal(size=(2, 6, 6, 4)), tf.float32)
    compiled = tf.function(lambda x: fast(x, training=False))(x)
    np.testing.assert_allclose(compiled, portable(x, training=False), rtol=1e-4, atol=1e-5)


def gelu_by_tanh(x):
    """Hendrycks and Gimpel 2016, arXiv:1606.08415, section 2."""
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


PARAMETERS = {
    # what PyTorch computes (torch.nn, 2.9), where it has the function, and else Keras's own formula
    "leaky_relu 0.01": ({"leaky_relu": {"slope": 0.01}}, lambda x: np.where(x > 0, x, 0.01 * x)),
    "leaky_relu": ("leaky_relu", lambda x: np.where(x > 0, x, 0.2 * x)),
    "elu": ({"elu": {"alpha": 0.5}}, lambda x: np.where(x > 0, x, 0.5 * np.expm1(x))),
    "celu": ({"celu": 2}, lambda x: np.where(x > 0, x, 2 * np.expm1(x / 2))),
    "gelu": ({"gelu": {"approximate": True}}, gelu_by_tanh),
    "relu at most 2": ({"relu": {"max_value": 2}}, lambda x: np.clip(x, 0, 2)),
    "relu": (
        {"relu": {"slope": 0.1, "threshold": 1, "max_value": 2}},
        lambda x: np.where(x >= 1, np.minimum(x, 2), 0.1 * (x - 1)),
    ),
    "hard_shrink": ({"hard_shrink": {"threshold": 1}}, lambda x: np.where(abs(x) > 1, x, 0)),
    "soft_shrink": ({"soft_shrink": 1}, lambda x: np.sign(x) * np.maximum(abs(x) - 1, 0)),
    "squareplus": ({"squareplus": {"b": 1}}, lambda x: (x + np.sqrt(x**2 + 1)) / 2),
}


@pytest.mark.parametrize("case", PARAMETERS)
@pytest.mark.parametrize("lowering", ["portable", "fast"])
def test_activations_take_their_parameters(case, lowering, tmp_path):
    """On a layer and as one; and in a file that Keras opens alone."""
    activation, expected = PARAMETERS[case]
    x = np.linspace(-4, 4, 2 * 6 * 6 * 4, dtype=np.float32).reshape(2, 6, 6, 4)
    ones = {"filters": 4, "kernel": 1, "groups": 4, "bias": False, "initializer": "ones"}
    for layer in ({"activation": activation}, {"conv": {**ones, "activation": activation}}):
        model = model_of(layer, lowering=lowering)
        np.testing.assert_allclose(model(x), expected(x), rtol=1e-5, atol=1e-5)
    if lowering == "portable":
        model.save(tmp_path / "model.keras")
        opened = keras.models.load_model(tmp_path / "model.keras")
        np.testing.assert_array_equal(opened(x), model(x))
        assert all(type(one).__module__.startswith("keras.") for one in opened.layers)


def test_the_default_parameters_are_keras_own():
    """An activation without parameters is the plain one, whichever way it is written."""
    for name, record in RECORDS.items():
        own = inspect.signature(getattr(keras.activations, name)).parameters
        for field in record.fields.values():
            assert own[KERAS_ARGUMENTS.get(field.name, field.name)].default == field.default
        assert (
            load({"name": "net", "model": {"input": [2], "layers": [{"activation": {name: {}}}]}}).graph
            == load({"name": "net", "model": {"input": [2], "layers": [{"activation": name}]}}).graph
        )


@pytest.mark.parametrize("name", [*PLAIN, "normal", "truncated_normal", "uniform", "orthogonal", "variance_scaling"])
def test_every_initializer_builds(name):
    assert name in FORM.records
    model = model_of({"conv": {"filters": 3, "kernel": 3, "initializer": name}})
    assert model.get_layer("conv1").kernel.shape == (3, 3, 4, 3)


def test_constant_initialisers_reach_the_layer():
    model = model_of({"conv": {"filters": 2, "kernel": 3, "bias_initializer": {"constant": {"value": 0.25}}}})
    np.testing.assert_array_equal(model.get_layer("conv1").bias, [0.25, 0.25])


def test_initialiser_arguments_reach_the_layer():
    model = model_of(
        {"conv": {"filters": 64, "kernel": 3, "initializer": {"normal": {"std": 0.01}}, "bias_initializer": "ones"}}
    )
    kernel, bias = model.get_layer("conv1").get_weights()
    assert 0.009 < kernel.std() < 0.011
    assert (bias == 1).all()


def test_identical_layers_start_with_different_weights():
    model = model_of(
        {"repeat": {"times": 2, "layers": [{"conv": {"filters": 4, "kernel": 3, "initializer": "he_normal"}}]}}
    )
    first, second = (layer.get_weights()[0] for layer in model.layers if layer.weights)
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("lowering", ["portable", "fast"])
def test_max_pool_padding_never_wins(lowering):
    model = model_of({"max_pool": {"size": 3, "stride": 2, "padding": 1}}, size=(5, 5, 2), lowering=lowering)
    x = np.full((1, 5, 5, 2), -7.0, "float32")
    np.testing.assert_array_equal(model(x), np.full((1, 3, 3, 2), -7.0))


@pytest.mark.parametrize(("padding", "corner"), [(1, 4 / 9), ("same", 1.0)])
def test_avg_pool_counts_explicit_zeros_only(padding, corner):
    model = model_of({"avg_pool": {"size": 3, "stride": 1, "padding": padding}}, size=(5, 5, 1))
    out = np.asarray(model(np.ones((1, 5, 5, 1), "float32")))
    assert out[0, 0, 0, 0] == pytest.approx(corner)
    assert out[0, 2, 2, 0] == pytest.approx(1.0)


def test_local_response_norm_is_the_papers_formula():
    x = np.random.default_rng(0).normal(size=(2, 3, 3, 8)).astype("float32") * 10
    expected = np.empty_like(x)
    for i in range(8):
        total = (x[..., max(0, i - 2) : i + 3] ** 2).sum(-1)
        expected[..., i] = x[..., i] / (2 + 1e-2 * total) ** 0.75
    layer = {"local_response_norm": {"radius": 2, "bias": 2, "alpha": 1e-2, "beta": 0.75}}
    for lowering in ("portable", "fast"):
        model = model_of(layer, size=(3, 3, 8), lowering=lowering)
        np.testing.assert_allclose(model(x), expected, rtol=1e-5)


@pytest.mark.parametrize(
    "name", ["square", "power", "cast", "add", "get_item", "split", "pad", "multiply", "negative", "true_divide"]
)
@pytest.mark.parametrize("lowering", ["portable", "fast"])
def test_names_of_keras_operations_are_free(name, lowering):
    model = model_of(
        "local_response_norm",
        {"activation": {"function": "glu"}},
        {"max_pool": {"size": 3, "stride": 1, "padding": 1}},
        {"conv": {"filters": 3, "kernel": 3, "stride": 2, "padding": 1, "name": name}},
        lowering=lowering,
    )
    assert model.output_names == [name]


def test_helper_layers_have_names_of_their_own():
    """A convolution named `shortcut`, whose input is padded with zeros, next to a shortcut that pads channels."""
    conv = {"conv": {"filters": 6, "kernel": 3, "stride": 2, "padding": 1, "name": "shortcut"}}
    model = model_of({"residual": {"layers": [conv], "shortcut": "pad", "name": "r"}})
    assert {"r.shortcut", "r.shortcut.pad", "r.shortcut._pad"} <= {layer.name for layer in model.layers}


@pytest.mark.parametrize(("radius", "channels"), [(1, 1), (3, 2), (3, 7), (4, 40), (900, 1000)])
def test_local_response_norm_of_any_radius(radius, channels):
    layer = {"local_response_norm": {"radius": radius, "alpha": 0.1}}
    x = np.random.default_rng(0).normal(size=(1, 2, 2, channels)).astype("float32")
    expected = np.stack(
        [
            x[..., i] / (2 + 0.1 * (x[..., max(0, i - radius) : i + radius + 1] ** 2).sum(-1)) ** 0.75
            for i in range(channels)
        ],
        -1,
    )
    for lowering in ("portable", "fast"):
        model = model_of(layer, size=(2, 2, channels), lowering=lowering)
        np.testing.assert_allclose(model(x), expected, rtol=1e-5)


def test_channel_operations():
    model = model_of(
        {"slice_channels": {"start": 1, "stop": 3}}, {"pad_channels": {"before": 1, "after": 2}}, size=(2, 2, 4)
    )
    x = np.arange(16, dtype="float32").reshape(1, 2, 2, 4)
    expected = np.zeros((1, 2, 2, 5), "float32")
    expected[..., 1:3] = x[..., 1:3]
    np.testing.assert_array_equal(model(x), expected)


def test_towers_do_not_see_each_other():
    model = model_of({"towers": {"count": 2, "layers": [{"conv": {"filters": 3, "kernel": 3}}]}})
    x = np.random.default_rng(0).normal(size=(1, 6, 6, 4)).astype("float32")
    changed = x.copy()
    changed[..., 2:] += 1
    before, after = np.asarray(model(x)), np.asarray(model(changed))
    np.testing.assert_array_equal(before[..., :3], after[..., :3])
    assert not np.allclose(before[..., 3:], after[..., 3:])

"""What a user saves of a model of the fast layers opens with Keras alone, and computes the same."""

import inspect
import json
import os
import pickle
import subprocess
import sys

import keras
import numpy as np
import pytest
from hypothesis import given

import builder
from archspec import Graph, Node, ops
from builder.network import fast
from builder.network.fast import FAST
from tests import small, strategies
from tests.builder.network.test_model import RICH
from tests.builder.test_primitives import EXAMPLES, PICTURE, VECTOR
from tests.randomised import examples

LOADING = """
import sys
sys.modules.update(dict.fromkeys(["builder", "archspec"]))  # importing them is an error
import keras, numpy
for name in sys.argv[1:]:
    model = keras.models.load_model(f"{name}.keras")
    answer = model(numpy.load(f"{name}.npy"), training=False)
    numpy.save(f"{name}.out.npy", keras.ops.convert_to_numpy(keras.ops.cast(answer, "float32")))
    if model.compiled:
        assert int(model.optimizer.iterations.numpy()) == 1
        model.fit(numpy.load(f"{name}.npy"), numpy.zeros(len(answer)), verbose=0)
"""


def pictures(model, seed=0):
    return np.random.default_rng(seed).normal(size=(2, *model.input_shape[1:])).astype("float32")


def trained(model):
    """The model with other weights than its initial ones, moving statistics included."""
    generator = np.random.default_rng(2)
    model.set_weights([weight + generator.uniform(0, 0.1, weight.shape).astype(weight.dtype) for weight in
                       model.get_weights()])  # fmt: skip
    return model


def fitted(model):
    """The model after a step of training with an optimizer."""
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(pictures(model, seed=1), np.zeros(2), verbose=0)
    return model


def everything():
    """A graph of every primitive and every activation, side by side."""
    nodes = [Node("input", ops.Input(size=PICTURE), (), PICTURE)]

    def add(name, op, *inputs):
        nodes.append(Node(name, op, inputs, op.shape([nodes[index].shape for index in inputs])))
        return len(nodes) - 1

    vector = add("vector", ops.Dense(units=VECTOR[-1]), add("mean", ops.GlobalAvgPool(), 0))
    activations = {name: (ops.Activation(function=name), VECTOR) for name in ops.ACTIVATIONS}
    ends = []
    for name, (op, shape) in {**EXAMPLES, **activations}.items():
        start = 0 if shape == PICTURE else vector
        end = add(f"a-{name}", op, *[start] * (2 if op.many_inputs else 1))
        ends.append(end if len(nodes[end].shape) == 1 else add(f"flat-{name}", ops.Flatten(), end))
    add("logits", ops.Dense(units=3), add("all", ops.Concat(), *ends))
    return Graph("everything", tuple(nodes))


def models():
    """A model of everything, some of what has a fast layer in each precision, and two specs."""
    yield "everything", trained(builder.build(everything()))
    for precision in ("mixed_bfloat16", "mixed_float16"):
        yield f"rich_{precision}", builder.build(RICH, precision=precision)
    yield "synchronized", builder.build(RICH, "synchronized")
    yield "resnet20_fashion_mnist", builder.build("resnet20_fashion_mnist")
    yield "small", fitted(builder.build(small.SPEC))


def test_saved_models_open_with_keras_alone(tmp_path):
    expected = {}
    for name, model in models():
        model.save(tmp_path / f"{name}.keras")
        np.save(tmp_path / f"{name}.npy", pictures(model))
        expected[name] = np.asarray(model(pictures(model)), "float32")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run([sys.executable, "-c", LOADING, *expected], cwd=tmp_path, env=environment, check=True)
    for name, value in expected.items():
        tolerance = 1e-5 if "mixed" not in name else 5e-2
        error = np.abs(np.load(tmp_path / f"{name}.out.npy") - value).max()
        assert error <= tolerance * max(np.abs(value).max(), 1), name


def test_every_fast_layer_is_saved_as_a_layer_of_keras():
    """A layer that is added without `saved_as` would open where this project is installed, and nowhere else."""
    layers = [
        value
        for name, value in vars(fast).items()
        if inspect.isclass(value) and issubclass(value, keras.layers.Layer) and name != "FUNCTIONAL"
    ]
    assert len(layers) == len(FAST)
    assert {layer.__name__: layer.__module__ for layer in layers} == {
        "BatchNormalization": "keras.layers",
        "Conv2D": "keras.layers",
        "Dropout": "keras.layers",
        "LayerNormalization": "keras.layers",
        "Activation": "keras.layers",
        "Functional": "keras.src.models.functional",
    }


@examples(6)
@given(strategies.specs())
def test_a_random_model_is_read_again_as_stock_layers(data):
    model = builder.build(strategies.load(data))
    assert "builder" not in model.to_json()
    stock = keras.models.model_from_json(model.to_json())
    assert not {type(layer) for layer in stock.layers} & {type(layer) for layer in vars(fast).values()}
    stock.set_weights(model.get_weights())
    np.testing.assert_allclose(stock(pictures(model)), model(pictures(model)), rtol=1e-3, atol=1e-4)
    keras.backend.clear_session()


@pytest.fixture(scope="module")
def rich():
    return trained(builder.build(RICH))


def test_clones_compute_the_same_and_keep_the_fast_layers(rich):
    clone = keras.models.clone_model(rich)
    clone.set_weights(rich.get_weights())
    np.testing.assert_allclose(clone(pictures(rich)), rich(pictures(rich)), rtol=1e-4, atol=1e-6)
    normalisation = "local_response_norm1"  # a clone computes what is saved of it
    kinds = [
        {layer.name: type(layer) for layer in model.layers if layer.name != normalisation} for model in (rich, clone)
    ]
    assert kinds[0] == kinds[1] and fast.FastConv2D in kinds[1].values()


def test_weights_go_between_the_lowerings_in_files(rich, tmp_path):
    stock = builder.build(RICH, "portable")
    rich.save_weights(tmp_path / "fast.weights.h5")
    stock.load_weights(tmp_path / "fast.weights.h5")
    np.testing.assert_allclose(stock(pictures(rich)), rich(pictures(rich)), rtol=1e-4, atol=1e-6)
    other = builder.build(RICH)
    stock.save_weights(tmp_path / "stock.weights.h5")
    other.load_weights(tmp_path / "stock.weights.h5")
    np.testing.assert_array_equal(other(pictures(rich)), rich(pictures(rich)))


def test_a_pickled_model_is_one_of_stock_layers(rich):
    rich = keras.models.clone_model(rich)
    again = pickle.loads(pickle.dumps(rich))  # noqa: S301
    assert type(again.get_layer("conv1")) is keras.layers.Conv2D
    np.testing.assert_allclose(again(pictures(rich)), rich(pictures(rich)), rtol=1e-4, atol=1e-6)


def test_keras_exports_the_model(rich, tmp_path):
    rich.export(tmp_path / "saved_model", verbose=False)
    layer = keras.layers.TFSMLayer(tmp_path / "saved_model", call_endpoint="serve")
    np.testing.assert_allclose(layer(pictures(rich)), rich(pictures(rich)), rtol=1e-4, atol=1e-6)


def test_the_file_names_the_layers_of_keras(rich):
    layers = json.loads(rich.to_json())["config"]["layers"]
    kinds = {(layer["module"], layer["class_name"]) for layer in layers}
    assert {module for module, _ in kinds if not module.startswith("keras")} == set()
    assert {("keras.layers", "Conv2D"), ("keras.layers", "BatchNormalization"), ("keras.layers", "Dropout")} <= kinds

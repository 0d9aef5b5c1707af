"""The compiler: every shipped spec's model equals its analysis, lowerings share weights, saved models open anywhere."""

import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.datasets import load_digits

import archspec
import builder
from builder.network import choices
from builder.network.model import transfer_weights
from tests.strategies import load

SPECS = sorted(Path("specs").glob("*.yaml"))

# Every kind of layer that has more than one lowering.
RICH = {
    "name": "rich",
    "model": {
        "input": [19, 19, 3],
        "layers": [
            {"conv": {"filters": 8, "kernel": 5, "stride": 2, "padding": 2, "norm": "batch", "activation": "relu"}},
            "local_response_norm",
            {"max_pool": {"size": 3, "stride": 2, "padding": 1}},
            {"conv": {"filters": 8, "kernel": 3, "groups": 2, "padding": "symmetric", "activation": "relu"}},
            {"basic": {"filters": 16, "stride": 2, "shortcut": "pad"}},
            {"bottleneck": {"filters": 8, "groups": 4}},
            {"dropout": 0.5},
            "global_avg_pool",
            {"dense": {"units": 5, "norm": "batch"}},
        ],
    },
}


@pytest.mark.parametrize("lowering", ["portable", "fast"])
@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_every_spec_equals_its_model(path, lowering):
    spec = archspec.load(path)
    with keras.StatelessScope(initialize_variables=False):  # shapes only: a tenth of the time, and no memory
        model = builder.build(spec, lowering=lowering)
    builder.verify(model, archspec.analyse(spec))
    assert "builder" not in json.dumps(model.get_config())  # it is saved as stock layers
    keras.backend.clear_session()


def test_building_from_path_mapping_spec_and_graph():
    path = Path("specs/resnet20_cifar.yaml")
    spec = archspec.load(path)
    names = [
        [layer.name for layer in builder.build(it).layers]
        for it in (path, str(path), spec.tree.plain(), spec, spec.graph)
    ]
    assert names.count(names[0]) == 5


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16", "mixed_float16"])
def test_lowerings_are_one_function_with_one_set_of_weights(precision):
    spec = load(RICH)
    portable = builder.build(spec, lowering="portable", precision=precision)
    fast = builder.build(spec, lowering="fast", precision=precision)
    assert [v.path for v in portable.weights] == [v.path for v in fast.weights]
    transfer_weights(fast, portable)
    for a, b in zip(portable.weights, fast.weights, strict=True):
        np.testing.assert_array_equal(a, b)
    x = np.random.default_rng(0).normal(size=(32, 19, 19, 3)).astype("float32")
    tolerance = 1e-5 if precision == "float32" else 5e-2  # bfloat16 has 8 bits, and these layers add up their roundings
    for training in (False, True):
        if training:  # dropout draws its own masks in each model
            portable.get_layer("dropout1").rate = fast.get_layer("dropout1").rate = 0.0
        a, b = (np.asarray(m(x, training=training)) for m in (portable, fast))
        assert a.dtype == np.float32
        assert np.abs(a - b).mean() < tolerance * np.abs(b).mean()


def training_step(model, jit_compile=False):
    """Logits and gradients of one step, as arrays."""
    model.get_layer("dropout1").rate = 0.0  # it draws masks of its own in each model
    generator = np.random.default_rng(0)
    x, weights = (tf.constant(generator.normal(size=size), tf.float32) for size in ((32, 19, 19, 3), (32, 5)))

    @tf.function(jit_compile=jit_compile)
    def step():
        with tf.GradientTape() as tape:
            logits = model(x, training=True)
        return logits, *tape.gradient(logits, [weight.value for weight in model.trainable_weights], weights)

    return [np.asarray(value) for value in step()]


def test_the_fast_lowering_compiles_with_xla():
    keras.utils.set_random_seed(0)
    model = builder.build(load(RICH), lowering="fast")
    for a, b in zip(training_step(model), training_step(model, jit_compile=True), strict=True):
        assert np.abs(a - b).mean() <= 1e-4 * np.abs(a).mean() + 1e-5


@pytest.mark.parametrize("option", choices.CONVOLUTION_TYPE.options)
def test_in_half_width_the_fast_lowering_is_as_exact_as_stock_layers(option):
    """With XLA and without it, whether or not the CPU has the type: the errors against float32, as a part of each
    gradient's norm, on average over the weights. Roundings through three batch normalisations come to 0.1 to 0.2."""
    keras.utils.set_random_seed(0)
    reference = builder.build(load(RICH), lowering="portable")
    exact = training_step(reference)

    def error(lowering, jit_compile=False):
        model = builder.build(load(RICH), lowering=lowering, precision="mixed_bfloat16")
        transfer_weights(reference, model)
        pairs = zip(training_step(model, jit_compile), exact, strict=True)
        return np.mean([np.linalg.norm(a - b) / (np.linalg.norm(b) + 1e-4) for a, b in pairs])

    stock = error("portable")
    with choices.forced(choices.CONVOLUTION_TYPE, option):
        assert error("fast") < 1.5 * stock
        assert error("fast", jit_compile=True) < 1.5 * stock


def test_a_saved_portable_model_opens_with_keras_alone(tmp_path):
    model = builder.build(load(RICH), lowering="portable", precision="mixed_bfloat16")
    x = np.random.default_rng(0).normal(size=(2, 19, 19, 3)).astype("float32")
    model.save(tmp_path / "model.keras")
    np.save(tmp_path / "x.npy", x)
    code = (
        "import keras, numpy; m = keras.models.load_model('model.keras'); numpy.save('y.npy', m(numpy.load('x.npy')))"
    )
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, check=True)
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), model(x))


def test_portable_models_hold_stock_layers_only():
    model = builder.build(load(RICH), lowering="portable")
    assert {type(layer).__module__.split(".")[0] for layer in model.layers} == {"keras"}


def test_verify_lists_every_difference():
    spec = load(RICH)
    other = load({**RICH, "model": {**RICH["model"], "input": [19, 19, 1]}})
    with pytest.raises(builder.VerificationError) as error:
        builder.verify(builder.build(other), archspec.analyse(spec))
    assert str(error.value) == (
        "the model differs from the analysis:\n"
        "  conv1: 200 trainable parameters, expected 600\n"
        "  in all 5652 parameters, expected 6052"
    )


def test_transfer_names_the_layers_that_differ():
    other = {**RICH, "model": {**RICH["model"], "layers": RICH["model"]["layers"][:-1]}}
    with pytest.raises(ValueError, match=r"only one of the models has: dense1, dense1\.norm"):
        transfer_weights(builder.build(load(RICH)), builder.build(load(other)))


def test_wrong_choices_are_named():
    with pytest.raises(ValueError, match="'portable', 'fast' or 'synchronized', got 'quick'"):
        builder.build(load(RICH), lowering="quick")
    with pytest.raises(ValueError, match="got 'float8'"):
        builder.build(load(RICH), precision="float8")


# -- a model as Keras's users have them --------------------------------------------------------------------------------


@pytest.fixture
def policy():
    """Sets Keras's global policy, and float32 again afterwards."""
    yield keras.config.set_dtype_policy
    keras.config.set_dtype_policy("float32")


def policies(model):
    return {layer.dtype_policy.name for layer in model.layers[1:-1]}


def test_the_global_policy_is_the_precision(policy):
    assert policies(builder.build(load(RICH))) == {"float32"}
    policy("mixed_bfloat16")
    model = builder.build(load(RICH))
    assert policies(model) == {"mixed_bfloat16"}
    assert model.output.dtype == "float32" and {weight.dtype for weight in model.trainable_weights} == {"float32"}
    assert policies(builder.build(load(RICH), precision="float32")) == {"float32"}


@pytest.mark.parametrize("name", ["float16", "float64"])
def test_a_global_policy_without_a_precision_is_refused(name, policy):
    policy(name)
    with pytest.raises(ValueError, match="global policy") as error:
        builder.build(load(RICH))
    assert str(error.value) == (
        f"Keras's global policy is '{name}', and a network is built in float32, mixed_bfloat16 or mixed_float16; "
        "set one of these with keras.config.set_dtype_policy, or give build(..., precision=)"
    )
    builder.build(load(RICH), precision="mixed_bfloat16")


@pytest.mark.parametrize("lowering", ["portable", "fast"])
def test_keras_trains_the_model_with_its_callbacks(lowering, tmp_path):
    """`compile` and `fit` as for any other Keras model, on scikit-learn's digits."""
    layers = [
        {"conv": {"filters": 8, "kernel": 3, "groups": 1, "norm": "batch", "activation": "relu"}},
        {"conv": {"filters": 8, "kernel": 3, "groups": 2, "stride": 2, "padding": 1, "activation": "relu"}},
        {"dropout": 0.1},
        "flatten",
        {"dense": 10},
    ]
    keras.utils.set_random_seed(0)
    model = builder.build(load({"name": "net", "model": {"input": [8, 8, 1], "layers": layers}}), lowering)
    digits = load_digits()
    pictures, labels = digits.images[:600, ..., np.newaxis].astype("float32") / 16, digits.target[:600]
    model.compile(
        keras.optimizers.Adam(0.01), keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"]
    )
    callbacks = [
        keras.callbacks.EarlyStopping(patience=2, restore_best_weights=True),
        keras.callbacks.ModelCheckpoint(tmp_path / "best.weights.h5", save_best_only=True, save_weights_only=True),
        keras.callbacks.CSVLogger(tmp_path / "log.csv"),
    ]
    history = model.fit(pictures, labels, 32, epochs=4, validation_split=0.2, callbacks=callbacks, verbose=0).history
    assert history["loss"][-1] < history["loss"][0] / 2
    assert len((tmp_path / "log.csv").read_text().splitlines()) == 1 + len(history["loss"])
    evaluated = model.evaluate(pictures[480:], labels[480:], verbose=0, return_dict=True)
    model.load_weights(tmp_path / "best.weights.h5")
    np.testing.assert_allclose(evaluated["loss"], min(history["val_loss"]), rtol=1e-3)
    np.testing.assert_allclose(model.evaluate(pictures[480:], labels[480:], verbose=0)[0], evaluated["loss"], rtol=1e-3)


def test_verify_takes_what_build_takes():
    spec = load(RICH)
    model = builder.build(spec)
    for network in (spec, spec.graph, archspec.analyse(spec)):
        builder.verify(model, network)
    builder.verify(builder.build("specs/resnet20_cifar.yaml"), Path("specs/resnet20_cifar.yaml"))
    with pytest.raises(builder.VerificationError, match="in all 5652 parameters, expected 6052"):
        builder.verify(builder.build(load({**RICH, "model": {**RICH["model"], "input": [19, 19, 1]}})), spec)

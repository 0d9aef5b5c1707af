"""Quick building gives many variables of TensorFlow one name. They stay apart, and have other names in Keras."""

import numpy as np
import tensorflow as tf

from builder.network.model import build
from builder.network.variables import quick_variables

SPEC = {
    "name": "two_convolutions",
    "model": {
        "input": [4, 4, 3],
        "layers": [
            {"conv": {"filters": 3, "kernel": 3, "padding": "same", "norm": "batch"}},
            {"conv": {"filters": 3, "kernel": 3, "padding": "same", "norm": "batch"}},
            "flatten",
            {"dense": 2},
        ],
    },
}


def test_only_the_names_that_tensorflow_gives_are_shorter():
    model = build(SPEC)
    assert [weight.path for weight in model.weights if weight.name == "kernel"] == [
        "conv1/kernel",
        "conv2/kernel",
        "dense1/kernel",
    ]
    assert {weight.value.name for weight in model.weights} == {
        f"{name}:0" for name in ("kernel", "bias", "gamma", "beta", "moving_mean", "moving_variance")
    }


def test_weights_of_one_name_and_shape_are_apart_in_a_saved_model(tmp_path):
    """The loader of TensorFlow 1, like that of TensorFlow Serving, finds variables by their names in the file."""
    model = build(SPEC)
    model.set_weights([np.random.default_rng(number).random(w.shape) for number, w in enumerate(model.weights)])
    pictures = np.random.default_rng(0).random((2, 4, 4, 3), np.float32)
    expected = model(pictures, training=False).numpy()
    model.export(tmp_path / "model", verbose=False)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        loaded = tf.compat.v1.saved_model.load(session, ["serve"], str(tmp_path / "model"))
        signature = loaded.signature_def["serving_default"]
        (given,), (answer,) = signature.inputs.values(), signature.outputs.values()
        found = session.run(answer.name, {given.name: pictures})
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_under_a_strategy_names_are_as_tensorflow_makes_them():
    with tf.distribute.OneDeviceStrategy("/cpu:0").scope(), quick_variables(), tf.name_scope("layer"):
        assert tf.Variable(1.0, name="kernel").name == "layer/kernel:0"
    with quick_variables(), tf.name_scope("layer"):
        assert tf.Variable(1.0, name="layer/kernel").name == "kernel:0"
        assert tf.Variable(1.0).name == "Variable:0"

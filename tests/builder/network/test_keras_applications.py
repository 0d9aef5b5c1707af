"""The specs that follow keras.applications compute the same function: the same outputs with its weights."""

import re

import keras
import numpy as np
import pytest

import builder

APPLICATIONS = {
    "resnet50_keras": "ResNet50",
    "resnet101_keras": "ResNet101",
    "resnet152_keras": "ResNet152",
    "vgg_d": "VGG16",
    "vgg_e": "VGG19",
}


def our_name(theirs: str) -> str:
    """The spec's name of a layer of keras.applications: `conv3_block1_0_bn` is `stage2.block1.shortcut.norm`."""
    match = re.fullmatch(r"conv(\d)_block(\d+)_(\d)_(conv|bn)", theirs)
    if match:
        stage, block, number, kind = match.groups()
        part = "shortcut" if number == "0" else f"conv{number}"
        return f"stage{int(stage) - 1}.block{block}.{part}" + (".norm" if kind == "bn" else "")
    match = re.fullmatch(r"block(\d)_conv(\d)", theirs)
    if match:
        return f"conv{match[1]}_{match[2]}"
    names = {"conv1_conv": "conv1", "conv1_bn": "conv1.norm", "fc1": "fc6", "fc2": "fc7"}
    return names.get(theirs, theirs)


@pytest.mark.parametrize("name", APPLICATIONS)
def test_outputs_equal_those_of_keras_applications(name):
    keras.utils.set_random_seed(0)
    theirs = getattr(keras.applications, APPLICATIONS[name])(weights=None, classifier_activation=None)
    ours = builder.build(f"specs/{name}.yaml", lowering="portable")
    _randomise_statistics(theirs)
    _copy(theirs, ours)
    pictures = np.random.default_rng(0).normal(size=(1, 224, 224, 3)).astype("float32")
    expected = np.asarray(theirs(pictures, training=False))
    difference = np.abs(np.asarray(ours(pictures, training=False)) - expected).max() / np.abs(expected).max()
    assert difference < 1e-4
    keras.backend.clear_session()


def _randomise_statistics(model: keras.Model) -> None:
    """Sets moving averages, scales and offsets to values as after training: fresh ones are all zeros and ones."""
    generator = np.random.default_rng(1)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([generator.uniform(0.5, 1.5, w.shape) for w in layer.get_weights()])


def _copy(theirs: keras.Model, ours: keras.Model) -> None:
    copied = {our_name(layer.name): layer.get_weights() for layer in theirs.layers if layer.weights}
    if "fc6" in copied:  # VGG's last layer is the paper's eighth with weights in this numbering
        copied["fc8"] = copied.pop("predictions")
    assert set(copied) == {layer.name for layer in ours.layers if layer.weights}
    for name, weights in copied.items():
        ours.get_layer(name).set_weights(weights)

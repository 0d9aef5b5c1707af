"""The specs that follow torchvision compute the same functions with its weights, transferred by matching."""

import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

import archspec
import builder
from builder import weights
from builder.weights.source import state_dict
from builder.weights.writing import state_dict_like
from tests.fixtures.weights_by_name import picture, values

FIXTURE = json.loads(Path("tests/fixtures/torchvision.json").read_text())
NETWORKS = FIXTURE["networks"]
TOLERANCE = 1e-4  # of the largest logit

# This project's name, torchvision's name, and the side of the picture.
LIVE = {
    "alexnet": ("alexnet", 224),
    "vgg_a": ("vgg11", 224),
    "vgg_b": ("vgg13", 224),
    "vgg_d": ("vgg16", 224),
    "vgg_e": ("vgg19", 224),
    "squeezenet1_0": ("squeezenet1_0", 224),
    "resnet18": ("resnet18", 224),
    "resnet34": ("resnet34", 64),
    "resnet50": ("resnet50", 224),
    "resnet101": ("resnet101", 64),
    "resnet152": ("resnet152", 64),
    "resnext50_32x4d": ("resnext50_32x4d", 64),
    "wide_resnet50_2": ("wide_resnet50_2", 64),
}


@pytest.fixture(autouse=True)
def free_memory():
    yield
    keras.backend.clear_session()


def without_values(tensors):
    return {name: np.broadcast_to(np.float32(0), shape) for name, shape in tensors.items()}


def logits_here(name, source, size):
    """Computes the spec's logits of the picture with a file's weights."""
    spec = archspec.load(f"specs/{name}.yaml", {"model.input": [size, size, 3]})
    matching = weights.match(spec, source)
    weights.require(matching)
    model = builder.build(spec, lowering="portable")
    weights.apply(matching, model)
    return np.asarray(model(picture(size)))[0]


def assert_equal(found, expected):
    assert np.abs(found - expected).max() < TOLERANCE * np.abs(expected).max()


@pytest.mark.parametrize("name", [name for name, entry in NETWORKS.items() if "logits" in entry])
def test_logits_are_torchvisions(name):
    entry = NETWORKS[name]
    tensors = {key: values(key, tuple(shape)) for key, shape in entry["tensors"].items()}
    found = logits_here(name, state_dict(name, tensors), entry["size"])
    assert_equal(found[:: FIXTURE["about"]["every"]], np.array(entry["logits"]))


def renamed(name):
    """The spec's name of a module of torchvision's ResNets."""
    for theirs, ours in (("layer", "stage"), (".downsample.0", ".shortcut"), (".downsample.1", ".shortcut.norm")):
        name = name.replace(theirs, ours)
    parts = [f"block{int(part) + 1}" if part.isdigit() else part for part in name.split(".")]
    return ".".join(f"conv{part[2:]}.norm" if part.startswith("bn") else part for part in parts)


@pytest.mark.parametrize("order", [list, sorted, lambda names: [f"module.{name}" for name in sorted(names)]])
@pytest.mark.parametrize("name", [name for name in NETWORKS if "res" in name])
def test_every_layer_of_a_residual_network_goes_to_its_own(name, order):
    """This holds even if the file sorts its names, as safetensors does, so that layer3.10 comes before layer3.2."""
    prefix = order(["x"])[0].removesuffix("x")
    tensors = without_values(NETWORKS[name]["tensors"])
    reordered = {key: tensors[key.removeprefix(prefix)] for key in order(tensors)}
    matching = weights.match(f"specs/{name}.yaml", state_dict(name, reordered))
    weights.require(matching)
    for entry in matching.entries:
        assert renamed(entry.theirs.layer.removeprefix(prefix)) == entry.ours.layer


@pytest.mark.parametrize("name", [name for name in NETWORKS if "res" not in name])
def test_every_layer_of_a_plain_network_goes_to_its_own(name):
    """The order of definition is the order of the graph."""
    tensors = without_values(NETWORKS[name]["tensors"])
    for keys in (list(tensors), sorted(tensors)):
        matching = weights.match(f"specs/{name}.yaml", state_dict(name, {key: tensors[key] for key in keys}))
        weights.require(matching)
        assert [entry.theirs.name for entry in matching.entries] == list(tensors)


@pytest.mark.parametrize("name", ["resnet18", "squeezenet1_0"])
def test_there_and_back_is_exact(name):
    shapes = NETWORKS[name]["tensors"]
    tensors = {key: values(key, tuple(shape)) for key, shape in shapes.items()}
    matching = weights.match(f"specs/{name}.yaml", state_dict("there", tensors))
    back = state_dict_like(matching, state_dict("like", without_values(dict(sorted(shapes.items())))))
    assert back.keys() == tensors.keys()
    for key in tensors:
        np.testing.assert_array_equal(back[key], tensors[key])


@pytest.fixture(scope="module")
def torch_python():
    """An interpreter that has torchvision: $TORCH_PYTHON, or this one."""
    python = os.environ.get("TORCH_PYTHON", sys.executable)
    found = subprocess.run([python, "-c", "import torchvision"], capture_output=True).returncode == 0
    return python if found else pytest.skip("compares with torchvision itself: install it, or set TORCH_PYTHON")


@pytest.mark.parametrize("name", LIVE)
def test_logits_are_those_of_the_torchvision_that_is_installed(name, torch_python, tmp_path):
    theirs, size = LIVE[name]
    command = [torch_python, "-m", "tests.fixtures.torchvision_logits", theirs, str(size), tmp_path / "out.npz"]
    subprocess.run(command, check=True, timeout=300)
    out = np.load(tmp_path / "out.npz")
    names = [key.removeprefix("shape of ") for key in out.files if key != "logits"]
    tensors = {key: values(key, tuple(out[f"shape of {key}"])) for key in names}
    assert_equal(logits_here(name, state_dict(theirs, tensors), size), out["logits"])

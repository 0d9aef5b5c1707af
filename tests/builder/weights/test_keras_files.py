"""Keras's weights: the same layers from a model, its file or a file of weights; and strict loading of written files."""

import json
import os
import subprocess
import sys
import zipfile

import h5py
import keras
import numpy as np
import pytest

import archspec
import builder
from archspec.errors import FileError
from builder import weights
from builder.weights import keras_files
from builder.weights.source import state_dict
from tests.strategies import load

SMALL = archspec.load("tests/builder/weights/small.yaml")


@pytest.fixture(scope="module", autouse=True)
def free_memory():
    yield
    keras.backend.clear_session()


def randomised(model):
    generator = np.random.default_rng(0)
    for variable in model.weights:
        variable.assign(generator.uniform(0.5, 1.5, variable.shape))
    return model


@pytest.fixture(scope="module")
def resnet():
    """A small keras.applications.ResNet50, which has biases and defines the shortcut's layers first."""
    return randomised(keras.applications.ResNet50(weights=None, input_shape=(32, 32, 3), classes=10))


SPEC = archspec.load("specs/resnet50_keras.yaml", {"model.input": [32, 32, 3], "model.layers[6].dense.units": 10})


def our_name(theirs):
    """The spec's name of a layer of keras.applications' ResNets."""
    parts = theirs.split("_")
    if len(parts) < 4:
        return {"conv1_conv": "conv1", "conv1_bn": "conv1.norm"}.get(theirs, theirs)
    stage, block, number, kind = int(parts[0][4:]) - 1, parts[1], parts[2], parts[3]
    layer = "shortcut" if number == "0" else f"conv{number}"
    return f"stage{stage}.{block}.{layer}" + (".norm" if kind == "bn" else "")


@pytest.mark.parametrize("form", ["model", "file.keras", "file.weights.h5"])
def test_every_layer_of_keras_applications_goes_to_its_own(form, resnet, tmp_path):
    if form == "model":
        source = keras_files.of_model("model", resnet)
    else:
        (resnet.save if form == "file.keras" else resnet.save_weights)(tmp_path / form)
        source = weights.read(tmp_path / form)
    matching = weights.match(SPEC, source)
    weights.require(matching)
    assert weights.summary(matching) == "320 tensors matched"
    for entry in matching.entries:
        assert our_name(entry.theirs.layer) == entry.ours.layer
        np.testing.assert_array_equal(entry.theirs.values, _variable(resnet, entry.theirs.name))


def _variable(model, name):
    layer, _, word = name.rpartition("/")
    return next(v for v in model.get_layer(layer).weights if v.name == word)


def test_wiring_decides_where_names_say_nothing(resnet):
    """All layers are named by their kind and a number, so that a block's shortcut and last layer look alike."""
    numbers = {}

    def anonymous(layer):
        kind = type(layer).__name__.lower()
        numbers[kind] = numbers.get(kind, 0) + 1
        known[f"{kind}_{numbers[kind]}"] = layer.name
        return type(layer).from_config({**layer.get_config(), "name": f"{kind}_{numbers[kind]}"})

    known = {}
    clone = keras.models.clone_model(resnet, clone_function=anonymous)
    matching = weights.match(SPEC, keras_files.of_model("clone", clone))
    weights.require(matching)
    for entry in matching.entries:
        assert our_name(known[entry.theirs.layer]) == entry.ours.layer


def test_wiring_decides_in_a_nested_model_too():
    inner = randomised(builder.build(SMALL, "portable"))
    picture = keras.Input((8, 6, 3))
    outer = keras.Model(picture, inner(keras.layers.Rescaling(2.0)(picture)))
    matching = weights.match(SMALL, keras_files.of_model("outer", outer))
    weights.require(matching)
    assert all(entry.ours.name == entry.theirs.name for entry in matching.entries)
    assert matching.source.layers.upstream == keras_files.of_model("inner", inner).layers.upstream


def test_layers_used_twice_are_matched_by_name():
    picture = keras.Input((8, 8, 4))
    twice = keras.layers.Conv2D(4, 3, padding="same", name="conv1")
    model = keras.Model(picture, twice(twice(picture)))
    source = keras_files.of_model("model", model)
    assert source.layers.upstream is None
    net = load({"name": "net", "model": {"input": [8, 8, 4], "layers": [{"conv": {"filters": 4, "kernel": 3}}]}})
    weights.require(weights.match(net, source))


def test_other_layers_of_keras_are_left_over():
    picture = keras.Input((8, 8, 4))
    x = keras.layers.Conv2DTranspose(4, 3, padding="same", name="up")(picture)
    model = keras.Model(picture, keras.layers.SeparableConv2D(4, 3, name="conv1")(x))
    net = load({"name": "net", "model": {"input": [8, 8, 4], "layers": [{"conv": {"filters": 4, "kernel": 3}}]}})
    matching = weights.match(net, keras_files.of_model("model", model))
    assert matching.counts == {"missing": 2, "left over": 5}


# -- there and back ----------------------------------------------------------------------------------------------------

LOAD = """
import sys
import keras, numpy as np
model = keras.models.model_from_json(open("model.json").read())
model.load_weights("out.weights.h5")
whole = keras.models.load_model("out.keras")
x = np.load("x.npy")
np.savez("y.npz", weights=model(x), whole=whole(x))
assert not {"archspec", "builder"} & set(sys.modules)
"""


def test_what_is_written_loads_with_keras_alone(tmp_path):
    matching = weights.match(SMALL, weights.read("tests/fixtures/small.pth"))
    expected = np.load("tests/fixtures/small.npz")
    weights.write_keras(matching, tmp_path / "out.weights.h5")
    weights.write_keras(matching, tmp_path / "out.keras")
    (tmp_path / "model.json").write_text(builder.build(SMALL, "portable").to_json())
    np.save(tmp_path / "x.npy", expected["pictures"])
    subprocess.run([sys.executable, "-c", LOAD], cwd=tmp_path, check=True, timeout=120)
    found = np.load(tmp_path / "y.npz")
    for name in ("weights", "whole"):
        np.testing.assert_allclose(found[name], expected["logits"], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("lowering", "form"), [("portable", "a.weights.h5"), ("fast", "a.weights.h5"), ("portable", "a.keras")]
)
def test_weights_of_both_lowerings_are_read(lowering, form, tmp_path):
    """A run's checkpoints hold the weights of fast layers, its model those of stock layers."""
    model = randomised(builder.build(SMALL, lowering))
    (model.save if form == "a.keras" else model.save_weights)(tmp_path / form)
    matching = weights.match(SMALL, weights.read(tmp_path / form))
    weights.require(matching)
    target = builder.build(SMALL, "fast")
    weights.apply(matching, target)
    for ours, theirs in zip(target.weights, model.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_from_keras_to_pytorch_and_back(tmp_path):
    model = randomised(builder.build(SMALL, "portable"))
    there = weights.match(SMALL, keras_files.of_model("model", model))
    like = weights.read("tests/fixtures/small.pth")
    weights.write_torch(there, like, tmp_path / "out.safetensors")
    back = weights.match(SMALL, weights.read(tmp_path / "out.safetensors"))
    weights.require(back)
    again = builder.build(SMALL, "portable")
    weights.apply(back, again)
    for ours, theirs in zip(again.weights, model.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_pytorch_takes_whole_weights_only(tmp_path):
    like = weights.read("tests/fixtures/small.pth")
    headless = weights.match(SMALL, like, new_head=True)
    with pytest.raises(FileError, match="has not all weights of the network"):
        weights.write_torch(headless, like, tmp_path / "out.safetensors")
    other = state_dict("other", {"a.weight": np.zeros((3, 3))})
    with pytest.raises(FileError, match="other: nothing in it fits small"):
        weights.write_torch(weights.match(SMALL, like), other, tmp_path / "out.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_variables_by_path_in_safetensors(tmp_path):
    """A training's checkpoint has Keras's variables under their paths."""
    from safetensors.numpy import save_file

    model = randomised(builder.build(SMALL, "fast"))
    save_file({v.path: np.asarray(v) for v in model.weights}, tmp_path / "best.safetensors")
    matching = weights.match(SMALL, weights.read(tmp_path / "best.safetensors"))
    weights.require(matching)
    assert all(entry.ours.name == entry.theirs.name and not entry.steps for entry in matching.entries)


# -- bad files ---------------------------------------------------------------------------------------------------------


def test_damaged_files_are_refused(tmp_path):
    model = builder.build(SMALL, "portable")
    for name, save in (("a.weights.h5", model.save_weights), ("a.keras", model.save)):
        path = tmp_path / name
        save(path)
        data = path.read_bytes()
        for content in (b"", data[: len(data) // 2], b"no weights"):
            path.write_bytes(content)
            with pytest.raises(FileError, match=r"a\.[\w.]+: (is not|cannot be loaded)"):
                weights.read(path)


def test_intact_files_with_nonsense_in_them_are_refused(tmp_path):
    path = tmp_path / "a.weights.h5"
    with h5py.File(path, "w") as file:  # which takes a few bytes
        file.create_dataset("conv/vars/0", (1 << 24, 1 << 24, 1 << 10), "f", chunks=(1, 1, 8))
    with pytest.raises(
        FileError,
        match=r"is not read: it claims 1\.00 EiB of numbers and has [\d.]+ KiB; a file may claim 100 times its size",
    ):
        weights.read(path)
    with h5py.File(path, "w") as file:
        file[b"\xff/vars/0"] = np.zeros(3)
    with pytest.raises(FileError, match=r"is not a \.weights\.h5 file of Keras 3, or damaged"):
        weights.read(path)


def test_weights_that_refer_to_other_files_are_refused(tmp_path):
    """HDF5 has links and external arrays, by which a file of weights could read other files of the user."""
    (tmp_path / "secret").write_bytes(b"secret" * 10)
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["kernel"] = np.zeros((3, 4), "f")
    layout = h5py.VirtualLayout((3, 4), "f")
    layout[:] = h5py.VirtualSource(str(tmp_path / "other.h5"), "kernel", (3, 4))
    elsewhere = {
        "link": lambda group: group.__setitem__("0", h5py.ExternalLink(str(tmp_path / "other.h5"), "kernel")),
        "soft": lambda group: group.__setitem__("0", h5py.SoftLink("/layers")),
        "storage": lambda group: group.create_dataset("0", (3, 4), "f", external=[(str(tmp_path / "secret"), 0, 48)]),
        "virtual": lambda group: group.create_virtual_dataset("0", layout),
        "group": lambda group: group.create_group("0"),
    }
    for name, put in elsewhere.items():
        path = tmp_path / f"{name}.weights.h5"
        with h5py.File(path, "w") as file:
            put(file.create_group("layers/dense/vars"))
        with pytest.raises(FileError, match=r"vars/0 is (a link to elsewhere|not an array in this file)"):
            weights.read(path)


def test_a_model_with_code_in_it_is_refused(tmp_path):
    path = tmp_path / "a.keras"
    picture = keras.Input((2,))
    keras.Model(picture, keras.layers.Lambda(lambda x: x * 2, output_shape=(2,))(picture)).save(path)
    with pytest.raises(FileError, match=r"a\.keras: cannot be loaded by Keras: .*Lambda"):
        weights.read(path)


def test_a_model_with_layers_of_others_is_refused(tmp_path):
    model = builder.build(SMALL, "portable")
    path, other = tmp_path / "a.keras", tmp_path / "b.keras"
    model.save(path)
    with zipfile.ZipFile(path) as file, zipfile.ZipFile(other, "w") as changed:
        for name in file.namelist():
            content = file.read(name)
            if name == "config.json":
                config = json.loads(content)
                config["config"]["layers"][1] |= {"module": "os", "class_name": "system"}
                content = json.dumps(config)
            changed.writestr(name, content)
    with pytest.raises(FileError, match=r"b\.keras: cannot be loaded by Keras"):
        weights.read(other)


def test_keras_applications_without_a_network(tmp_path):
    """Runs in its own process, with a proxy that does not answer and an empty cache."""
    code = "from builder import weights\ntry: weights.read('keras:MobileNet')\nexcept Exception as e: print(repr(e))"
    environment = {
        "KERAS_HOME": str(tmp_path),
        "https_proxy": "http://127.0.0.1:9",
        "HTTPS_PROXY": "http://127.0.0.1:9",
    }
    result = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **environment}, capture_output=True, text=True, timeout=120
    )
    assert "FileError('keras:MobileNet: cannot be loaded by Keras: URL fetch failure on https://" in result.stdout
    with pytest.raises(FileError, match=r"keras\.applications has no 'ResNet5'; did you mean 'ResNet50'"):
        weights.read("keras:ResNet5")

"""Fine-tuning on real data: weights from a file, a new last layer, frozen layers, and rates layer by layer."""

import csv

import keras
import numpy as np
import pytest
import tensorflow as tf
from safetensors.numpy import load_file, save_file
from sklearn.datasets import load_digits

import archspec
from archspec.errors import FileError, Where
from archspec.recipe.fine_tuning import InitFrom
from builder import weights
from builder.network.model import build, freeze
from builder.training.trainer import train
from builder.weights.init_from import from_weights
from builder.weights.units import units_of
from tests.builder.training.test_resume import assert_same, state
from tests.builder.weights.test_init_from import SPECS

WHERE = Where("train.init_from")
SMALL = {"n": 1, "width": 8}
FROZEN = ("conv1", "stage1")
TRANSFER = {
    "name": "pairs",
    "model.layers[3].dense.units": 5,
    "train.trainable": {"conv1": False, "stage1": False},
    "train.learning_rate_multipliers": {"stage2": 0.1},
}


def torch_like(graph, path):
    """A state dict of a module that has the network's layers one after another, as `nn.Sequential` names them."""
    names = {"kernel": "weight", "gamma": "weight", "beta": "bias", "mean": "running_mean", "variance": "running_var"}
    tensors = {}
    for number, unit in enumerate(units_of(graph).units):
        for role, part in unit.tensors.items():
            *window, inputs, outputs = unit.size if role == "kernel" else (0, 0)
            shape = (outputs, inputs, *window) if role == "kernel" else part.shape
            shape = shape[:2] if unit.name == "dense1" else shape
            tensors[f"body.{number}.{names.get(role, role)}"] = np.zeros(shape[: len(part.shape)], np.float32)
        if unit.kind == "batch_norm":
            tensors[f"body.{number}.num_batches_tracked"] = np.zeros((), np.int64)
    save_file(tensors, path)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A run on the ten digits, its weights for PyTorch and for Keras, and other data: which pair a digit is of."""
    folder = tmp_path_factory.mktemp("fine_tuning")
    spec = archspec.load(SPECS / "digits.yaml", {**SMALL, "train.epochs": 10})
    train(spec, folder / "run", folder / "data", say=lambda line: None)
    matching = weights.match(spec, weights.read(folder / "run"))
    weights.write_keras(matching, folder / "digits.weights.h5")
    like = weights.read(torch_like(spec.graph, folder / "like.safetensors"))
    weights.write_torch(matching, like, folder / "digits.safetensors")
    digits = load_digits()
    np.savez(folder / "pairs.npz", x=(digits.images * 15).astype("uint8"), y=digits.target // 2)
    return folder


@pytest.fixture
def load(folder):
    def load(source="digits.safetensors", **changes):
        init = {"train.init_from": {"weights": str(folder / source)}} if source else {}
        data = {"train.data": {"npz": str(folder / "pairs.npz")}, "train.epochs": 2}
        return archspec.load(SPECS / "digits.yaml", {**SMALL, **TRANSFER, **data, **init, **changes})

    return load


def best(run):
    return load_file(run / "checkpoints" / "best.safetensors")


def is_frozen(name):
    return name.startswith(FROZEN)


def kept_for(tensors, kind):
    """The names of a checkpoint's variables of a kind, as they begin with their layers'."""
    return {name.rpartition("/")[2].removeprefix("ema_") for name in tensors if name.startswith(kind)}


def rows(run_dir):
    with (run_dir / "metrics.csv").open() as file:
        return list(csv.DictReader(file))


# -- training --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", ["digits.safetensors", "digits.weights.h5", "run"])
def test_a_network_is_fine_tuned_from_a_file(source, folder, load, tmp_path):
    lines = []
    train(load(source), tmp_path / "tuned", folder / "data", say=lines.append)
    before, after = best(folder / "run"), best(tmp_path / "tuned")
    assert {name for name in before if name.endswith("moving_variance") and is_frozen(name)}
    for name, value in after.items():
        same = value.shape == before[name].shape and np.array_equal(value, before[name])
        assert same == is_frozen(name), name

    text = "\n".join(lines)
    assert f"weights from {folder / source}: " in text and "random: a new head, the source's is " in text
    count, frozen = sum(v.size for v in after.values()), sum(v.size for n, v in after.items() if is_frozen(n))
    trainable = sum(v.size for n, v in after.items() if not is_frozen(n) and "/moving_" not in n)
    assert f"pairs: {count:,} parameters ({trainable:,} trainable, {frozen:,} frozen), 1,4" in text

    newest = load_file(max((tmp_path / "tuned" / "checkpoints").glob("step-*.safetensors")))
    names = kept_for(newest, "optimizer/")
    assert any(name.startswith("stage2") for name in names) and not any(map(is_frozen, names))


def test_it_learns_more_than_from_scratch_in_the_same_epochs(folder, load, tmp_path):
    both = {"train.learning_rate": 0.05, "train.augment": []}
    train(load(**both), tmp_path / "tuned", folder / "data", say=lambda line: None)
    scratch = {"train.trainable": {}, "train.learning_rate_multipliers": {}}
    train(load(source=None, **both, **scratch), tmp_path / "scratch", folder / "data", say=lambda line: None)
    tuned, random = ([float(row["val_accuracy"]) for row in rows(tmp_path / name)] for name in ("tuned", "scratch"))
    assert tuned[0] > random[0] + 0.05 and tuned[1] > random[1], (tuned, random)


@pytest.mark.parametrize("distribute", ["off", {"mirrored": {"replicas": 3}}], ids=["single", "mirrored"])
def test_a_killed_run_resumes_exactly_and_without_the_file(distribute, folder, load, tmp_path, killed):
    """With the optimizer's decay, averages, parts and clipping; three replicas, as the mean of three equal values may
    not be the value."""
    file = tmp_path / "digits.safetensors"
    file.write_bytes((folder / "digits.safetensors").read_bytes())
    recipe = {
        "optimizer": {"adamw": {"decay": 0.1}}, "weight_decay": 0, "learning_rate": 0.01, "batch_size": 96, "ema": 0.9,
        "accumulate": 2, "clip_norm": 1.0, "checkpoints": {"steps": 5}, "deterministic": True, "distribute": distribute,
    }  # fmt: skip
    changes = {f"train.{name}": value for name, value in recipe.items()}
    path = tmp_path / "pairs.yaml"
    path.write_text(load(**changes, **{"train.init_from": {"weights": str(file)}}).to_yaml())
    status, output = killed(path, tmp_path / "whole", folder / "data")
    assert status == 0, output
    status, output = killed(path, tmp_path / "cut", folder / "data", "step", 7)
    assert status < 0 and "weights from" in output, output
    file.unlink()
    status, output = killed(path, tmp_path / "cut", folder / "data")
    assert status == 0 and "resuming after" in output and "weights from" not in output, output
    whole = state(tmp_path / "whole")
    assert_same(state(tmp_path / "cut"), whole)
    source = best(folder / "run")
    frozen = [name for name in source if is_frozen(name)]
    assert all(np.array_equal(whole[1][f"model/{name}"], source[name]) for name in frozen)
    assert all(np.array_equal(whole[2][name], source[name]) for name in frozen)
    for kind in ("optimizer/", "ema/"):
        names = kept_for(whole[1], kind)
        assert any(name.startswith("stage2") for name in names) and not any(map(is_frozen, names))


@pytest.mark.parametrize("lowering", ["portable", "fast", "synchronized"])
def test_frozen_batch_norms_compute_as_in_evaluation(lowering):
    network = build(archspec.load(SPECS / "digits.yaml", SMALL), lowering)
    freeze(network, lambda name: not is_frozen(name))
    random = np.random.default_rng(0)
    for weight in network.weights:
        weight.assign(weight + random.uniform(0.1, 0.2, weight.shape))
    pictures = tf.constant(random.uniform(0, 3, (4, 8, 8, 1)), tf.float32)
    before = {weight.path: weight.numpy() for weight in network.weights}
    stage = keras.Model(network.input, network.get_layer("stage1.block1.conv2.norm").output)
    trained = stage(pictures, training=True).numpy()
    assert np.array_equal(trained, stage(pictures, training=False).numpy())
    network(pictures, training=True)
    changed = {path for path, value in before.items() if not np.array_equal(value, network_value(network, path))}
    assert changed == {path for path in before if "moving_" in path and not is_frozen(path)}


def network_value(network, path):
    return next(weight.numpy() for weight in network.weights if weight.path == path)


# -- what is taken ---------------------------------------------------------------------------------------------------


def taken(spec, init):
    """The report, and the names of the variables that the file has given."""
    keras.utils.set_random_seed(3)
    network = build(spec, "fast")
    before = {weight.path: weight.numpy() for weight in network.weights}
    report = from_weights(network, spec.graph, init, WHERE)
    return report, {name for name, value in before.items() if not np.array_equal(value, network_value(network, name))}


def test_the_same_classes_take_the_last_layer_too(folder):
    spec = archspec.load(SPECS / "digits.yaml", SMALL)
    report, given = taken(spec, InitFrom(weights=str(folder / "digits.safetensors")))
    assert {"dense1/kernel", "dense1/bias"} < given and "random" not in report


def test_layers_limit_what_is_taken(folder, load):
    init = InitFrom(weights=str(folder / "digits.safetensors"), layers=("stage2",))
    report, given = taken(load(), init)
    assert given and all(name.startswith("stage2") for name in given)
    assert [line.split()[:4] for line in report.splitlines()[3:7]] == [
        ["conv1", "random:", "not", "asked"], ["stage1", "random:", "not", "asked"],
        ["stage2", "taken", *report.splitlines()[5].split()[2:]], ["dense1", "random:", "not", "asked"],
    ]  # fmt: skip


# -- mistakes --------------------------------------------------------------------------------------------------------


def refused(spec, path, layers=()):
    with pytest.raises(archspec.UserError) as caught:
        taken(spec, InitFrom(weights=str(path), layers=layers))
    return str(caught.value)


def test_a_file_that_does_not_fit_is_refused_with_the_differences(folder, load, tmp_path):
    file = folder / "digits.safetensors"
    deeper = load(n=2)
    message = refused(deeper, file)
    first, *notes = message.splitlines()
    assert first.startswith(f"train.init_from: {file} does not fit pairs: ") and " missing, " in first
    assert any(line.strip().startswith("+ stage1.block2.conv") for line in notes)
    assert notes[-1].strip().startswith(f"python tools/convert_weights.py {file} SPEC shows all")
    with pytest.raises(FileError, match=r"\.yaml:\d+:\d+: train\.init_from: |train\.init_from: "):
        train(deeper, tmp_path / "never", folder / "data", say=lambda line: None)
    assert not (tmp_path / "never").exists()


def test_weights_of_a_training_that_diverged_are_refused(folder, load, tmp_path):
    tensors = load_file(folder / "digits.safetensors")
    name = next(name for name, tensor in tensors.items() if tensor.ndim == 4)
    file = tmp_path / "nan.safetensors"
    save_file({**tensors, name: tensors[name] * np.nan}, file)
    message = refused(load(), file)
    assert message == f"train.init_from: {file}: {name} has NaN or infinite values, or too large ones for float32"


def test_layers_asked_for_must_all_be_there(folder, load):
    file = folder / "digits.weights.h5"
    message = refused(load(n=2), file, ("stage1",))
    assert "does not fit pairs: 10 tensors matched, 10 missing\n" in message and "+ stage1.block2.conv2.norm" in message
    assert "no layer with weights of pairs starts with 'stage7'" in refused(load(), file, ("stage7",))
    assert "+ dense1" in refused(load(), file, ("dense",)), "a last layer that is asked for is not left out"


def test_a_file_that_is_not_there_or_not_weights(load, tmp_path):
    missing = tmp_path / "resnet.pth"
    assert refused(load(), missing) == f"train.init_from: {missing}: cannot be read: No such file or directory"
    (tmp_path / "wrong.pth").write_bytes(b"no weights")
    assert refused(load(), tmp_path / "wrong.pth").startswith(f"train.init_from: {tmp_path / 'wrong.pth'}: ")

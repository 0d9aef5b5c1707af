"""Starting from another run: VGG's columns from A as in the paper, deeper residual networks, and mistakes."""

from pathlib import Path

import keras
import numpy as np
import pytest

import archspec
from archspec.errors import FileError, Where
from archspec.recipe.fine_tuning import InitFrom
from builder.network.model import build
from builder.runs.checkpoints import CheckpointStore
from builder.runs.comparison import flat
from builder.runs.directory import claim
from builder.system.files import write_json, write_text
from builder.training.trainer import train
from builder.weights.init_from import from_run

SPECS = Path(__file__).parents[3] / "specs"
WHERE = Where("train.init_from")
A, B, D = (
    [4, "M", 8, "M", 16, 16, "M", 32, 32, "M", 32, 32, "M"],
    [4, 4, "M", 8, 8, "M", 16, 16, "M", 32, 32, "M", 32, 32, "M"],
    [4, 4, "M", 8, 8, "M", 16, 16, 16, "M", 32, 32, 32, "M", 32, 32, 32, "M"],
)
PAPER = ("conv1_1", "conv2_1", "conv3_1", "conv3_2", "fc6", "fc7", "fc8")
"""The first four convolutions and the dense layers of A: Simonyan and Zisserman 2014, section 3.1."""


def vgg(column, table, classes=10):
    """A column of the shipped table at a sixteenth of its widths."""
    small = {f"model.layers[{i}].dense.units": units for i, units in ((2, 16), (4, 16), (6, classes))}
    return archspec.load(SPECS / f"vgg_{column}.yaml", {"table": table, "model.input": [32, 32, 3], **small})


def network(spec, seed=2):
    keras.utils.set_random_seed(seed)
    return build(spec, "fast")


def run_of(spec, path):
    """A run's directory with best weights, and its network."""
    keras.utils.set_random_seed(1)
    model = build(spec, "portable")
    for layer in model.layers:
        layer.set_weights([value + 0.01 * (i + 1) for i, value in enumerate(layer.get_weights())])
    begin(spec, path)
    weights = {weight.path: keras.ops.convert_to_numpy(weight) for weight in model.weights}
    CheckpointStore(path / "checkpoints", 2).write_best(weights, 1)
    return model


def begin(spec, path):
    """Makes a run's directory as it is before the first epoch ends."""
    claim(path, spec.name)
    write_text(path / "spec.yaml", spec.to_yaml())
    data = {"name": "none", "train": 2, "validation": 2, "classes": list("ab"), "fingerprint": "0"}
    environment = {"data": {**data, "pixel_mean": [0.0], "pixel_std": [1.0]}, "spec": flat(spec.to_yaml())}
    write_json(path / "environment.json", environment)


def taken_from(source, target):
    """The layers whose weights all come from the source."""
    weights = {layer.name: layer.get_weights() for layer in source.layers if layer.weights}
    return {
        layer.name
        for layer in target.layers
        if layer.weights
        and layer.name in weights
        and [value.shape for value in layer.get_weights()] == [value.shape for value in weights[layer.name]]
        and all(map(np.array_equal, layer.get_weights(), weights[layer.name]))
    }


@pytest.mark.parametrize(("column", "table"), [("b", B), ("d", D)])
def test_vgg_from_column_a_as_in_the_paper(column, table, tmp_path):
    source = run_of(vgg("a", A), tmp_path / "run")
    target, untouched = network(vgg(column, table)), network(vgg(column, table))
    report = from_run(target, InitFrom(run=str(tmp_path / "run"), layers=PAPER), WHERE)
    assert taken_from(source, target) == set(PAPER)
    rest = {layer.name for layer in target.layers if layer.weights} - set(PAPER)
    assert taken_from(untouched, target) == rest

    lines = {line.split()[0]: line for line in report.splitlines()[3:]}
    assert set(lines) == rest | set(PAPER)
    assert all("taken" in lines[name] for name in PAPER)
    assert all("random: not asked for" in lines[name] for name in rest)
    assert f"(vgg_a): 7 of {len(lines)} layers" in report.splitlines()[0]


def test_vgg_without_a_list_takes_every_layer_of_the_same_name(tmp_path):
    source = run_of(vgg("a", A), tmp_path / "run")
    target = network(vgg("d", D))
    report = from_run(target, InitFrom(run=str(tmp_path / "run")), WHERE)
    assert taken_from(source, target) == {layer.name for layer in source.layers if layer.weights}
    assert {line.split()[0] for line in report.splitlines() if "not in the source" in line} == {
        "conv1_2", "conv2_2", "conv3_3", "conv4_3", "conv5_3",
    }  # fmt: skip


def test_another_number_of_classes_leaves_the_last_layer_random(tmp_path):
    source = run_of(vgg("a", A), tmp_path / "run")
    target = network(vgg("a", A, classes=7))
    report = from_run(target, InitFrom(run=str(tmp_path / "run")), WHERE)
    assert taken_from(source, target) == {layer.name for layer in source.layers if layer.weights} - {"fc8"}
    (line,) = (line for line in report.splitlines() if line.startswith("fc8"))
    assert "random: kernel 16x7, bias 7 here, kernel 16x10, bias 10 there" in line


def test_a_deeper_residual_network_takes_the_blocks_that_the_shallower_has(tmp_path):
    def resnet(n):
        return archspec.load(SPECS / "resnet20_cifar.yaml", {"n": n, "width": 4})

    source = run_of(resnet(2), tmp_path / "run")
    target = network(resnet(3))
    report = from_run(target, InitFrom(run=str(tmp_path / "run")), WHERE)
    assert taken_from(source, target) == {layer.name for layer in source.layers if layer.weights}
    rows = [line.split()[:2] for line in report.splitlines()[3:]]
    blocks = [[f"stage{s}.block{b}", "random:" if b == 3 else "taken"] for s in (1, 2, 3) for b in (1, 2, 3)]
    assert rows == [["conv1", "taken"], *blocks, ["fc", "taken"]]


def test_a_training_starts_from_the_weights_of_another(tmp_path):
    settings = {"width": 4, "train.epochs": 1}
    lines = []
    shallow = archspec.load(SPECS / "digits.yaml", {**settings, "n": 1})
    train(shallow, tmp_path / "shallow", tmp_path / "data", say=lines.append)
    still = {"train.learning_rate": 1e-30, "train.weight_decay": 0}
    init = {"train.init_from": {"run": str(tmp_path / "shallow"), "layers": ["stage1", "dense"]}}
    deep = archspec.load(SPECS / "digits.yaml", {**settings, **still, **init, "n": 2})
    train(deep, tmp_path / "deep", tmp_path / "data", say=lines.append)
    assert sum("weights from" in line for line in lines) == 1
    first, second = (keras.models.load_model(tmp_path / name / "model.keras") for name in ("shallow", "deep"))
    kernels = [
        {layer.name: layer.kernel.numpy() for layer in model.get_layer("digits").layers if hasattr(layer, "kernel")}
        for model in (first, second)
    ]
    same = {name for name in kernels[0] if np.array_equal(kernels[0][name], kernels[1][name])}
    assert same == {"stage1.block1.conv1", "stage1.block1.conv2", "dense1"}


# -- mistakes ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    run_of(vgg("a", A), folder / "vgg_a" / "first")
    begin(vgg("a", A), folder / "unfinished")
    begin(vgg("a", A), folder / "damaged")
    (folder / "damaged" / "checkpoints" / "best.safetensors").write_bytes(b"PK\x03\x04 cut off")
    return folder


@pytest.mark.parametrize(
    ("run", "layers", "message"),
    [
        ("vgg_a/frist", (), "train.init_from: {}: there is no such run; did you mean 'first'?"),
        ("vgg_b/1", (), "train.init_from: {}: there is no such run"),
        ("vgg_a", (), "train.init_from: {}: holds runs, and is none; name one of them: first"),
        (
            "unfinished",
            (),
            "train.init_from: {}: has no checkpoints/best.safetensors: no epoch of this run was completed",
        ),
        (
            "damaged",
            (),
            "train.init_from: {}/checkpoints/best.safetensors: is damaged: Error while deserializing header: header "
            "too large; train again with python tools/train.py {}/spec.yaml",
        ),
        (
            "vgg_a/first",
            ("fc", "conv6_1", "stage1"),
            "train.init_from.layers[1]: no layer with weights of vgg_d starts with 'conv6_1'; did you mean 'conv5_1'?\n"
            "train.init_from.layers[2]: no layer with weights of vgg_d starts with 'stage1'",
        ),
        (
            "vgg_a/first",
            ("fc8", "conv1_2"),
            "train.init_from: no layer asked for of vgg_d has the name and the shapes of one of vgg_a in {}\n"
            "      fc8: kernel 16x7, bias 7 here, kernel 16x10, bias 10 there",
        ),
    ],
)
def test_mistakes(run, layers, message, runs):
    target = network(vgg("d", D, classes=7))
    before = target.get_weights()
    with pytest.raises(archspec.UserError) as caught:
        from_run(target, InitFrom(run=str(runs / run), layers=layers), WHERE)
    assert str(caught.value) == message.replace("{}", str(runs / run))
    assert all(map(np.array_equal, target.get_weights(), before))


def test_an_unrelated_network_takes_nothing(runs):
    target = network(archspec.load(SPECS / "digits.yaml"))
    with pytest.raises(FileError, match="no layer of digits has the name and the shapes of one of vgg_a in"):
        from_run(target, InitFrom(run=str(runs / "vgg_a" / "first")), WHERE)

"""Training from Python: a block defined here goes all the way, precisions, divergence, and what does not fit."""

import csv
import json
import os
import signal

import keras
import numpy as np
import pytest
import yaml

import archspec
from archspec.blocks import BLOCKS, Activation
from archspec.errors import Where
from archspec.fields.records import Count
from archspec.layers.reading import python_block
from archspec.recipe.data import Digits
from archspec.recipe.fine_tuning import InitFrom
from archspec.recipe.monitor import MONITORS
from builder import weights
from builder.data import load_data
from builder.network.model import build, weighted_layers
from builder.runs.metrics import read_metrics
from builder.runs.run import open_run
from builder.system.endings import Diverged, Interrupted
from builder.training.trainer import train
from builder.weights.init_from import from_run
from tests.small import SPEC, written


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    return tmp_path_factory.mktemp("data")


@pytest.fixture
def load(tmp_path):
    def load(model=None, **fields):
        return archspec.load(written(tmp_path / "toy.yaml", model, **fields))

    return load


def metrics(run_dir):
    with (run_dir / "metrics.csv").open() as file:
        return list(csv.DictReader(file))


def toy(*, filters: Count, activation: Activation = "relu"):
    """Two convolutions, the second without an activation."""
    first = {"filters": filters, "kernel": 3, "norm": "batch", "activation": activation}
    return [{"conv": first}, {"conv": {"filters": filters, "kernel": 1, "norm": "batch"}}]


def test_a_block_defined_here_is_trained(load, tmp_path, data_dir, monkeypatch):
    monkeypatch.setitem(BLOCKS, "toy", python_block(toy))
    layers = [
        {"toy": {"filters": 12}},
        {"toy": {"filters": 16, "activation": "tanh"}},
        "global_avg_pool",
        {"dense": 10},
    ]
    spec = load({"layers": layers}, epochs=4, learning_rate=0.2)
    lines = []
    result = train(spec, tmp_path / "run", data_dir, say=lines.append)

    rows = metrics(tmp_path / "run")
    assert result.epochs == len(rows) == 4
    assert float(rows[-1]["loss"]) < 0.7 * float(rows[0]["loss"])
    best = max(rows, key=lambda row: (float(row["val_accuracy"]), -float(row["val_loss"])))
    assert result.best_epoch == float(best["epoch"])
    assert result.val_accuracy == pytest.approx(float(best["val_accuracy"]), abs=1e-6)
    assert result.val_accuracy > 0.5
    (header,) = [number for number, line in enumerate(lines) if line.startswith("epoch")]
    table = lines[header : header + 5]
    assert [line.split()[0] for line in table] == ["epoch", "1/4", "2/4", "3/4", "4/4"]
    assert len({len(line.removesuffix(" *")) for line in table}) == 1 and max(map(len, table)) <= 80
    assert table[result.best_epoch].endswith(" *")
    assert lines[-5:] == [
        f"saved {tmp_path / 'run' / 'model.keras'} and learning_curve.png",
        "next:",
        *(f"  python tools/{tool} {tmp_path / 'run'}" for tool in ("evaluate.py",)),
        f"  python tools/predict.py {tmp_path / 'run'} PICTURES",
        f"  python tools/export.py {tmp_path / 'run'}",
    ]

    again = archspec.load(tmp_path / "run" / "spec.yaml")
    assert again.graph == spec.graph and again.train == spec.train


def test_the_seed_decides_the_result(load, tmp_path, data_dir):
    spec = load(epochs=1, augment=[{"random_crop": 1}, "horizontal_flip"])
    runs = [train(spec, tmp_path / f"run{number}", data_dir, say=lambda line: None) for number in range(2)]
    assert runs[0].val_loss == runs[1].val_loss
    environment = json.loads((tmp_path / "run0" / "environment.json").read_text())
    assert environment["seed"] == 0
    assert environment["onednn"] == os.environ.get("TF_ENABLE_ONEDNN_OPTS")
    assert environment["data"]["fingerprint"] == load_data(Digits(), (8, 8, 1)).fingerprint
    assert environment["data"]["classes"] == list("0123456789")


def test_history_rows_and_best_weights_of_a_run_that_is_interrupted_and_resumed(tmp_path, data_dir):
    """Ctrl-C in epoch 2 leaves a model of epoch 1; SIGTERM in epoch 3 leaves no time to write a newer one."""
    path, run_dir, rows = written(tmp_path / "small.yaml", epochs=3, deterministic=True), tmp_path / "run", []

    def on_epoch(row):
        rows.append(row)
        if row["epoch"] < 3:
            signal.raise_signal(signal.SIGINT if row["epoch"] == 1 else signal.SIGTERM)

    for status in (130, 143):
        with pytest.raises(Interrupted) as caught:
            train(path, run_dir, data_dir, say=lambda line: None, on_epoch=on_epoch, resume=True)
        assert caught.value.status == status

    run = open_run(run_dir)
    assert rows[1]["val_accuracy"] > rows[0]["val_accuracy"], "epoch 2 is the best"
    layers = {layer.name: layer for layer in weighted_layers(run.model)}
    older = [name for name, value in run.weights.items() if differs(layers, name, value)]
    assert "dense1/kernel" in older, "model.keras has the weights of epoch 1"
    network = build(run.spec, "portable")
    from_run(network, InitFrom(run=str(run_dir)), Where("train.init_from"))
    read = {part.name: part.values for unit in weights.read(run_dir).layers.units for part in unit.tensors.values()}
    for weight in network.weights:
        assert np.array_equal(weight, run.weights[weight.path])
        assert np.array_equal(read[weight.path], run.weights[weight.path])

    result = train(path, run_dir, data_dir, say=lambda line: None, on_epoch=on_epoch, resume=True)
    assert rows == read_metrics(run_dir / "metrics.csv") == run.metrics()
    assert [row["epoch"] for row in rows] == [1, 2, 3]
    assert result.history == {name: [row[name] for row in rows] for name in (*MONITORS, "learning_rate")}
    validation = load_data(Digits(), (8, 8, 1)).validation
    hits = result.model.predict(validation.pictures.numpy(), verbose=0).argmax(-1) == validation.labels.numpy()
    assert hits.mean() == pytest.approx(result.val_accuracy)

    def nothing(row):
        raise AssertionError("no epoch is left")

    again = train(path, run_dir, data_dir, say=lambda line: None, on_epoch=nothing, resume=True)
    assert again.history == result.history and again.best_epoch == result.best_epoch


def differs(layers, name, value):
    layer, _, variable = name.rpartition("/")
    (there,) = (weight for weight in layers[layer].weights if weight.name == variable)
    return not np.array_equal(value, there)


def test_a_training_that_is_stopped_early_has_a_history_and_no_model_yet(load, tmp_path, data_dir):
    result = train(load(epochs=2), tmp_path / "run", data_dir, say=lambda line: None, until=1)
    assert [len(values) for values in result.history.values()] == [1] * (len(MONITORS) + 1)
    with pytest.raises(archspec.UserError, match=r"has no model\.keras: the training was stopped before"):
        result.model  # noqa: B018


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_what_mixed_precision_trains_is_saved_in_float32(precision, load, tmp_path, data_dir):
    result = train(load(precision=precision), tmp_path / "run", data_dir, say=lambda line: None)
    assert result.val_accuracy > 0.8
    model = keras.models.load_model(tmp_path / "run" / "model.keras")
    validation = load_data(Digits(), (8, 8, 1)).validation
    logits = model.predict(validation.pictures.numpy(), verbose=0)
    assert logits.dtype == np.float32
    assert (logits.argmax(-1) == validation.labels.numpy()).mean() == pytest.approx(result.val_accuracy)


def test_a_loss_that_is_not_finite_ends_the_run_and_keeps_the_best_epoch(load, tmp_path, data_dir):
    spec = load(epochs=3, learning_rate={"step": {"base": 0.05, "drop": {1: 1e30}}})
    with pytest.raises(
        Diverged,
        match=r"the loss became (nan|inf) in epoch 2, step \d+, at learning rate 1e\+30; the last .*step-000000022",
    ):
        train(spec, tmp_path / "run", data_dir, say=lambda line: None)
    assert len(metrics(tmp_path / "run")) == 1
    assert json.loads((tmp_path / "run" / "environment.json").read_text())["diverged"].startswith("the loss became ")
    assert np.isfinite(keras.models.load_model(tmp_path / "run" / "model.keras")(np.zeros((1, 8, 8, 1)))).all()


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (
            {"batch_size": 1500},
            "train.batch_size: a batch of 1500 is more than digits has to train on, 1,437 pictures; set it to at most",
        ),
        ({"data": {"tfds": "cifra10"}}, "train.data: TFDS has no data set 'cifra10'; did you mean 'cifar10'?"),
    ],
)
def test_data_that_does_not_fit_is_a_problem_with_an_address(fields, expected, load, tmp_path, data_dir):
    with pytest.raises(archspec.SpecError) as caught:
        train(load(**fields), tmp_path / "run", data_dir)
    assert expected in str(caught.value) and "toy.yaml:" in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_a_spec_without_a_recipe_is_not_trained(tmp_path):
    path = tmp_path / "toy.yaml"
    path.write_text(yaml.safe_dump({key: SPEC[key] for key in ("name", "model")}))
    with pytest.raises(archspec.SpecError, match="there is no 'train' section; add one"):
        train(archspec.load(path), tmp_path / "run")

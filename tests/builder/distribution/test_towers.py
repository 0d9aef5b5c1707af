"""Two towers on two devices: the same training as on one, and every operation where it belongs."""

import csv
import json
import os
import re
import signal
import subprocess
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from safetensors.numpy import load_file

import archspec
import builder
from archspec.errors import Where
from archspec.graph.placement import placement
from archspec.recipe import Train
from archspec.recipe.data import Digits
from archspec.recipe.distribution import Towers
from builder.distribution import strategy
from builder.distribution.cluster import ALONE
from builder.distribution.strategy import Placement, choose_strategy
from builder.training import memory
from builder.training.steps import is_compiled
from tests.builder.distribution.placed_steps import CASES, NETWORK
from tests.forked import python
from tests.small import written

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def ran():
    """What `placed_steps.py` prints of each case."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [python(), str(Path(__file__).with_name("placed_steps.py"))]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    results = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return {result["case"]: result for result in results}


def layer_of(operation):
    """The layer that an operation, or its gradient, belongs to; None for what belongs to no layer."""
    found = re.search(r".*/towers_\d+/([a-z0-9._]+?)(\.activation)?_\d+/", operation)
    return None if found is None else found[1]


def places():
    graph = archspec.loads(NETWORK).graph
    found = placement(graph, 2)
    return {node.name: f"CPU:{place}" for node, place in zip(graph.nodes, found, strict=True)}


@pytest.mark.parametrize("case", CASES)
def test_three_steps_on_two_devices_are_those_on_one(case, ran):
    assert ran[case]["difference"] < 1e-5
    assert ran[case]["sums"] < 1e-3


@pytest.mark.parametrize("case", CASES)
def test_variables_are_on_the_device_of_their_tower(case, ran):
    """Weights, what the optimizer and the average hold of each, and the seeds of the dropouts."""
    variables = ran[case]["variables"]
    second = {name for name, device in variables.items() if device == "CPU:1"}
    assert second == {name for name in variables if ".tower2." in name} | {
        "model/seed_generator_1/seed_generator_state"
    }
    sections = {name.partition("/")[0] for name in second}
    assert sections == {"model", "optimizer", "ema"}
    assert sum(name.startswith("optimizer/") for name in second) >= 5  # as many slots as second towers have weights


@pytest.mark.parametrize("case", CASES)
def test_layers_and_their_gradients_are_computed_on_the_device_of_the_layer(case, ran):
    expected, kernels = places(), {}
    for device, kind, name in ran[case]["nodes"]:
        layer = layer_of(name)
        if layer is None or kind in ("_Send", "_Recv", "Const", "Identity") or "ControlEdges" in name:
            continue
        assert device == expected.get(layer, "CPU:0"), (kind, name)  # pixels are normalised on the first device
        if re.search("Conv2D|MatMul", kind):
            kernels.setdefault(layer, set()).add((device, "gradient" if "gradients/" in name else "output"))
    for tower, device in (("tower1", "CPU:0"), ("tower2", "CPU:1")):
        for layer in ("a.{}.conv", "b.{}.dense"):
            assert kernels[layer.format(tower)] == {(device, "output"), (device, "gradient")}


@pytest.mark.parametrize("case", CASES)
def test_only_what_towers_take_and_give_moves_between_the_devices(case, ran):
    """Outputs where towers begin and end, and their gradients: no weight, and no gradient of a weight."""
    names = [(device, name) for device, name in ran[case]["sent"] if layer_of(name) and "ControlEdges" not in name]
    outputs = {(device, layer_of(name)) for device, name in names if "gradients/" not in name}
    assert outputs == {
        ("CPU:0", "a.tower2.slice"),
        ("CPU:1", "a.tower2.dropout1"),
        ("CPU:0", "flat"),
        ("CPU:1", "b.tower2.dense"),
    }
    backward = [(device, name) for device, name in names if "gradients/" in name]
    assert {(device, layer_of(name)) for device, name in backward} == {
        ("CPU:0", "b.concat"),
        ("CPU:1", "b.tower2.dense"),
        ("CPU:0", "a.concat"),
        ("CPU:1", "a.tower2.conv"),
    }
    assert not [name for _, name in ran[case]["sent"] if re.search(r"Filter|BiasAddGrad|MatMul_1|conv_\d/Read", name)]


@pytest.mark.parametrize("case", CASES)
def test_weights_and_averages_are_updated_where_they_are(case, ran):
    assigned = ran[case]["assigned"]
    trained = [name for name in ran[case]["variables"] if re.search(r"tower2.*/(kernel|bias|gamma|beta)$", name)]
    assert len([name for device, name, _ in assigned if device == "CPU:1"]) >= 2 * len(trained)
    assert not [name for _, name, kind in assigned if kind == "_Recv"]


# -- a whole run -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def runs(tmp_path_factory, killed):
    """A whole run on one device, and one on two devices that is killed in its second epoch and resumed on one."""
    folder, data_dir = tmp_path_factory.mktemp("runs"), tmp_path_factory.mktemp("data")
    fields = {"epochs": 3, "batch_size": "auto", "ema": 0.9, "checkpoints": {"steps": 5}}
    one = written(folder / "one.yaml", NETWORK["model"], **fields, distribute="off")
    two = written(folder / "two.yaml", NETWORK["model"], **fields, distribute={"towers": 2})
    status, output = killed(one, folder / "one", data_dir)
    assert status == 0, output
    status, output = killed(two, folder / "two", data_dir, "step", 60)
    assert status == -signal.SIGKILL and "1,437 + 360 pictures, towers on CPU:0, CPU:1\n" in output, output
    assert "batch_size: auto is 32" in output
    status, output = killed(one, folder / "two", data_dir)
    assert status == 0 and re.search(r"resuming after epoch 1, step \d+, from ", output), output
    return folder / "one", folder / "two"


def test_a_run_on_two_devices_is_resumed_on_one(runs):
    rows = [list(csv.DictReader((run / "metrics.csv").read_text().splitlines())) for run in runs]
    for one, two in zip(*rows, strict=True):
        for name in ("loss", "accuracy", "val_loss", "val_accuracy"):
            assert float(two[name]) == pytest.approx(float(one[name]), rel=1e-3, abs=2e-3)
    states = [load_file(max((run / "checkpoints").glob("step-*.safetensors"))) for run in runs]
    assert states[0].keys() == states[1].keys()
    for name, value in states[0].items():
        np.testing.assert_allclose(value, states[1][name], rtol=1e-3, atol=1e-3, err_msg=name)


def test_no_device_is_saved(runs):
    pictures = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 1)).astype("uint8")
    one, two = (keras.saving.load_model(run / "model.keras").predict(pictures, verbose=0) for run in runs)
    np.testing.assert_allclose(one, two, rtol=1e-3, atol=1e-3)
    model = builder.build(archspec.loads(NETWORK), towers=["CPU:0", "CPU:0"])
    path = runs[1] / "placed.keras"
    model.save(path)
    for file in (runs[1] / "model.keras", path):
        with zipfile.ZipFile(file) as archive:
            assert not [name for name in archive.namelist() if b"CPU:" in archive.read(name)]


# -- what is decided before a step -----------------------------------------------------------------------------------

ON_TOWERS = Train(data=Digits(), distribute=Towers(devices=2))


def test_too_few_gpus_are_reported(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: ["GPU:0"] * (kind == "GPU"))
    with pytest.raises(archspec.UserError) as caught:
        choose_strategy(ON_TOWERS, lambda field: Where(f"train.{field}"))
    assert str(caught.value) == "train.distribute: 2 towers need as many GPUs, and this machine has 1"
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: ["GPU"] * 4 * (kind == "GPU"))
    assert choose_strategy(ON_TOWERS, Where).towers == ("GPU:0", "GPU:1")


def test_a_worker_has_no_towers_of_its_own(monkeypatch):
    config = {"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 1}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(config))
    with pytest.raises(archspec.UserError, match=r"this is one of 2 workers .* set distribute: auto or multi_worker"):
        choose_strategy(ON_TOWERS, lambda field: Where(f"train.{field}"))


def test_xla_compiles_no_step_of_several_devices(monkeypatch):
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind: ["GPU:0", "GPU:1"])
    assert is_compiled(Train(data=Digits()), 1)
    assert not is_compiled(ON_TOWERS, 1)


def test_the_gpu_with_the_least_room_decides_how_large_a_batch_can_be(monkeypatch):
    spec = archspec.loads(NETWORK, {"train.distribute": {"towers": 2}})
    two = Placement(strategy.one_device().strategy, ALONE, ("GPU:0", "GPU:1"))
    monkeypatch.setattr(memory, "on_gpu", lambda: True)
    frees = []
    monkeypatch.setattr(memory, "_free_on_gpus", lambda: frees)
    analysis = archspec.analyse(spec)
    frees[:] = [10**9, 10**6, 1]  # the third has no tower
    small = memory.step_memory(spec, two)
    towers = [layer for layer in analysis.layers if ".tower2." in layer.name]
    second = sum(layer.trainable_parameters + layer.non_trainable_parameters for layer in towers)
    assert (small.free, small.fixed) == (10**6, 4 * 5 * second)  # value, gradient, two slots and an average
    frees[:] = [10**6, 10**9]
    assert memory.step_memory(spec, two).fixed == 4 * 5 * (analysis.parameters - second)

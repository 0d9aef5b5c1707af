"""A run that was killed and resumed ends bit by bit as one that was not, whatever the moment."""

import csv
import json
import re
import shutil
import signal

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file

import archspec
from archspec.errors import FileError
from builder.runs.checkpoints import CheckpointStore
from builder.runs.comparison import check_same_spec, differences
from builder.runs.directory import locked
from builder.runs.run import open_run
from builder.system.cpu import instruction_set
from tests.small import SPEC, written

LAYERS = [*SPEC["model"]["layers"][:1], {"dropout": 0.2}, *SPEC["model"]["layers"][1:]]
RECIPE = {
    "epochs": 3,
    "batch_size": 128,
    "optimizer": {"sgd": {"momentum": 0.9}},
    "learning_rate": {"cosine": {"base": 0.05, "warmup": 0.5}},
    "weight_decay": 0.0,
    "augment": [{"random_crop": 1}],
    "checkpoints": {"steps": 3},
    "deterministic": True,
}
TIMES = ("seconds", "images_per_second")
"""The only columns of metrics.csv that differ from run to run."""


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    return tmp_path_factory.mktemp("data")


def write(folder, **fields):
    return written(folder / "small.yaml", {"layers": LAYERS}, **{**RECIPE, **fields})


def state(run_dir):
    """The state of a run: its newest checkpoint's tensors, its best weights, and its metrics without times."""
    newest = max((run_dir / "checkpoints").glob("step-*.safetensors"))
    with (run_dir / "metrics.csv").open() as file:
        rows = [{key: value for key, value in row.items() if key not in TIMES} for row in csv.DictReader(file)]
    return newest.name, load_file(newest), load_file(run_dir / "checkpoints" / "best.safetensors"), rows


def assert_same(found, expected):
    assert found[0] == expected[0] and found[3] == expected[3]
    for one, other in zip(found[1:3], expected[1:3], strict=True):
        assert one.keys() == other.keys()
        assert not [name for name in one if not np.array_equal(one[name], other[name])]


@pytest.mark.parametrize("distribute", ["off", {"mirrored": {"replicas": 2}}], ids=["single", "mirrored"])
def test_a_run_killed_again_and_again_ends_as_one_that_was_not(distribute, tmp_path, data_dir, killed):
    spec = write(tmp_path, distribute=distribute)
    status, output = killed(spec, tmp_path / "whole", data_dir)
    assert status == 0, output
    run_dir = tmp_path / "cut"
    best = run_dir / "checkpoints" / "best.safetensors"
    for when, number in (("write", 9), ("best", 1), ("step", 17)):
        status, output = killed(spec, run_dir, data_dir, when, number)
        assert status == -signal.SIGKILL, (when, output)
        if when == "best":
            assert not best.exists()
            end_of_epoch = load_file(run_dir / "checkpoints" / "step-000000011.safetensors")
    with safe_open(best, "numpy") as file:
        assert file.metadata().keys() == {"epoch", "crc32"} and file.metadata()["epoch"] == "1"
    assert all(np.array_equal(value, end_of_epoch[f"model/{name}"]) for name, value in load_file(best).items())
    status, output = killed(spec, run_dir, data_dir)
    assert status == 0, output
    assert "resuming after epoch 1, step 7, from " in output  # step 18: every third is kept, and an epoch has 11
    assert_same(state(run_dir), state(tmp_path / "whole"))
    assert not [path for path in run_dir.rglob(".*") if path.name != ".lock"], "a half-written file is left"
    assert len(list((run_dir / "checkpoints").glob("step-*"))) == 2


@pytest.fixture(scope="module")
def stopped(tmp_path_factory, data_dir, killed):
    """A run killed in its second epoch."""
    folder = tmp_path_factory.mktemp("stopped")
    spec = write(folder)
    assert killed(spec, folder / "run", data_dir, "step", 17)[0] == -signal.SIGKILL
    return folder / "run", spec


@pytest.fixture
def copy(stopped, tmp_path):
    run_dir, spec = stopped
    shutil.copytree(run_dir, tmp_path / "run")
    return tmp_path / "run", spec


def cut(content):
    return content[:-100]


def with_a_flipped_bit(content):
    changed = bytearray(content)
    changed[-100] ^= 1
    return bytes(changed)


@pytest.mark.parametrize("damaged", [cut, with_a_flipped_bit])
def test_a_damaged_checkpoint_is_passed_over(damaged, copy, data_dir, killed):
    run_dir, spec = copy
    newest = max((run_dir / "checkpoints").glob("step-*"))
    newest.write_bytes(damaged(newest.read_bytes()))
    status, output = killed(spec, run_dir, data_dir)
    assert status == 0, output
    assert f"{newest} is damaged, and is passed over" in output
    assert "resuming after epoch 1, step 4, from " in output


def test_a_resume_on_another_kind_of_cpu_says_so(copy, data_dir, killed):
    run_dir, spec = copy
    path = run_dir / "environment.json"
    environment = json.loads(path.read_text())
    here = instruction_set()
    assert environment["instruction_set"] == here
    path.write_text(json.dumps({**environment, "instruction_set": "AVX512_CORE_AMX_FP16"}))
    change = f"trained with AVX512_CORE_AMX_FP16 instructions of oneDNN so far, and resumes with {here or 'none'}: "
    status, output = killed(spec, run_dir, data_dir, "step", 15)
    assert status == -signal.SIGKILL and change in output, output
    status, output = killed(spec, run_dir, data_dir)
    assert status == 0 and "instructions of oneDNN" not in output, output  # the same kind as the last time
    assert [resumed["instruction_set"] for resumed in json.loads(path.read_text())["resumed"]] == [here, here]


def test_best_weights_of_a_lost_epoch_are_reported(copy, data_dir, killed):
    run_dir, spec = copy
    best = run_dir / "checkpoints" / "best.safetensors"
    CheckpointStore(best.parent, 2).write_best(load_file(best), 2)  # as if the checkpoint of epoch 2 were damaged
    status, output = killed(spec, run_dir, data_dir)
    assert status == 0, output
    assert f"{best} is missing, damaged, or not of epoch 1: the best epoch will be one of those that follow" in output


def test_a_full_disk_is_reported_and_loses_nothing(copy, data_dir, killed):
    run_dir, spec = copy
    status, output = killed(spec, run_dir, data_dir, "disk", 21)
    path = run_dir / "checkpoints" / "step-000000021.safetensors"
    assert status == 2 and "Traceback" not in output, output
    assert f"{path}: cannot be written: No space left on device; what was there is whole" in output
    assert not path.exists()
    status, output = killed(spec, run_dir, data_dir)
    assert status == 0 and "resuming after epoch 1, step 7, from " in output, output


def test_a_full_disk_is_reported_before_the_next_checkpoint(tmp_path, data_dir, killed):
    spec = write(tmp_path, checkpoints={"minutes": None})
    status, output = killed(spec, tmp_path / "run", data_dir, "disk", 11)  # the end of epoch 1
    assert status == 2 and "step-000000011.safetensors: cannot be written: No space left on device" in output, output
    assert "\n  1/3  " in output and "\n  2/3  " not in output


def test_a_run_of_another_spec_is_not_resumed(copy, tmp_path):
    run_dir, _ = copy
    spec = archspec.load(write(tmp_path, epochs=5, weight_decay=0.1, distribute="auto"))
    with pytest.raises(FileError) as caught:
        check_same_spec(run_dir, spec)
    assert str(caught.value) == (
        f"{run_dir}: is a run of another spec: train.epochs was 3, is 5; train.weight_decay was 0.0, is 0.1; to "
        f"resume it, give the same spec, which is {run_dir / 'spec.yaml'}; another one needs a new run, which may take "
        "the weights with init_from"
    )


def test_fields_are_named_where_a_null_has_their_place():
    fields, null = {"train.stop.patience": "1", "train.stop.delta": "0"}, {"train.stop": "null"}
    assert differences(fields, null, ()) == "train.stop.patience was 1, is absent; train.stop.delta was 0, is absent"
    assert differences(null, fields, ()) == "train.stop.patience was absent, is 1; train.stop.delta was absent, is 0"


def test_where_it_runs_may_change(copy, tmp_path):
    run_dir, _ = copy
    fields = {
        "distribute": {"mirrored": {"replicas": 4}},
        "checkpoints": {"minutes": 1, "keep": 5},
        "xla": "off",
        "rematerialize": True,
    }
    check_same_spec(run_dir, archspec.load(write(tmp_path, **fields)))


def test_what_is_expected_of_the_network_may_change(tmp_path):
    digits = archspec.load("digits")
    (tmp_path / "spec.yaml").write_text(digits.to_yaml())
    for expect in (None, {"macs": 1.12e6}):
        check_same_spec(tmp_path, digits.with_values({"expect": expect}))


def test_two_processes_do_not_train_in_one_directory(copy, data_dir, killed):
    run_dir, spec = copy
    with locked(run_dir):
        status, output = killed(spec, run_dir, data_dir)
    assert status == 2
    assert f"{run_dir}: is in use: another process trains in it at this moment" in output


def test_other_data_are_refused(copy, data_dir, killed):
    run_dir, spec = copy
    path = run_dir / "environment.json"
    path.write_text(path.read_text().replace('"fingerprint": "', '"fingerprint": "0'))
    status, output = killed(spec, run_dir, data_dir)
    assert status == 2
    assert f"{run_dir}: was trained on other data: their fingerprints differ; start a new run" in output


def test_a_run_that_is_complete_is_left_as_it_is(tmp_path, data_dir, killed):
    spec = write(tmp_path, epochs=1)
    assert killed(spec, tmp_path / "run", data_dir)[0] == 0
    before = {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()}
    status, output = killed(spec, tmp_path / "run", data_dir)
    assert status == 0 and f"{tmp_path / 'run'} is complete, after 1 epoch\n" in output
    assert {path: path.read_bytes() for path in before} == before


def test_an_extended_run_ends_as_one_that_was_longer_from_the_start(tmp_path, data_dir, killed):
    fields = {"learning_rate": {"step": {"base": 0.05, "drop": {"1": 0.01}}}, "epochs": 3}
    assert killed(write(tmp_path, **fields), tmp_path / "long", data_dir)[0] == 0
    assert killed(write(tmp_path, **{**fields, "epochs": 1}), tmp_path / "run", data_dir)[0] == 0
    spec = write(tmp_path, **fields)
    status, output = killed(spec, tmp_path / "run", data_dir, "step", 17)
    assert status == -signal.SIGKILL and "the run is extended from 1 to 3 epochs\n" in output
    status, output = killed(spec, tmp_path / "run", data_dir)
    assert status == 0 and "is extended" not in output, output
    assert_same(state(tmp_path / "run"), state(tmp_path / "long"))
    run = open_run(tmp_path / "run")
    assert run.spec.train.epochs == 3
    assert [entry.get("extended") for entry in run.environment["resumed"]] == [{"from": 1, "to": 3}, None]


def test_early_stopping_says_why(tmp_path, data_dir, killed):
    rule = {"monitor": "val_loss", "patience": 1, "min_delta": 10.0}
    spec = write(tmp_path, epochs=9, early_stopping=rule, learning_rate=0.05)
    status, output = killed(spec, tmp_path / "run", data_dir)
    reason = r"stopped early after epoch 2 of 9: val_loss has not improved by 10 on \d\.\d{4} for 1 epoch"
    assert status == 0 and re.search(rf"\n{reason}\nbest epoch \d \(highest val_accuracy\): ", output), output
    status, output = killed(
        write(tmp_path, epochs=19, early_stopping=rule, learning_rate=0.05), tmp_path / "run", data_dir
    )
    assert (
        status == 2
        and (
            "was ended by early stopping after epoch 2, so that more epochs change nothing; let it continue with --set "
            "train.early_stopping=null, or with a longer patience"
        )
        in output
    )
    rule = {"monitor": "val_loss", "patience": 3, "min_delta": 10.0}
    status, output = killed(
        write(tmp_path, epochs=9, early_stopping=rule, learning_rate=0.05), tmp_path / "run", data_dir
    )
    assert status == 0 and (
        "early stopping changes from here on: train.early_stopping.patience was 1, is 3\n" in output
    ), output
    assert "stopped early after epoch 4 of 9: val_loss has not improved by 10 on " in output, output
    run = open_run(tmp_path / "run")
    assert run.spec.train.early_stopping.patience == 3 == int(run.environment["spec"]["train.early_stopping.patience"])
    status, output = killed(write(tmp_path, epochs=9, learning_rate=0.05), tmp_path / "run", data_dir)
    assert status == 0 and len(run.metrics()) == 9 and open_run(tmp_path / "run").spec.train.early_stopping is None

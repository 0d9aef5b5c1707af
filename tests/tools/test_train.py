"""`tools/train.py` as a user runs it: the files of a run, and how it ends on mistakes and Ctrl-C."""

import csv
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.forked import python

ROOT = Path(__file__).parents[2]
TOOL = ROOT / "tools" / "train.py"
SMALL = [ROOT / "specs" / "digits.yaml", "--set", "n=1", "--set", "width=8"]


def start(*arguments, data_dir=None, **options):
    """Starts the command in a process that finds the repository's packages as if installed."""
    command = [
        options.pop("interpreter", sys.executable),
        TOOL,
        *map(str, arguments),
        *(["--data-dir", str(data_dir)] if data_dir else []),
    ]
    path = os.pathsep.join([*options.pop("before", []), str(ROOT)])
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, env={**os.environ, "PYTHONPATH": path}, **pipes, **options)


def run(*arguments, status=0, **options):
    process = start(*arguments, interpreter=python(), **options)
    output, errors = process.communicate(timeout=120)
    assert process.returncode == status, errors
    assert "Traceback" not in errors
    return errors if status else output


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def trained(tmp_path_factory, data_dir):
    """The directory of a short run, and its output."""
    directory = tmp_path_factory.mktemp("runs") / "short"
    output = run(*SMALL, "--set", "train.epochs=2", "--run-dir", directory, data_dir=data_dir)
    return directory, output


def rows(directory):
    with (directory / "metrics.csv").open() as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


def test_a_run_leaves_all_its_files(trained):
    directory, output = trained
    found = sorted(path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file())
    events = [path for path in found if path.startswith("tensorboard/")]
    assert [path.split("/")[1] for path in events] == ["train", "validation"]
    assert [path for path in found if path not in events] == [
        ".lock",
        "checkpoints/best.safetensors",
        "checkpoints/step-000000022.safetensors",
        "checkpoints/step-000000044.safetensors",
        "environment.json",
        "filters.png",
        "learning_curve.png",
        "metrics.csv",
        "model.keras",
        "network.svg",
        "pictures.npz",
        "spec.yaml",
    ]
    assert str(directory / "model.keras") in output
    environment = json.loads((directory / "environment.json").read_text())
    assert environment["command"][0] == str(TOOL) and environment["packages"]["keras"]
    assert environment["data"]["train"] == 1437 and environment["data"]["validation"] == 360


def test_metrics_have_a_row_an_epoch(trained):
    directory, output = trained
    found = rows(directory)
    assert [row["epoch"] for row in found] == [1, 2]
    assert found[1]["loss"] < found[0]["loss"]
    assert found[0]["learning_rate"] == pytest.approx(0.1)  # the end of one epoch of warm-up
    assert all(row["images_per_second"] > 0 and row["seconds"] > 0 for row in found)
    begun = output.splitlines().index("epoch    loss  accuracy  val_loss  val_accuracy      rate  seconds  images/s")
    assert [line.split()[0] for line in output.splitlines()[begun + 1 : begun + 3]] == ["1/2", "2/2"]


# Keras and scikit-learn alone: no module of this repository can be imported.
REOPEN = """
import sys
import keras
import numpy as np
from sklearn.datasets import load_digits

model = keras.models.load_model(sys.argv[1])
digits = load_digits()
held_out = np.argsort(digits.target, kind="stable")[::5]
logits = model.predict(np.rint(digits.images[held_out, :, :, np.newaxis] * 255 / 16), verbose=0)
assert not {"archspec", "builder"} & set(sys.modules)
print((logits.argmax(-1) == digits.target[held_out]).mean())
"""


def test_the_model_opens_with_keras_alone_and_is_as_good_as_the_run_says(trained, tmp_path):
    directory, _ = trained
    command = [sys.executable, "-c", REOPEN, directory / "model.keras"]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    best = max(row["val_accuracy"] for row in rows(directory))
    assert float(result.stdout.split()[-1]) == pytest.approx(best, abs=1e-6)


def test_a_second_run_never_overwrites_the_first(trained, data_dir):
    directory, _ = trained
    before = {path: path.read_bytes() for path in directory.rglob("*") if path.is_file()}
    errors = run(*SMALL, "--run-dir", directory, status=2, data_dir=data_dir)
    expected = f"{directory}: is not empty, and a run never overwrites another; name a new directory with --run-dir"
    assert expected in errors.splitlines()
    assert {path: path.read_bytes() for path in directory.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--set", "train.epoch=3"], "unknown field 'epoch' of train; did you mean 'epochs'?"),
        (["--set", "depth=3"], "no parameter or section has this name"),
        (["--set", "n"], "expected NAME=VALUE"),
    ],
)
def test_a_bad_spec_is_refused_before_tensorflow_is_imported(arguments, expected, tmp_path):
    for package in ("tensorflow", "keras"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text("raise RuntimeError('imported')")
    errors = run(*SMALL, *arguments, status=2, before=[str(tmp_path)])
    assert expected in errors and "imported" not in errors


@pytest.mark.skipif(sys.platform != "linux", reason="processes cannot be kept to one core elsewhere")
def test_few_filters_train_on_a_single_core(tmp_path, data_dir):
    """oneDNN corrupts memory there if it has one thread."""
    core = min(os.sched_getaffinity(0))
    few = [argument.replace("width=8", "width=4") for argument in map(str, SMALL)]
    arguments = [*few, "--set", "train.epochs=1", "--run-dir", tmp_path / "run"]
    process = start(*arguments, data_dir=data_dir, preexec_fn=lambda: os.sched_setaffinity(0, {core}))
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors


def test_ctrl_c_keeps_what_is_there(tmp_path, data_dir):
    directory = tmp_path / "run"
    process = start(*SMALL, "--set", "train.epochs=1000", "--run-dir", directory, data_dir=data_dir)
    for line in process.stdout:
        if line.split()[:1] == ["1"]:
            break
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 130 and "Traceback" not in errors, errors
    assert "interrupted in epoch" in output and (directory / "model.keras").is_file()
    assert f"resume with: python tools/train.py --resume {directory} --data-dir {data_dir}\n" in output
    assert [path.name for path in directory.rglob(".*")] == [".lock"], "a half-written file is left"
    assert f"best epoch {max(rows(directory), key=lambda row: row['val_accuracy'])['epoch']:.0f}" in output

"""`tools/convert_weights.py` as a user runs it: what it shows and writes, and that it never writes half of it."""

import contextlib
import json
import os
import resource
import runpy
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import builder
from archspec import load
from builder.runs.comparison import flat
from builder.system.tensors import write_tensors
from tests.builder.weights.torch_pickles import read_state_dict
from tests.forked import python

ROOT = Path(__file__).parents[2]
TOOL = ROOT / "tools" / "convert_weights.py"
SPEC = ROOT / "tests" / "builder" / "weights" / "small.yaml"
SMALL = ROOT / "tests" / "fixtures" / "small.pth"
CHECKPOINT = ROOT / "tests" / "fixtures" / "small_checkpoint.pth"


def run(*arguments, status=0, directory=None, before=(), **options):
    """Runs the command in its own process and returns its output, or its standard error if it fails."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*before, str(ROOT)])}
    command = [sys.executable if options else python(), TOOL, *map(str, arguments)]
    result = subprocess.run(
        command, cwd=directory, env=environment, capture_output=True, text=True, timeout=120, **options
    )
    assert result.returncode == status, result.stderr
    assert "Traceback" not in result.stderr
    said = [line for line in result.stderr.splitlines() if not line.startswith(("WARNING: All log", "I0000"))]
    return "\n".join(said) if status else result.stdout  # TensorFlow says what it does not find


@pytest.fixture
def run_here(monkeypatch, capsys):
    """Runs the command in this process, which saves the seconds that TensorFlow takes to start."""

    def run_here(*arguments, status=0):
        monkeypatch.setattr(sys, "argv", [str(TOOL), *map(str, arguments)])
        with pytest.raises(SystemExit) if status else contextlib.nullcontext() as stop:
            runpy.run_path(str(TOOL), run_name="__main__")
        assert stop is None or stop.value.code == status
        said = capsys.readouterr()
        return said.err.rstrip() if status else said.out

    return run_here


def files(directory):
    return sorted(path.name for path in directory.iterdir())


def test_there_and_back(tmp_path, run_here):
    """From PyTorch to Keras, and the Keras file to PyTorch under the names of another state dict."""
    there, back = tmp_path / "small.weights.h5", tmp_path / "back.safetensors"
    output = run(SMALL, SPEC, "--to", "keras", "--out", there)
    summary = "23 tensors matched (5 transposed, 1 reshaped, 5 features reordered)"
    assert output == f"{summary}, 3 counters of batches ignored\n"
    output = run_here(there, SPEC, "--to", "torch", "--like", CHECKPOINT, "--out", back, "--full")
    assert "  conv1/kernel" in output and output.endswith("\n23 tensors matched\n")
    assert files(tmp_path) == ["back.safetensors", "small.weights.h5"]
    expected = read_state_dict(SMALL)
    found = load_file(back)
    assert {name.removeprefix("module.") for name in found} == expected.keys()
    for name, tensor in found.items():
        np.testing.assert_array_equal(tensor, expected[name.removeprefix("module.")])


def test_a_new_head(tmp_path, run_here):
    arguments = [SMALL, SPEC, "--set", "model.layers[8].dense=3", "--to", "keras", "--out", tmp_path / "a.keras"]
    errors = run_here(*arguments, status=2)
    assert ["+", "dense2", "10x3", "missing:", "kernel,", "bias"] in [line.split() for line in errors.splitlines()]
    assert errors.endswith("for a new last layer, which stays as it is initialised: --skip-head")
    assert files(tmp_path) == []
    output = run_here(*arguments, "--skip-head")
    assert output.splitlines()[-1].startswith("21 tensors matched") and "2 new, 2 replaced" in output
    assert files(tmp_path) == ["a.keras"]


def test_weights_of_another_network_are_shown_and_nothing_is_written(tmp_path, run_here):
    errors = run_here(
        SMALL, ROOT / "specs" / "digits.yaml", "--to", "keras", "--out", tmp_path / "a.weights.h5", status=2
    )
    lines = errors.splitlines()
    assert lines[0].startswith(
        f"{SMALL}: does not fit digits: 1 tensor matched (1 transposed), 51 missing, 22 left over"
    )
    assert any(line.split()[:3] == ["+", "stage1.block1.conv1/kernel", "3x3x16x16"] for line in lines)
    assert any(line.split()[:3] == ["-", "stem.0.weight", "8x3x3x3"] for line in lines)
    assert files(tmp_path) == []


def test_a_pickle_that_would_run_something(tmp_path):
    with zipfile.ZipFile(tmp_path / "evil.pth", "w") as file:
        file.writestr("archive/data.pkl", b"cos\nsystem\n(S'touch ran'\ntR.")
    errors = run("evil.pth", SPEC, status=2, directory=tmp_path)
    assert errors.startswith("evil.pth: asks for 'os.system', and only tensors are read from a file, no code is run")
    assert files(tmp_path) == ["evil.pth"]


def test_an_output_that_exists_is_kept(tmp_path, run_here):
    path = tmp_path / "a.weights.h5"
    path.write_text("precious")
    errors = run_here(SMALL, SPEC, "--to", "keras", "--out", path, status=2)
    assert errors == f"{path}: exists already, and is overwritten only with --force"
    assert path.read_text() == "precious"
    run_here(SMALL, SPEC, "--to", "keras", "--out", path, "--force")
    assert path.read_bytes()[1:4] == b"HDF" and files(tmp_path) == ["a.weights.h5"]


@pytest.fixture
def begun(tmp_path):
    """The directory of a run whose first epoch has not ended: its spec and its environment."""
    directory = tmp_path / "run"
    (directory / "checkpoints").mkdir(parents=True)
    (directory / "spec.yaml").write_text(SPEC.read_text())
    data = {"name": "small", "train": 2, "validation": 2, "classes": list("abcde"), "fingerprint": "0"}
    environment = {"data": {**data, "pixel_mean": [0.0], "pixel_std": [1.0]}, "spec": flat(load(SPEC).to_yaml())}
    (directory / "environment.json").write_text(json.dumps(environment))
    return directory


def test_a_run_is_read_with_its_own_spec(begun, run_here):
    errors = run_here(begun, status=2)
    assert errors == f"{begun}: has no checkpoints/best.safetensors: no epoch of this run was completed"
    model = builder.build(SPEC)
    write_tensors(begun / "checkpoints" / "best.safetensors", {v.path: np.asarray(v) for v in model.weights})
    assert run_here(begun) == "23 tensors matched\n"


def test_a_run_whose_spec_was_changed_is_refused(begun, run_here):
    """The weights would still fit, but the network would compute something else with them."""
    text = SPEC.read_text()
    (begun / "spec.yaml").write_text(text.replace("relu", "elu", 1))
    errors = run_here(begun, status=2)
    assert "the spec was changed since" in errors and "was relu, is elu" in errors


def test_a_full_disk_leaves_what_was_there(tmp_path):
    def limited():
        resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, 5_000))

    for side, path in (("keras", tmp_path / "a.weights.h5"), ("torch", tmp_path / "a.safetensors")):
        path.write_text("precious")
        like = ["--like", SMALL] if side == "torch" else []
        errors = run(SMALL, SPEC, "--to", side, "--out", path, "--force", *like, status=2, preexec_fn=limited)
        assert errors == f"{path}: cannot be written: File too large; what was there is whole"
        assert path.read_text() == "precious"
    assert files(tmp_path) == ["a.safetensors", "a.weights.h5"]


def test_names_and_shapes_are_those_of_a_state_dict(tmp_path, run_here):
    """A Keras file would have its axes in another order."""
    keras_file, path = tmp_path / "a.weights.h5", tmp_path / "a.safetensors"
    run_here(SMALL, SPEC, "--to", "keras", "--out", keras_file)
    errors = run_here(SMALL, SPEC, "--to", "torch", "--like", keras_file, "--out", path, status=2)
    assert errors == f"{keras_file}: is not a state dict of PyTorch, whose names and shapes are wanted; name one"
    run_here(SMALL, SPEC, "--to", "torch", "--like", SMALL, "--out", path)
    assert path.stat().st_mode == keras_file.stat().st_mode  # for others to read, as the user has it


def test_what_is_no_number_is_not_written(tmp_path, run_here):
    tensors = {name: np.asarray(tensor) for name, tensor in read_state_dict(SMALL).items()}
    tensors |= {"head.weight": np.full((5, 10), 1e300), "head.bias": np.full(5, np.nan)}
    save_file(tensors, tmp_path / "broken.safetensors")
    out = tmp_path / "a.keras"
    errors = run_here(tmp_path / "broken.safetensors", SPEC, "--to", "keras", "--out", out, status=2)
    assert errors == (
        f"{tmp_path / 'broken.safetensors'}: head.weight and 1 more have NaN or infinite values, "
        "or too large ones for float32"
    )
    assert not out.exists()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["nothing"], "nothing: there is no such run"),
        (["nothing.pth", SPEC], "nothing.pth: cannot be read: No such file or directory"),
        ([SPEC, SPEC], "is of no known kind; weights are read from .safetensors, .pth or .pt"),
        ([ROOT / "specs", SPEC], "is not the directory of a run: it has no spec.yaml and no checkpoints/"),
        ([SMALL, SPEC, "--to", "keras", "--out", "a.pth"], "its name must end in .weights.h5 or .keras"),
        ([SMALL, SPEC, "--to", "keras", "--out", "no/a.keras"], "no: is not a directory"),
        (
            [SMALL, SPEC, "--to", "run", "--normalisation", "unit", "-o", ROOT / "specs"],
            "name a new directory with --out",
        ),
        ([SMALL, SPEC, "--pair", "a=conv1"], "small.pth has no layer with weights named 'a'"),
        ([SMALL, SPEC, "--prefix", "nothing."], "small.pth: has no tensors under 'nothing'"),
    ],
)
def test_mistakes(arguments, expected, run_here):
    assert expected in run_here(*arguments, status=2)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([SMALL, SPEC, "--out", "a.keras"], "--to and --out go together"),
        ([SMALL, SPEC, "--to", "torch", "--out", "a.safetensors"], "--to torch and --like go together"),
        ([SMALL, SPEC, "--to", "run", "--out", "a"], "--to run needs --normalisation: torchvision for weights of"),
        ([SMALL], "SPEC is needed unless SOURCE is a run"),
        ([SMALL, SPEC, "--pair", "a"], "expected A=B, got 'a'"),
        ([SMALL, SPEC, "--set", "depth=3"], "no parameter or section has this name"),
    ],
)
def test_mistakes_are_reported_before_tensorflow_is_imported(arguments, expected, tmp_path):
    for package in ("tensorflow", "keras"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text("raise RuntimeError('imported')")
    errors = run(*arguments, status=2, before=[str(tmp_path)])
    assert expected in errors and "imported" not in errors

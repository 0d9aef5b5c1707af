"""`tools/export.py` as a user runs it, in processes of their own."""

import json
import re
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from sklearn.datasets import load_digits

from builder.exports import formats
from builder.runs.run import open_run
from builder.system import cpu
from tests.processes import ENVIRONMENT, ROOT, process

TOOL = ROOT / "tools" / "export.py"
FORMATS = ["saved_model", "keras", "onnx", "litert"]
SAVED_MODEL = [
    "assets/environment.json",
    "assets/labels.txt",
    "assets/metrics.csv",
    "assets/spec.yaml",
    "fingerprint.pb",
    "saved_model.pb",
    "variables/variables.data-00000-of-00001",
    "variables/variables.index",
]
FILES = [
    "README.md",
    *SAVED_MODEL,
    *(f"bfloat16/{name}" for name in SAVED_MODEL),
    "export.json",
    "model.dynamic.tflite",
    "model.float16.tflite",
    "model.float32.tflite",
    "model.int8.tflite",
    "model.keras",
    "model.onnx",
    "network.svg",
]


def test_an_export_has_all_its_files_and_a_report(exported):
    out, printed = exported
    assert [path.name for path in out.iterdir()] == ["1"]
    files = [path.relative_to(out / "1").as_posix() for path in (out / "1").rglob("*") if path.is_file()]
    assert sorted(files) == sorted(FILES)
    report = json.loads((out / "1" / "export.json").read_text())
    assert report["network"] == "digits" and report["classes"] == list("0123456789")
    assert report["check"]["pictures"] == 256 and report["packages"]["onnxruntime"]
    assert [one["format"] for one in report["formats"]] == list(formats.FORMATS)
    for one in report["formats"]:
        assert one["largest_difference"] <= one["tolerance"]["largest_difference"]
        assert one["agreement"] >= one["tolerance"]["agreement"]
        assert one["bytes"] > 0 and min(one["milliseconds"].values()) > 0
        assert f"\n{one['format']} " in printed
    sizes = {one["format"]: one["bytes"] for one in report["formats"]}
    assert sizes["litert-int8"] < 0.6 * sizes["litert-float32"]
    assert f"saved {out / '1'}" in printed
    times = {one["format"]: one["milliseconds"] for one in report["formats"]}
    for batch, noun in (("1", "1 picture"), ("8", "8 pictures")):
        fastest = report["fastest"][batch]
        assert times[fastest][batch] == min(one[batch] for one in times.values())
        assert f"{fastest} with {noun} ({times[fastest][batch]:.2f} ms)" in printed
    assert f"\nFastest on this machine ({report['measured_on']}):\n" in printed
    assert cpu.description() == report["measured_on"]
    assert ("saved_model-bfloat16: this CPU has no instructions" in printed) != cpu.computes_bfloat16()


def test_saved_model_cli_shows_and_runs_it(exported, tmp_path):
    cli = ["-m", "tensorflow.python.tools.saved_model_cli"]
    shown = process(*cli, "show", "--dir", exported[0] / "1", "--tag_set", "serve", "--all")
    for name in ("serving_default", "serve_uint8", "serve_bytes"):
        assert f"signature_def['{name}']" in shown
    for name in ("pictures", "picture_bytes", "probabilities", "class_ids", "class_names"):
        assert f"puts['{name}'] tensor_info" in shown
    np.save(tmp_path / "pictures.npy", np.zeros((3, 30, 20, 1), np.uint8))
    asked = ["--tag_set", "serve", "--signature_def", "serve_uint8", "--inputs", f"pictures={tmp_path}/pictures.npy"]
    printed = process(*cli, "run", "--dir", exported[0] / "1", *asked, "--outdir", tmp_path)
    assert np.load(tmp_path / "probabilities.npy").shape == (3, 10)
    assert re.search(r"class_names:\n\[b'(\d)' b'\1' b'\1'\]", printed)


def test_the_page_shows_how_it_is_used(exported, tmp_path):
    page = (ROOT / "docs" / "export.md").read_text()
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports" / "digits").symlink_to(exported[0])
    two = np.rint(load_digits().images[2][..., np.newaxis] * 255 / 16).astype(np.uint8)
    (tmp_path / "two.png").write_bytes(tf.io.encode_png(two).numpy())
    for code in re.findall(r"^```py\n(.*?)^```$", page, re.MULTILINE | re.DOTALL):
        shown = "".join(re.findall(r"^# (.*\n)", code, re.MULTILINE))
        printed = process("-c", code, cwd=tmp_path)
        assert re.sub(r"b'\d'", "b'2'", printed) == shown  # so short a training may take it for another digit
    listed = re.findall(r"^\| `([\w-]+)` ", page, re.MULTILINE)
    assert [name for name in formats.CHOICES if name not in listed] == []


def test_a_full_disk_leaves_nothing(run_dir, tmp_path):
    def limited():
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    message = process(TOOL, run_dir, "--out", tmp_path / "out", status=2, preexec_fn=limited)
    assert message.startswith(f"{tmp_path / 'out'}: cannot be written: ")
    assert message.endswith("; nothing is left of this export\n")
    assert list(tmp_path.iterdir()) == []


def test_sigterm_leaves_nothing(run_dir, tmp_path):
    out = tmp_path / "a" / "b"
    command = [sys.executable, TOOL, run_dir, "--format", *FORMATS, "--out", out]
    with subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout
        next(line for line in running.stdout if line.startswith("writing"))
        assert [path.suffix for path in out.iterdir()] == [".export"]
        running.terminate()
        assert running.wait(60) == 128 + signal.SIGTERM
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def copy(run_dir, tmp_path):
    return Path(shutil.copytree(run_dir, tmp_path / "run"))


def test_what_is_deleted_in_a_complete_run_is_written_again_as_the_message_says(copy):
    for name in ("environment.json", "model.keras"):
        (copy / name).unlink()
    process(ROOT / "tools" / "train.py", copy / "spec.yaml", "--resume", copy)
    assert open_run(copy).about.name == "digits"


def test_what_is_no_run_is_reported_without_tensorflow(run_dir):
    runs = run_dir.parent
    message = process(TOOL, runs / "shirt", status=2)
    assert message == f"{runs / 'shirt'}: there is no such run; did you mean 'short'?\n"

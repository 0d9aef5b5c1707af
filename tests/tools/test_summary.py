"""`tools/summary.py` as a user runs it: in a process of its own, from any directory."""

import contextlib
import json
import os
import re
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SPECS = ROOT / "specs"
TOOL = ROOT / "tools" / "summary.py"

TINY = """\
name: tiny
params: {width: 8}
model:
  input: [8, 8, 1]
  layers:
    - conv: {filters: "${width}", kernel: 3, norm: batch, activation: relu}
    - global_avg_pool
    - dense: 10
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "tiny.yaml").write_text(TINY)
    return tmp_path


def summary(*arguments, cwd=ROOT, status=0):
    result = subprocess.run(
        [sys.executable, TOOL, *map(str, arguments)], cwd=cwd, capture_output=True, text=True, timeout=60
    )
    assert "Traceback" not in result.stderr
    assert result.returncode == status, result.stderr
    return result.stderr if status else result.stdout


def test_a_table_with_totals():
    text = summary("specs/resnet50.yaml")
    assert max(map(len, text.splitlines())) <= 80
    assert re.search(r"^conv1 +conv 7x7/2 +112x112x64 +9,408 +118M +7 +2$", text, re.MULTILINE)
    assert re.search(r"^Trainable parameters +25,557,032$", text, re.MULTILINE)  # torchvision's count
    assert re.search(r"^MACs +4,089,184,256 ", text, re.MULTILINE)  # torchvision's, pycls's


def test_json_of_one_network():
    network = json.loads(summary("specs/resnet50.yaml", "--json"))
    assert network["name"] == "resnet50"
    assert network["input"] == [224, 224, 3]
    assert network["output"] == [1000]
    assert network["trainable_parameters"] == 25557032
    assert network["non_trainable_parameters"] == 2 * 26560  # mean and variance of every normalised channel
    assert network["macs"] == 4089184256
    assert network["receptive_field"] == [427, 427]
    conv = network["layers"][0]
    assert conv["name"] == "conv1"
    assert conv["op"] == "conv"
    assert conv["output_shape"] == [112, 112, 64]
    assert conv["trainable_parameters"] == 7 * 7 * 3 * 64
    assert conv["macs"] == 7 * 7 * 3 * 112 * 112 * 64


def test_json_of_several_networks_is_a_list():
    networks = json.loads(summary("specs/resnet18.yaml", "specs/resnet34.yaml", "--json"))
    assert [network["trainable_parameters"] for network in networks] == [11689512, 21797672]  # torchvision's


def test_several_networks_side_by_side():
    text = summary("specs/resnet18.yaml", "specs/alexnet_two_tower.yaml", "--batch-size", 64)
    assert max(map(len, text.splitlines())) <= 80
    assert re.search(r"^resnet18 +224x224x3 +11,689,512 +1.81G ", text, re.MULTILINE)
    assert re.search(r"^alexnet_two_tower +224x224x3 +60,965,224 ", text, re.MULTILINE)
    assert "batch 64" in text


def test_origins():
    """Where each value comes from, of several files and of `--set`, alone and in JSON."""
    text = summary("specs/resnet50.yaml", "--origins", "--set", "train.epochs=3")
    for line in (
        r"specs/resnet50\.yaml:\d+  model\.layers\[2\]\.stages\.block: bottleneck",
        r"specs/resnet18\.yaml:\d+  model\.defaults\.conv\.padding: symmetric",
        r"--set +train\.epochs: 3",
        r"default +train\.seed: 0",
    ):
        assert re.search(f"^{line}$", text, re.MULTILINE)
    network = json.loads(summary("specs/resnet50.yaml", "--origins", "--json"))
    assert {"path": "train.seed", "value": 0, "source": "default", "line": None} in network["origins"]
    assert network["macs"] == 4089184256


def test_markdown():
    text = summary("specs/resnet18.yaml", "--markdown", "--depth", 1)
    assert "| stage1 | 14 layers | 56x56x64 |" in text
    assert "- Trainable parameters: 11,689,512" in text


def test_set_changes_a_parameter_and_a_path(folder):
    wide = json.loads(summary("tiny.yaml", "--json", "--set", "width=16", "--set", "model.input=[4, 4, 1]", cwd=folder))
    assert wide["layers"][0]["output_shape"] == [4, 4, 16]


def test_all_bad_specs_are_reported_together(folder):
    (folder / "bad.yaml").write_text(TINY.replace("global_avg_pool", "global_avg_pol"))
    text = summary("tiny.yaml", "bad.yaml", "nowhere.yaml", cwd=folder, status=2)
    assert "bad.yaml:7:7: model.layers[1]: unknown block 'global_avg_pol'; did you mean 'global_avg_pool'?" in text
    assert "nowhere.yaml: no such file" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--set", "widht=16"], "did you mean 'width'?"),
        (["--set", "width"], "expected NAME=VALUE"),
        (["--set", "width=many"], "expected a whole number from 1 to 1000000, got the text 'many'"),
        (["--batch-size", "0"], "argument --batch-size: expected a whole number from 1 to 1000000, got '0'"),
        (["--batch-size", "9" * 400], f"expected a whole number from 1 to 1000000, got '{'9' * 40}'"),
        (["--batch-size", "1000001"], "expected a whole number from 1 to 1000000, got '1000001'"),
        (["--depth", "deep"], "argument --depth: expected a whole number from 1 to 1000000, got 'deep'"),
        (["--depth", "1", "--json"], "--depth folds the table of one network"),
        (["tiny.yaml", "--depth", "1"], "--depth folds the table of one network"),
        (["--json", "--markdown"], "not allowed with"),
    ],
)
def test_bad_arguments(folder, arguments, message):
    assert message in summary("tiny.yaml", *arguments, cwd=folder, status=2)


def test_a_closed_pipe_is_quiet():
    command = [sys.executable, str(TOOL), str(SPECS / "resnet1202_cifar.yaml")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


@pytest.mark.parametrize("arguments", [["--json"], ["--depth", "1"]], ids=["written while it prints", "at the end"])
def test_a_full_disk_is_reported(arguments):
    command = [sys.executable, TOOL, SPECS / "resnet18.yaml", *arguments]
    with open("/dev/full", "w") as full:
        result = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert (result.stderr, result.returncode) == ("cannot write: No space left on device\n", 1)


def test_a_closed_output_is_quiet():
    command = f"{sys.executable} {TOOL} {SPECS / 'resnet18.yaml'} >&-"
    result = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=60)
    assert (result.stderr, result.returncode) == ("", 0)


def test_a_terminal_that_is_not_utf_8_gets_its_table(folder):
    (folder / "words.yaml").write_text(TINY.replace("name: tiny", "name: tiny\ndescription: für 数"), encoding="utf-8")
    result = subprocess.run(
        [sys.executable, TOOL, "words.yaml"],
        cwd=folder, env={**os.environ, "PYTHONIOENCODING": "ascii"}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert (result.stderr, result.returncode) == ("", 0)
    assert result.stdout.startswith("tiny: f\\xfcr \\u6570\n")


def test_ctrl_c_ends_it_with_a_line():
    command = [sys.executable, TOOL, "/dev/stdin"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        pipe = process.stdin.fileno()
        os.set_blocking(pipe, False)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(pipe, b"#" * 4096)
        select.select([], [pipe], [], 60)  # until the tool reads; it then waits for the rest
        process.send_signal(signal.SIGINT)
        assert process.communicate() == (b"", b"interrupted\n")
    assert process.returncode == 130


def test_no_framework_is_imported():
    code = (
        "import runpy, sys\n"
        f"sys.argv = ['summary.py', {str(SPECS / 'resnet18.yaml')!r}]\n"
        f"runpy.run_path({str(TOOL)!r}, run_name='__main__')\n"
        "print({name.partition('.')[0] for name in sys.modules} & {'tensorflow', 'keras', 'numpy'})\n"
        "print(sorted(name for name in sys.modules if name.startswith('builder.')))\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    names = [
        "builder.runs",
        "builder.runs.names",
        "builder.runs.shown",
        "builder.system",
        "builder.system.ctrl_c",
        "builder.system.signals",
    ]
    assert result.stdout.endswith(f"\nset()\n{names}\n")

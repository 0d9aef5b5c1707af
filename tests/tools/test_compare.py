"""`tools/compare.py` as a user runs it on specs."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOL = ROOT / "tools" / "compare.py"


def run(*arguments, cwd=ROOT):
    result = subprocess.run([sys.executable, TOOL, *map(str, arguments)], cwd=cwd, capture_output=True, text=True)
    assert "Traceback" not in result.stderr
    return result


def test_the_exit_status_is_that_of_diff(tmp_path):
    different = run("specs/resnet34.yaml", "specs/resnet50.yaml")
    assert (different.returncode, different.stderr) == (1, "")
    assert "\n~ stage3 6 blocks, basic → bottleneck " in different.stdout
    (tmp_path / "same.yaml").write_text(f"extends: {ROOT}/specs/digits.yaml\n")
    equal = run("digits", "same.yaml", cwd=tmp_path)
    assert (equal.returncode, equal.stdout) == (0, "digits → same.yaml: networks and recipes are equal\n")
    wrong = run("digits", "nowhere.yaml", "resnet_50")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "nowhere.yaml: no such file" in wrong.stderr and "did you mean" in wrong.stderr


def test_one_spec_is_compared_with_itself_as_it_was():
    result = run("digits", "--set", "train.epochs=3")
    title = "digits → digits --set train.epochs=3: networks are equal"
    assert (result.returncode, result.stdout) == (1, f"{title}\n\n~ train.epochs: 15 → 3\n")


def test_several_specs_are_each_compared_with_the_first():
    result = run("vgg_a", "vgg_b", "vgg_a_lrn", "--json", "--set", "classes=10")
    found = json.loads(result.stdout)
    assert [one["names"] for one in found] == [["vgg_a", "vgg_b"], ["vgg_a", "vgg_a_lrn"]]
    assert [part["after"]["path"] for part in found[0]["parts"]] == ["conv1_2", "conv2_2"]
    assert json.loads(run("vgg_a", "vgg_b", "--json").stdout)["names"] == ["vgg_a", "vgg_b"]


def test_markdown():
    text = run("vgg_a", "vgg_b", "--markdown").stdout
    assert text.startswith("## vgg_a → vgg_b\n\n|  | part | difference |")
    assert "| + | conv1_2 | conv 3x3 +1, 64 filters |" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["digits"], "SPEC: expected two specs or more, got one; with --set, it is compared with itself"),
        (
            ["digits", "docs"],
            "PATH: docs is a folder, and digits a spec: compare runs with runs, or specs with specs\n",
        ),
        (["digits", "resnet18", "--json", "--markdown"], "not allowed with"),
        (["digits", "--set", "widht=3"], "did you mean 'width'?"),
    ],
)
def test_mistakes(arguments, message):
    result = run(*arguments)
    assert result.returncode == 2 and message in result.stderr


def test_no_framework_is_imported():
    code = (
        "import runpy, sys\n"
        f"sys.argv = ['compare.py', 'plain18', 'resnet18']\n"
        "try:\n"
        f"    runpy.run_path({str(TOOL)!r}, run_name='__main__')\n"
        "finally:\n"
        "    print({name.partition('.')[0] for name in sys.modules} & {'tensorflow', 'keras', 'numpy'})\n"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert result.stdout.endswith("\nset()\n") and result.returncode == 1

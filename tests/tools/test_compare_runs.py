"""`tools/compare.py` for runs: what it prints and writes, and what it refuses."""

import csv
import io
import json
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

import archspec
from tests.builder.comparison.made import evaluate, make

ROOT = Path(__file__).parents[2]
DIGITS = archspec.load(ROOT / "specs" / "digits.yaml").tree.plain()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name, width in (("wide", 8), ("narrow", 4)):
        for seed in range(2):
            error = 0.1 / width + seed / 1000
            make(tmp_path / "runs" / name / str(seed), (0.5, error), {"width": width, "train.seed": seed})
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def tool(monkeypatch, capsys):
    def tool(*arguments, status=0):
        monkeypatch.setattr(sys, "argv", ["tools/compare.py", *map(str, arguments)])
        if status:
            with pytest.raises(SystemExit) as caught:
                runpy.run_path(str(ROOT / "tools" / "compare.py"), run_name="__main__")
            assert caught.value.code == status
        else:
            runpy.run_path(str(ROOT / "tools" / "compare.py"), run_name="__main__")
        return capsys.readouterr()

    return tool


RUNS = [f"runs/{name}/{seed}" for name in ("wide", "narrow") for seed in range(2)]
SHOWN = """\
4 runs in runs, 2 groups of runs that differ in the seed at most

digits: 1,437 training and 360 validation pictures, 10 classes

group, run            seed   epoch      error %             loss  parameters   MACs    seconds  ms
----------------  --------  ------  -----------  ---------------  ----------  -----  ---------  --
A tiny width=8     2 seeds          1.30 ± 0.07  0.0260 ± 0.0014       2,970  5,472  1.0 ± 0.0   -
  wide/0                 0  2 of 2         1.25           0.0250                           1.0   -
"""


def test_a_summary_and_a_report(folder, tool):
    printed = tool(*RUNS).out
    assert printed.startswith(SHOWN[:60])
    assert "A is better than B" in printed
    assert printed.endswith("saved comparison/: report.html comparison.json learning_curves.png costs.png\n")
    assert {path.name for path in Path("comparison").iterdir()} == {
        "report.html", "comparison.json", "learning_curves.png", "costs.png",
    }  # fmt: skip
    assert json.loads(Path("comparison/comparison.json").read_text())["groups"][0]["name"] == "tiny width=8"


def test_data_for_programs(folder, tool):
    found = json.loads(tool(*RUNS, "--json").out)
    assert [run["name"] for run in found["runs"]] == RUNS and not Path("comparison").exists()
    assert found["contrasts"][0]["better"] == "A"
    rows = list(csv.DictReader(io.StringIO(tool(*RUNS, "--csv").out)))
    assert [row["group"] for row in rows] == ["A", "A", "B", "B"]
    assert [float(row["val_error"]) for row in rows] == [run["val_error"] for run in found["runs"]]
    shown = tool(*RUNS, "--csv", "-o", "out")
    assert shown.err.startswith("\nsaved out/: report.html") and shown.out.count("\n") == 5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["runs/wide/0", "resnet18"],
            "PATH: runs/wide/0 is a run, and resnet18 a spec: compare runs with runs, or specs with ",
        ),
        (["runs/wide"], "runs/wide: holds runs, and is none; name one of them: 0, 1\n"),
        (["runs/wide/0", "runs/wide/9"], "runs/wide/9: there is no such run\n"),
        (["runs/wide/0", "runs/wide/0"], "runs/wide/0: is named twice; each run counts once, so name it once\n"),
        (
            ["runs/wide/0", "-o", "runs"],
            "runs: holds narrow, which is of no comparison, and nothing is overwritten; name",
        ),
    ],
)
def test_mistakes(folder, tool, arguments, message):
    assert tool(*arguments, status=2).err.startswith(message)
    assert not Path("comparison").exists()


def test_it_prints_what_the_docs_show(tool, tmp_path, monkeypatch):
    """The page's example, with runs that are written instead of trained: the same lines but for the numbers."""
    monkeypatch.chdir(tmp_path)
    page = (ROOT / "docs" / "seeing.md").read_text()
    command, shown = re.search(r"^\$ python tools/compare.py (runs/.*)\n((?:.*\n)*?)```", page, re.MULTILINE).groups()
    for name, error, width in (("", 0.02, 16), ("slim-", 0.04, 4)):
        for seed in (1, 2, 3):
            errors = [0.5] * 13 + [error + seed / 1000, 0.5]
            run = make(Path(f"runs/digits/{name}{seed}"), errors, {"width": width, "train.seed": seed}, spec=DIGITS)
            evaluate(run, range(10, 10 + round(360 * error)), 360)
    printed = tool(*command.split()).out
    first_words = [line.split()[:1] for line in shown.splitlines()]
    assert [line.split()[:1] for line in printed.splitlines()] == first_words


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["runs/wide/0", "--markdown"], "--markdown: is for comparisons of specs, and these are runs\n"),
        (["runs/wide/0", "--set", "width=3"], "--set: is for comparisons of specs, and these are runs\n"),
        (["digits", "resnet18", "--csv"], "--csv: is for comparisons of runs, and these are specs\n"),
        (["digits", "resnet18", "-o", "x"], "--out: is for comparisons of runs, and these are specs\n"),
    ],
)
def test_options_of_the_other_kind_are_refused(folder, tool, arguments, message):
    assert tool(*arguments, status=2).err == message


def test_it_starts_without_tensorflow_and_matplotlib(folder):
    code = (
        "import runpy, sys; sys.argv = ['compare', *sys.argv[1:]]; "
        f"runpy.run_path({str(ROOT / 'tools' / 'compare.py')!r}, run_name='__main__'); "
        "print({'tensorflow', 'keras', 'matplotlib', 'scipy.stats'} & sys.modules.keys(), file=sys.stderr)"
    )
    environment = {"PYTHONPATH": str(ROOT), "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", code, *RUNS, "--json"], capture_output=True, text=True, env=environment
    )
    assert (done.returncode, done.stderr) == (0, "set()\n")

"""`tools/tune.py` as a user runs it, in a process of its own."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import archspec
from archspec import cli
from archspec.candidates.survey import survey

ROOT = Path(__file__).parents[2]
TOOL = ROOT / "tools" / "tune.py"

SPEC = """\
name: little
params: {width: 8, rate: 0.1, depth: 1}
model:
  input: [8, 8, 1]
  layers:
    - conv: {filters: "${width}", kernel: 3, norm: batch, activation: relu}
    - stages: {block: basic, depths: ["${depth}"], widths: ["${width}"]}
    - global_avg_pool
    - dense: 10
train: {data: digits, epochs: 4, learning_rate: "${rate}"}
search:
  tuner: {random_search: {max_trials: 6}}
  space:
    width: {int: [4, 24], step: 4}
    rate: {float: [0.01, 0.1], log: true}
    model.layers[1].stages.block: {choice: [basic, bottleneck]}
    model.layers[1].stages.block.bottleneck.expansion: {int: [1, 4], when: {"model.layers[1].stages.block": bottleneck}}
  budget: {trainable_parameters: 8000, latency_ms: 5}
"""


@pytest.fixture
def little(tmp_path):
    (tmp_path / "little.yaml").write_text(SPEC)
    return tmp_path


def tune(*arguments, cwd=ROOT, status=0):
    command = [sys.executable, TOOL, *map(str, arguments)]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120)
    assert "Traceback" not in done.stderr
    assert done.returncode == status, done.stderr
    return done.stderr if status else done.stdout


def test_a_dry_run_of_the_digits():
    text = tune("specs/digits.yaml", "--dry-run", "--gflops", 100)
    assert max(map(len, text.splitlines())) <= 80
    assert re.search(r"^Candidates +145 +all checked$", text, re.MULTILINE)  # 5 depths, 29 widths
    assert re.search(r"^Inside the budget +91 +62\.8 %$", text, re.MULTILINE)  # test_search_networks has the formula
    assert re.search(r"^trainable parameters +100,000 +37\.2 % +37\.2 %$", text, re.MULTILINE)
    assert re.search(r"^the spec +42,938 +1\.12M ", text, re.MULTILINE)
    assert re.search(r"^Trials +20 +20 x 15 epochs$", text, re.MULTILINE)
    assert re.search(r"^Time +\S.* at 100 GFLOP/s$", text, re.MULTILINE)


def test_a_dry_run_of_names_longer_than_a_line(little):
    text = tune("little.yaml", "--dry-run", cwd=little)
    assert max(map(len, text.splitlines())) <= 80
    words = " ".join(text.split())
    assert (
        "model.layers[1].stages.block.bottleneck.expansion: int [1, 4], when model.layers[1].stages.block is" in words
    )
    assert "rate: float [0.01, 0.1], log (the spec has 0.1)" in words
    assert re.search(r"^Candidates +300 +ten points of each continuous range; all checked$", text, re.MULTILINE)
    assert re.search(r"^Networks +30 ", text, re.MULTILINE)
    assert re.search(r"^latency +5 ms +measured when the search runs", text, re.MULTILINE)


def test_json(little):
    found = json.loads(tune("little.yaml", "--dry-run", "--json", "--gflops", 100, cwd=little))
    assert (found["name"], found["tuner"]) == ("little", "random_search")
    assert found["objective"] == {"name": "val_accuracy", "direction": "max"}
    assert (found["size"], found["checked"], found["valid"]) == (300, 300, 300)
    assert found["settings_of_the_network"] == 30
    assert found["limits"]["trainable_parameters"]["excludes"] == 300 - found["inside"]
    assert found["smallest"]["trainable_parameters"] < found["largest"]["trainable_parameters"] <= 8000
    assert found["smallest"]["values"]["width"] == 4
    assert found["cost"]["trainings"] == [[6, 4]]
    assert found["cost"]["hours"] == pytest.approx(found["cost"]["flops"] / 100e9 / 3600)


def test_set_changes_the_search(little):
    arguments = ["search.budget.trainable_parameters=1500", "search.space.width.int=[4, 8]", "search.space.rate=null"]
    found = json.loads(tune("little.yaml", "--dry-run", "--json", *(f"--set={a}" for a in arguments), cwd=little))
    assert (found["size"], found["limits"]["trainable_parameters"]["limit"]) == (10, 1500)


def test_a_space_too_large_to_check_whole(little):
    arguments = ["--set=search.space.train.seed={int: [0, 9999]}", "--samples=200"]
    text = tune("little.yaml", "--dry-run", *arguments, cwd=little)
    assert max(map(len, text.splitlines())) <= 80
    words = " ".join(text.split())
    assert "Candidates 3,000,000 ten points of each continuous range; 200 of them drawn at random and checked" in words
    assert re.search(r"^Inside the budget +\S+ % +\S+ % to \S+ % of all, at 95 % confidence$", text, re.MULTILINE)


def test_a_mistake_is_reported_with_its_address(little):
    text = tune("little.yaml", "--dry-run", "--set=search.space.width.int=[0, 8]", cwd=little, status=2)
    assert text == (
        "--set: search.space.width.int[0]: width=0 is in no valid network: model.layers[0].conv.filters: "
        "expected a whole number from 1 to 1000000, got 0\n"
        "      | search.space.width.int=[0, 8]\n"
        "      |                         ^\n"
        "      width is 0, set by an override\n"
    )


def test_a_spec_without_a_search():
    assert "resnet50 has no 'search' section" in tune("specs/resnet50.yaml", "--dry-run", status=2)


def test_no_framework_is_needed():
    code = "import sys; import archspec.candidates.survey, archspec.candidates.report; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not {"tensorflow", "keras", "numpy", "keras_tuner"} & set(done.stdout.split())


def test_it_is_a_short_file():
    assert len(TOOL.read_text().splitlines()) <= 60


def test_the_commands_of_the_documentation(tmp_path):
    """Each command of docs/search.md is accepted; the dry run is run."""
    commands = re.findall(
        r"^\$ (?:\w+=\w+ )*python tools/tune.py (.*?)(?:  +#.*)?$", (ROOT / "docs/search.md").read_text(), re.M
    )
    assert len(commands) >= 5
    for command in commands:
        if command == "--resume runs/search":  # the spec is in the directory of the search
            continue
        arguments = [*shlex.split(command), *([] if "--dry-run" in command else ["--dry-run"])]
        result = subprocess.run(
            [sys.executable, TOOL, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60
        )
        assert result.returncode == 0, result.stderr


def test_the_search_of_the_documentation_is_valid():
    (text,) = re.findall(r"^```yaml\n(.*?)^```$", (ROOT / "docs/search.md").read_text(), re.M | re.S)
    spec = archspec.load(ROOT / "specs/digits.yaml", yaml.safe_load(text))
    assert survey(spec, samples=100).tally.inside > 0


def test_a_value_that_is_set_and_searched_is_pointed_out(capsys):
    spec = archspec.load(ROOT / "specs/digits.yaml")
    cli.note_searched(spec, ["params.n=1", "train.epochs=2"])
    assert (
        capsys.readouterr().err
        == "search.space.n varies n, so that --set does not fix it; --set search.space.n=null does\n"
    )
    text = tune("specs/digits.yaml", "--dry-run", "--set=n=1", "--set=search.space.n=null")
    assert "Candidates         29  all checked" in text


def test_nothing_to_resume(tmp_path):
    text = tune("specs/digits.yaml", "--run-dir", tmp_path / "none", "--resume", status=2)
    assert text == f"{tmp_path / 'none'}: is not the directory of a search, so there is nothing to resume; " + (
        "start one without --resume\n"
    )
    assert not (tmp_path / "none").exists()
    text = tune(ROOT / "specs/digits.yaml", "--resume", cwd=tmp_path, status=2)
    assert text == "runs/digits: has no search to resume; name one with --resume RUN\n"


def test_a_directory_that_cannot_be_one():
    assert tune("specs/digits.yaml", "--run-dir", TOOL, status=2).startswith(f"{TOOL}: cannot be made: File exists")
    assert tune("specs/digits.yaml", "--run-dir", ROOT / "specs", status=2).startswith(
        f"{ROOT / 'specs'}: is not empty"
    )
    assert not (ROOT / "specs" / ".lock").exists()


def test_a_name_for_a_search_over_machines_without_an_address(monkeypatch):
    monkeypatch.setenv("KERASTUNER_TUNER_ID", "chief")
    text = tune("specs/digits.yaml", status=2)
    assert text.startswith("KERASTUNER_ORACLE_IP: is not set, and KERASTUNER_TUNER_ID is")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            "search.budget.trainable_parameters=10",
            "search.budget.trainable_parameters: 10 excludes all 145 candidates; the least of any is",
        ),
        ("search.space={}", "search.space: the space is empty"),
        (
            "search.space={nn: {int: [1, 2]}}",
            "search.space.nn: no parameter or section has this name; did you mean 'n'?",
        ),
        ("search.space={train.epoch: {int: [1, 2]}}", "did you mean 'epochs'?"),
        ("search.tuner=bayes", "search.tuner: unknown tuner 'bayes'; did you mean 'bayesian'?"),
        ("search.objective={name: val_acuracy, direction: max}", "no training gives 'val_acuracy'; did you mean"),
    ],
)
def test_mistakes_are_reported_before_anything_is_made(change, message, tmp_path):
    assert message in tune("specs/digits.yaml", "--run-dir", tmp_path / "search", "--set", change, status=2)
    assert not (tmp_path / "search").exists()


def test_trials_of_a_tuner_without_them():
    arguments = ["specs/resnet20_cifar.yaml", "--trials", "5"]
    result = subprocess.run([sys.executable, TOOL, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert result.returncode == 2
    assert (
        result.stderr
        == "--trials: hyperband's number of trials follows from max_epochs, factor and hyperband_iterations\n"
    )

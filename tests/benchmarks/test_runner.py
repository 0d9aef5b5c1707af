"""`python -m benchmarks`: what it prints, how it ends, and the records that it leaves. The benchmark is a toy."""

import json
import subprocess
import sys
from types import SimpleNamespace

import pytest

import benchmarks.__main__ as runner
from benchmarks import measure, records
from benchmarks.machine import Machine, isa_in_words
from benchmarks.measure import Ratio, Row, in_turn, show
from tests.processes import ROOT

MACHINE = Machine(
    cpu="AMD EPYC 7B13",
    instructions="AVX2",
    cores=2,
    memory_gib=23.4,
    accelerators=(),
    versions={"TensorFlow": "2.21.0", "Keras": "3.15.1"},
    commit="22555b7f00d+",
    date="2026-11-26",
)
LINE = "AMD EPYC 7B13, oneDNN with AVX2, 2 cores, 23 GiB, TensorFlow 2.21.0, Keras 3.15.1, commit 22555b7+, 2026-11-26"


@pytest.fixture
def run(monkeypatch, tmp_path, capsys):
    """Runs the runner with a benchmark `steps` that does what it is given, on a machine that is always the same."""
    monkeypatch.setattr(runner, "machine", lambda: MACHINE)
    monkeypatch.setattr(records, "RESULTS", tmp_path / "results")
    monkeypatch.setenv(measure.QUICK, "0")

    def run(benchmark, *arguments):
        monkeypatch.setitem(sys.modules, "benchmarks.steps", SimpleNamespace(run=benchmark))
        status = runner.main(["steps", *map(str, arguments)])
        return status, capsys.readouterr().out

    return run


def shows(*rows):
    return lambda: show("A training step", list(rows), "stock Keras")


def test_the_machine_comes_first_and_a_target_that_was_reached_is_status_0(run):
    status, output = run(shows(Row("resnet50", "14 img/s", "11 img/s", 1.27, 1.25), Row("vgg", "4", "4")))
    assert status == 0
    assert output.splitlines()[0] == LINE
    assert "resnet50 14 img/s 11 img/s 1.27x >= 1.25x ok" in " ".join(output.split())
    assert "Missed" not in output


@pytest.mark.parametrize(("ratio", "measured"), [(1.2, "1.20x"), (None, "not measured"), (float("nan"), "nanx")])
def test_a_missed_target_is_status_1_and_named_in_the_last_line(run, ratio, measured):
    rows = Row("resnet50", "13 img/s", "11 img/s", ratio, 1.25), Row("vgg", "4", "4", 0.5)
    status, output = run(shows(*rows))
    assert status == 1
    assert output.splitlines()[-2:] == [
        "Missed:",
        f"  steps: A training step: resnet50: {measured}, target 1.25x",
    ]


def test_a_benchmark_that_fails_is_named_after_the_others_have_run(run, monkeypatch, capsys):
    ran = []
    monkeypatch.setitem(sys.modules, "benchmarks.serving", SimpleNamespace(run=lambda: ran.append("serving")))

    def fails():
        show("A training step", [Row("a", "1", "2", 0.5, 1.0)], "stock Keras")
        raise ValueError("no such layer")

    status, output = run(fails, "serving")
    assert status == 1
    assert ran == ["serving"]
    assert output.splitlines()[-2:] == ["Missed:", "  steps: failed: ValueError: no such layer"]


def test_a_row_shown_alone_and_then_among_all_counts_once(run, tmp_path):
    def benchmark():
        rows = [Row("a", "1", "2", 0.5, 1.0), Row("b", "1", "2", 2.0, 1.0)]
        for row in rows:
            show("A training step", [row], "stock Keras")
        show("Training steps, all", rows, "stock Keras")

    path = tmp_path / "measured.jsonl"
    status, output = run(benchmark, "--json", path)
    assert status == 1
    assert output.splitlines()[-1] == "  steps: Training steps, all: a: 0.50x, target 1x"
    (line,) = path.read_text().splitlines()
    assert [(table["title"], len(table["rows"])) for table in json.loads(line)["tables"]] == [
        ("Training steps, all", 2)
    ]


def test_json_appends_a_record_a_benchmark(run, tmp_path):
    path = tmp_path / "measured.jsonl"
    row = Row("resnet50", "14 img/s", "11 img/s", Ratio([1.3, 1.2, 1.4]), 1.25, "5 % of the peak")
    for _ in range(2):
        assert run(shows(row), "--json", path)[0] == 0
    first, second = map(json.loads, path.read_text().splitlines())
    assert (
        first
        == second
        == {
            "benchmark": "steps",
            "quick": False,
            "seconds": 0,
            "machine": {
                "kind": "avx2-2-cores",
                "cpu": "AMD EPYC 7B13",
                "instructions": "AVX2",
                "cores": 2,
                "memory_gib": 23.4,
                "accelerators": [],
                "versions": {"TensorFlow": "2.21.0", "Keras": "3.15.1"},
                "commit": "22555b7f00d+",
                "date": "2026-11-26",
            },
            "tables": [
                {
                    "title": "A training step",
                    "other": "stock Keras",
                    "rows": [
                        {
                            "what": "resnet50",
                            "ours": "14 img/s",
                            "other": "11 img/s",
                            "ratio": 1.3,
                            "lowest": 1.2,
                            "highest": 1.4,
                            "target": 1.25,
                            "missed": False,
                            "note": "5 % of the peak",
                        }
                    ],
                }
            ],
        }
    )


def test_publishing_replaces_the_record_of_the_same_benchmark_and_kind(run, tmp_path):
    path = tmp_path / "results" / "avx2-2-cores.json"
    path.parent.mkdir()
    path.write_text(json.dumps([{"benchmark": "serving"}, {"benchmark": "steps", "tables": "of last year"}]))
    assert run(shows(Row("a", "1", "2", 2.0)), "--publish")[0] == 0
    serving, steps = json.loads(path.read_text())
    assert serving == {"benchmark": "serving"}
    assert steps["tables"][0]["rows"] == [{"what": "a", "ours": "1", "other": "2", "ratio": 2.0}]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["stepz"], "unknown benchmark 'stepz'; did you mean 'steps'?"),
        (["--quik"], "unrecognized arguments: --quik; did you mean '--quick'?"),
        (["--quick", "--publish"], "--publish takes whole measurements; leave --quick and --check out"),
    ],
)
def test_mistakes_are_status_2(arguments, message, capsys):
    with pytest.raises(SystemExit) as stop:
        runner.main(arguments)
    assert stop.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1] == f"python -m benchmarks: error: {message}"


def test_a_file_that_cannot_be_written_is_reported_before_anything_is_measured(run, tmp_path, capsys):
    path = tmp_path / "missing" / "measured.jsonl"
    with pytest.raises(SystemExit) as stop:
        run(pytest.fail, "--json", path)
    assert stop.value.code == 2
    assert capsys.readouterr().err == f"{path}: cannot be written: No such file or directory\n"


def test_every_benchmark_is_listed_with_what_it_measures(capsys):
    assert runner.main(["--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(runner.NAMES)
    assert all(len(line) > 40 for line in lines)
    having_run = {path.stem for path in ROOT.glob("benchmarks/*.py") if "\ndef run() -> None:" in path.read_text()}
    assert having_run == set(runner.NAMES)


def test_listing_starts_without_tensorflow():
    code = "import sys, benchmarks.__main__ as m; m.main(['--list']); sys.exit('tensorflow' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, capture_output=True)


@pytest.mark.parametrize(
    ("instructions", "accelerators", "kind", "words"),
    [
        ("AVX2", (), "avx2-2-cores", "AVX2"),
        ("AVX512_CORE_AMX", (), "avx512-amx-2-cores", "AVX-512 AMX"),
        ("AVX512_CORE_BF16", (), "avx512-bf16-2-cores", "AVX-512 BF16"),
        ("AVX512_CORE", ("NVIDIA H100 80GB HBM3",), "nvidia-h100-80gb-hbm3-2-cores", "AVX-512"),
        ("none", (), "none-2-cores", "none"),
    ],
)
def test_a_kind_is_named_after_what_computes(instructions, accelerators, kind, words):
    fields = {**vars(MACHINE), "instructions": instructions, "accelerators": accelerators}
    assert Machine(**fields).kind == kind
    assert isa_in_words(instructions) == words


def test_rounds_end_when_they_agree(monkeypatch):
    monkeypatch.setenv(measure.QUICK, "0")
    assert rounds_of([1.0] * 20, [2.0] * 20, most=10) == (3, 2.0)
    # The middle half of 1.8, 2.0 and 2.2 is a tenth wide; that of the first five is 0.0 wide.
    assert rounds_of([1.0] * 20, [1.8, 2.2, 2.0, 2.0, 2.0, 2.0], most=10) == (5, 2.0)
    assert rounds_of([1.0] * 20, [1.0, 2.0, 3.0, 4.0, 5.0], most=5) == (5, 3.0)
    assert rounds_of([1.0] * 20, [1.0, 2.0], most=2) == (2, 1.5)
    monkeypatch.setenv(measure.QUICK, "1")
    assert rounds_of([1.0] * 20, [1.0, 2.0, 3.0, 4.0, 5.0], most=5) == (3, 2.0)


def rounds_of(ours, other, most):
    """The number of rounds measured, and their median ratio, of functions that take these seconds one after another."""
    with pytest.MonkeyPatch.context() as patch:
        taken = [iter(ours), iter(other)]
        patch.setattr(measure, "seconds", lambda function: next(taken[function()]))
        counted = [0]

        def count():
            counted[0] += 1
            return 0

        _, _, ratio = in_turn(count, lambda: 1, rounds=most, warm_up=0)
    return counted[0], ratio

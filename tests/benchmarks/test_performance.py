"""`docs/performance.md` is current, shows machines side by side, and keeps what is written by hand."""

import json
import subprocess
import sys

import pytest

from benchmarks.__main__ import about
from benchmarks.machine import machine_of
from benchmarks.performance import BEGIN, END, all_results, page
from benchmarks.records import RESULTS
from tests.processes import ROOT

PAGE = ROOT / "docs" / "performance.md"
AVX2 = {
    "kind": "avx2-2-cores",
    "cpu": "AMD EPYC",
    "instructions": "AVX2",
    "cores": 2,
    "memory_gib": 23.4,
    "accelerators": [],
    "versions": {"TensorFlow": "2.21.0"},
    "commit": "0123456789",
    "date": "2026-11-26",
}
H100 = {**AVX2, "kind": "h100-16-cores", "accelerators": ["H100"], "cores": 16, "memory_gib": None, "commit": None}
ROW = {"what": "resnet50", "ours": "14 img/s", "other": "11 img/s", "ratio": 1.27}


def result(machine, rows, **fields):
    table = {"title": "A training step", "other": "stock Keras", "rows": rows}
    return {"benchmark": "steps", "machine": machine, "tables": [table], **fields}


def test_the_page_is_current():
    text = PAGE.read_text(encoding="utf-8")
    assert page(text, all_results()) == text, "make performance"


def test_machines_stand_side_by_side_and_the_rest_is_kept():
    rows = [ROW, {"what": "vgg", "ours": "4 img/s", "other": "4 img/s", "note": "emulated"}]
    spread = {"lowest": 1.9, "highest": 2.15, "target": 2.5, "missed": True, "note": "8 % of the peak"}
    fast = [ROW | {"ratio": 2.0} | spread]
    text = f"by hand, above\n{BEGIN}\nold\n{END}\nby hand, below\n"
    assert page(text, [[result(AVX2, rows)], [result(H100, fast, note="Taken by hand.")]]) == (
        f"by hand, above\n{BEGIN}\n"
        "\n"
        "- AMD EPYC, oneDNN with AVX2, 2 cores, 23 GiB, TensorFlow 2.21.0, commit 0123456, 2026-11-26: `steps`\n"
        "- AMD EPYC, H100, oneDNN with AVX2, 16 cores, TensorFlow 2.21.0, 2026-11-26: `steps`\n"
        "\n"
        "### steps\n"
        "\n"
        f"{about('steps')}\n"
        "\n"
        "**A training step**\n"
        "\n"
        "| ours, stock Keras | AVX2, 2 cores, 2026-11-26 | H100, 16 cores, 2026-11-26 |\n"
        "|---|---|---|\n"
        "| resnet50 | **1.27x** (14 img/s, 11 img/s)"
        " | **2.00x**, below 2.5x (14 img/s, 11 img/s; 1.90 to 2.15; 8 % of the peak) |\n"
        "| vgg | 4 img/s, 4 img/s; emulated |  |\n"
        "\n"
        "H100, 16 cores, 2026-11-26: Taken by hand.\n"
        f"\n{END}\nby hand, below\n"
    )


@pytest.mark.parametrize("text", ["", BEGIN, f"{END}\n{BEGIN}", f"{BEGIN}{END}{BEGIN}"])
def test_a_page_without_its_markers_is_refused(text, tmp_path):
    path = tmp_path / "page.md"
    path.write_text(text)
    ended = subprocess.run(
        [sys.executable, "-m", "benchmarks.performance", path], cwd=ROOT, capture_output=True, text=True
    )
    assert ended.returncode == 2
    assert ended.stderr.splitlines()[-1].endswith(f"{path}: expected the lines {BEGIN} and {END}, once each")
    assert path.read_text() == text


def test_the_check_says_what_to_run(tmp_path):
    path = tmp_path / "page.md"
    path.write_text(f"{BEGIN}\n{END}\n")
    command = [sys.executable, "-m", "benchmarks.performance", "--check", path]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 1
    assert ended.stderr == f"{path} is out of date; run: python -m benchmarks.performance {path}\n"


@pytest.mark.parametrize("path", sorted(RESULTS.glob("*.json")), ids=lambda path: path.stem)
def test_a_file_of_results_holds_whole_measurements_of_one_kind_of_machine(path):
    records = json.loads(path.read_text(encoding="utf-8"))
    assert {record["machine"]["kind"] for record in records} == {path.stem}
    assert {machine_of(record["machine"]).kind for record in records} == {path.stem}
    assert not any(record.get("quick") for record in records)
    names = [record["benchmark"] for record in records]
    assert names == sorted(set(names))

"""What the report says of a file for bfloat16, by the CPU and the times."""

import numpy as np
import pytest

from builder.exports import report
from builder.exports.formats import FORMATS, Calibration
from builder.exports.parity import Result, Sample
from builder.pictures.forms import Pictures
from builder.runs.run import open_run
from builder.system import cpu

PICTURES = Pictures(np.zeros((2, 1, 1, 1), np.uint8), np.zeros(2, np.int64), [], [])
SAMPLE = Sample(PICTURES, "pictures", np.full((2, 2), 0.5, np.float32), (1.0, 2.0), 1000)
WITHOUT = (
    "\nsaved_model-bfloat16: this CPU has no instructions for bfloat16 (AVX-512 BF16 or AMX), so\n"
    "TensorFlow emulates them, and its times say nothing about CPUs that have them"
)
SLOWER = "; on\nCPUs such as this one it is slower than saved_model\n"


def table(**milliseconds):
    names = {name.replace("bfloat16", "saved_model-bfloat16"): times for name, times in milliseconds.items()}
    results = [Result(name, FORMATS[name], 1, 0.0, 1.0, 1.0, times) for name, times in names.items()]
    return report.table(results, SAMPLE, Calibration(PICTURES.evaluated, "", ""))


@pytest.mark.parametrize(
    ("milliseconds", "end"),
    [
        ({"bfloat16": (1.0, 8.0)}, SLOWER),
        ({"saved_model": (0.9, 7.0), "bfloat16": (1.0, 8.0)}, SLOWER),
        ({"saved_model": (1.1, 7.0), "bfloat16": (1.0, 8.0)}, SLOWER),
        ({"saved_model": (1.1, 9.0), "bfloat16": (1.0, 8.0)}, "\n"),
    ],
    ids=["alone", "slower", "slower with eight", "measured to be faster"],
)
def test_a_cpu_without_bfloat16_is_slower_with_it_unless_measured_otherwise(milliseconds, end, monkeypatch):
    monkeypatch.setattr(cpu, "computes_bfloat16", lambda: False)
    assert table(**milliseconds).endswith(WITHOUT + end)


def test_nothing_is_said_of_it_on_a_cpu_with_instructions_for_it(monkeypatch):
    monkeypatch.setattr(cpu, "computes_bfloat16", lambda: True)
    assert "instructions" not in table(bfloat16=(1.0, 8.0))


def test_the_report_of_an_export_says_so_too(run_dir, monkeypatch):
    """So that the model card does: its times would mislead whoever has a CPU with bfloat16."""
    monkeypatch.setattr(cpu, "computes_bfloat16", lambda: False)
    result = Result("saved_model-bfloat16", FORMATS["saved_model-bfloat16"], 1, 0.0, 1.0, 1.0, (1.0, 8.0), note="slow")
    subject = report.Subject("some", (), {}, ("a",))
    (one,) = report.to_json(open_run(run_dir), subject, [result], SAMPLE, Calibration(PICTURES.evaluated, "", ""))[
        "formats"
    ]
    assert one["note"] == f"slow; {' '.join((WITHOUT + SLOWER).split()[1:])}"

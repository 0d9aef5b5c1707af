"""`precision: float32_fast`: what the process is told, and where that is too late."""

import os

import pytest
import tensorflow as tf

import archspec
from archspec.errors import SpecError
from builder.network.model import build
from builder.training import fast_math
from builder.training.fast_math import VARIABLE, set_arithmetic, without_effect
from tests.small import written


@pytest.fixture
def asked(tmp_path, monkeypatch):
    """Sets the arithmetic for a precision, on a CPU with or without bfloat16, before or after other computations;
    returns what TensorFlow would read."""
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [])

    def asked(precision, has_bfloat16=True, has_computed=False, variable=None):
        monkeypatch.setattr(fast_math, "computes_bfloat16", lambda: has_bfloat16)
        monkeypatch.setattr(fast_math, "_has_computed", lambda: has_computed)
        monkeypatch.delenv(VARIABLE, raising=False)
        if variable:
            monkeypatch.setenv(VARIABLE, variable)
        set_arithmetic(archspec.load(written(tmp_path / "small.yaml", precision=precision)))
        return os.environ.get(VARIABLE)

    return asked


def test_a_process_is_told_before_it_computes(asked):
    assert asked("float32_fast") == "BF16"
    assert asked("float32_fast", has_computed=True, variable="BF16") == "BF16"
    for precision in ("float32", "mixed_bfloat16"):
        assert asked(precision, has_computed=True) is None


def test_a_cpu_without_bfloat16_computes_both_alike_and_says_so(asked, monkeypatch):
    assert asked("float32_fast", has_bfloat16=False, has_computed=True) is None
    assert asked("float32", has_bfloat16=False, variable="BF16") == "BF16"
    assert without_effect("float32_fast") == (
        "precision: float32_fast changes nothing on this CPU, for which oneDNN has no instructions for bfloat16; the "
        "run computes in float32"
    )
    assert without_effect("float32") is None
    monkeypatch.setattr(fast_math, "computes_bfloat16", lambda: True)
    assert without_effect("float32_fast") is None


def test_it_is_refused_where_it_is_too_late(asked):
    with pytest.raises(SpecError) as late:
        asked("float32_fast", has_computed=True)
    assert (
        "train.precision: TensorFlow has computed in this process before, and reads once whether float32 may be fast; "
        "start the process with TF_SET_ONEDNN_FPMATH_MODE=BF16 in its environment, or train in a process of its own, "
        "as tools/train.py does"
    ) in str(late.value)


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16"])
def test_the_fast_arithmetic_is_refused_for_other_precisions(precision, asked):
    with pytest.raises(SpecError) as fast:
        asked(precision, variable="BF16")
    assert (
        "train.precision: this process computes float32 in bfloat16, as TF_SET_ONEDNN_FPMATH_MODE=BF16 or an earlier "
        "training with precision: float32_fast has set it; train in a process of its own without that variable, or "
        "with precision: float32_fast"
    ) in str(fast.value)


def test_a_process_that_has_computed_is_recognised():
    tf.constant(1.0)
    assert fast_math._has_computed()


def test_the_network_is_that_of_float32(tmp_path):
    network = build(written(tmp_path / "small.yaml"), precision="float32_fast")
    assert {layer.dtype_policy.name for layer in network.layers} == {"float32"}

"""The instruction set that oneDNN uses: worked out from the CPU's flags, and as oneDNN itself reports it."""

import os
import platform
import re
import subprocess
import sys

import pytest

from builder.system import cpu

HASWELL = {"sse4_1", "avx", "avx2", "fma", "f16c"}
SKYLAKE = HASWELL | {"avx512f", "avx512bw", "avx512vl", "avx512dq"}
SAPPHIRE_RAPIDS = SKYLAKE | {
    "avx512_vnni",
    "avx512_bf16",
    "avx512_fp16",
    "avx_vnni",
    "amx_tile",
    "amx_int8",
    "amx_bf16",
}
GENOA = SKYLAKE | {"avx512_vnni", "avx512_bf16"}
ALDER_LAKE = HASWELL | {"avx_vnni"}


@pytest.mark.parametrize(
    ("flags", "limit", "name"),
    [
        (set(), None, None),
        ({"sse4_1"}, None, "SSE41"),
        (HASWELL, None, "AVX2"),
        (ALDER_LAKE, None, "AVX2_VNNI"),
        (SKYLAKE, None, "AVX512_CORE"),
        (GENOA, None, "AVX512_CORE_BF16"),
        (SAPPHIRE_RAPIDS, None, "AVX512_CORE_AMX"),
        (SAPPHIRE_RAPIDS | {"amx_fp16"}, None, "AVX512_CORE_AMX_FP16"),
        (SAPPHIRE_RAPIDS - {"amx_bf16"}, None, "AVX512_CORE_FP16"),  # a virtual machine may hide some
        (SAPPHIRE_RAPIDS, "avx512_core_bf16", "AVX512_CORE_BF16"),
        (GENOA, "AVX512_CORE_AMX", "AVX512_CORE_BF16"),
        (HASWELL, "ALL", "AVX2"),
    ],
)
def test_the_best_instruction_set_of_a_cpu(flags, limit, name):
    assert cpu.best_instruction_set(flags, limit) == name


def test_without_onednn_there_is_none(monkeypatch):
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    assert cpu.instruction_set() is None


def reported(limit=""):
    """What oneDNN prints as the instruction set it uses, if it may use no better than `limit`."""
    code = (
        "import builder, tensorflow as tf\n"
        "x, kernel = tf.ones((1, 8, 8, 8)), tf.ones((3, 3, 8, 8))\n"
        "tf.function(lambda: tf.nn.conv2d(x, kernel, 1, 'SAME'))()"
    )
    environment = {**os.environ, "TF_ENABLE_ONEDNN_OPTS": "1", "ONEDNN_VERBOSE": "1", "ONEDNN_MAX_CPU_ISA": limit}
    result = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    found = re.search("info,cpu,isa:(.*)", result.stdout)
    assert found, result.stdout
    return found[1]


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="oneDNN is for x86")
def test_onednn_uses_the_instruction_set_that_is_named(monkeypatch):
    """Limited to it, oneDNN uses what it uses without a limit; limited to what it is built on, it does not."""
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "1")
    name = cpu.instruction_set()
    assert name is not None
    names = list(cpu.INSTRUCTION_SETS)
    lesser = cpu.BASES.get(name) or names[names.index(name) - 1]
    best = reported()
    assert reported(name) == best
    assert reported(lesser) != best

"""The CPU: its cores, and the instruction set that oneDNN, and so TensorFlow, computes with on it."""

from __future__ import annotations

import os
import platform
from collections.abc import Collection, Mapping
from pathlib import Path

from archspec.wording import counted

INSTRUCTION_SETS: Mapping[str, tuple[str, ...]] = {
    "SSE41": ("sse4_1",),
    "AVX": ("avx",),
    "AVX2": ("avx2",),
    "AVX2_VNNI": ("avx_vnni",),
    "AVX2_VNNI_2": ("avx_vnni_int8", "avx_ne_convert"),
    "AVX512_CORE": ("avx512f", "avx512bw", "avx512vl", "avx512dq"),
    "AVX512_CORE_VNNI": ("avx512_vnni",),
    "AVX512_CORE_BF16": ("avx512_bf16",),
    "AVX512_CORE_FP16": ("avx512_fp16", "avx_vnni"),
    "AVX512_CORE_AMX": ("amx_tile", "amx_int8", "amx_bf16"),
    "AVX512_CORE_AMX_FP16": ("amx_fp16",),
}
"""The instruction sets by oneDNN's names, which its variable ONEDNN_MAX_CPU_ISA takes, from the smallest to the
largest, with the flags of /proc/cpuinfo that each needs besides those of the sets that it includes."""
BASES = {"AVX512_CORE": "AVX2", "AVX512_CORE_VNNI": "AVX512_CORE"}
"""Sets that do not include the one before them in the list, and the one that they include instead."""
FIRST_BFLOAT16 = "AVX512_CORE_BF16"
"""The smallest set in which oneDNN computes convolutions of bfloat16 for TensorFlow."""


def description() -> str:
    """The CPU's model, its instruction set as oneDNN names it, and how many cores this process may use."""
    model = _first("model name") or platform.processor() or platform.machine()
    return ", ".join(filter(None, [model, instruction_set(), counted(cores(), "core")]))


def computes_bfloat16() -> bool:
    """Whether this CPU has instructions for bfloat16 that TensorFlow uses through oneDNN."""
    names, found = list(INSTRUCTION_SETS), instruction_set()
    return found is not None and names.index(found) >= names.index(FIRST_BFLOAT16)


def computes_int8() -> bool:
    """Whether this CPU has instructions that sum products of int8 (VNNI), without which int8 is no faster than
    float32."""
    return any(_has(name, _flags()) for name in ("AVX2_VNNI", "AVX512_CORE_VNNI"))


def instruction_set() -> str | None:
    """The name of the instruction set that oneDNN uses here, such as "AVX2" or "AVX512_CORE_AMX".

    The results of a training differ between instruction sets in their last digits. None where TensorFlow does not use
    oneDNN (`TF_ENABLE_ONEDNN_OPTS=0`), and where the CPU's flags cannot be read (other systems than Linux on x86).
    """
    if os.environ.get("TF_ENABLE_ONEDNN_OPTS") == "0":
        return None
    limit = os.environ.get("ONEDNN_MAX_CPU_ISA") or os.environ.get("DNNL_MAX_CPU_ISA")
    return best_instruction_set(_flags(), limit)


def best_instruction_set(flags: Collection[str], limit: str | None = None) -> str | None:
    """The largest set of a CPU with these flags, no larger than `limit` if that names one (in upper or lower case)."""
    names = list(INSTRUCTION_SETS)
    allowed = names[: names.index(limit.upper()) + 1] if limit and limit.upper() in names else names
    return next((name for name in reversed(allowed) if _has(name, flags)), None)


def _has(name: str, flags: Collection[str]) -> bool:
    names = list(INSTRUCTION_SETS)
    index = names.index(name)
    base = BASES.get(name) or (names[index - 1] if index else None)
    return all(flag in flags for flag in INSTRUCTION_SETS[name]) and (base is None or _has(base, flags))


def _flags() -> frozenset[str]:
    """The CPU's flags as Linux lists them; none on other systems."""
    return frozenset(_first("flags").split())


def _first(field: str) -> str:
    """The first value of a field of /proc/cpuinfo; empty where there is none, as on other systems than Linux."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.partition(":")[0].strip() == field), "")


def cores() -> int:
    """The number of CPU cores that this process may use, which may be fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def parallel_calls() -> int:
    """The number of elements that a map of tf.data works on at once: two for each core, so that no core waits for the
    oldest element, as elements are passed on in order.

    tf.data's own choice, AUTOTUNE, settles on a single call in some runs, by chance, and then leaves all cores but one
    idle (TensorFlow 2.21 on two cores: 1,000 pictures a second instead of 1,800).
    """
    return 2 * cores()

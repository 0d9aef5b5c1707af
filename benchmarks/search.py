"""Checking candidates of a search against a budget, compared with reading each candidate as a spec of its own."""

from __future__ import annotations

import dataclasses
import random
import time
from collections.abc import Callable

import archspec
from archspec.candidates.check import Checker
from archspec.search import Candidate
from benchmarks.measure import Row, quick, show

COUNT = 2_000 if quick() else 10_000
READ = 200
ALLOWED = 15 * COUNT / 10_000
"""The seconds of one core that the candidates may take."""
BY_STAGE = {
    "params": {"classes": 10, "d0": 3, "d1": 3, "d2": 3, "w0": 16, "w1": 32, "w2": 64},
    "model.layers[1].stages": {
        "block": "basic",
        "depths": [f"${{d{stage}}}" for stage in range(3)],
        "widths": [f"${{w{stage}}}" for stage in range(3)],
    },
    "model.layers[0].conv.filters": "${w0}",
    "search.space": {
        **{f"d{stage}": {"int": [1, 9]} for stage in range(3)},
        **{f"w{stage}": {"int": [8 << stage, 32 << stage]} for stage in range(3)},
    },
}
"""A CIFAR ResNet whose stages vary separately in depth and width: ten million networks, hardly any is drawn twice."""


def run() -> None:
    rows = [
        *_rows("digits: depth and width", archspec.load("specs/digits.yaml")),
        *_rows("CIFAR ResNet: depth, width, rate", archspec.load("specs/resnet20_cifar.yaml")),
        *_rows("CIFAR ResNet: by stage", archspec.load("specs/resnet20_cifar.yaml", BY_STAGE)),
    ]
    show(f"{COUNT:,} candidates against a budget, seconds of one core", rows, "reading each")


def _rows(what: str, spec: archspec.Spec) -> list[Row]:
    checker = Checker(spec)
    rng = random.Random(0)
    candidates = [checker.search.space.sample(rng) for _ in range(COUNT)]
    taken = _cpu_seconds(lambda: [checker.check(candidate) for candidate in candidates])
    plain = dataclasses.replace(spec, tree=checker.networks.base.tree)
    read = _cpu_seconds(lambda: [_read(plain, candidate) for candidate in candidates[:READ]]) * COUNT / READ
    different = len({checker.networks.network_key(candidate) for candidate in candidates})
    return [
        Row(what, f"{taken:.1f} s", f"{read:.1f} s", read / taken, note=f"{different:,} networks"),
        Row(f"{what}, the time allowed", f"{taken:.1f} s", f"{ALLOWED:g} s", ALLOWED / taken, 1.0),
    ]


def _cpu_seconds(work: Callable[[], object]) -> float:
    """Measures processor time, on which other processes of the machine have little effect."""
    start = time.process_time()
    work()
    return time.process_time() - start


def _read(spec: archspec.Spec, candidate: Candidate) -> archspec.Analysis:
    return archspec.analyse(spec.with_values(candidate.values))

"""Every shipped network: a training step in the fast lowering against one in the portable lowering, stock layers in the
same process.

Networks for large pictures are measured on two smaller ones, so that all of them fit in some minutes, and networks for
small pictures on a batch of about as many pixels: on two of 8x8, what is measured is how threads are woken. A network
is to be no slower than 0.95 times, which is what two measurements of the same step differ by.
"""

from __future__ import annotations

import gc
import math
import statistics
from collections.abc import Callable, Iterator
from pathlib import Path

import keras

import archspec
from archspec import Spec
from benchmarks.measure import Ratio, Row, decided, quick, seconds, show
from benchmarks.steps import HALF, NETWORKS, SPECS, WHOLE, train_step

BATCH, SIDE = 2, 64
MOST_PICTURES = 64
TARGET = 0.95
ROUNDS, MORE_ROUNDS = 5, 20
"""A network that misses the target is measured again, in more rounds. It is called slow only where that can hardly be
chance."""
SHORTEST = 0.1
"""Seconds that a measurement lasts at least: the steps of small networks are repeated."""
MOST_NODES = 200
"""Deeper networks take minutes to trace, and repeat the blocks of others of their family."""
FEW = ("alexnet_two_tower", "digits", "resnet18", "resnext50_32x4d", "squeezenet1_0", "vgg_a")
"""The networks of `--quick`."""


def run() -> None:
    rows = [row for precision in (WHOLE, HALF) for row in walked(precision)]
    show("A training step in the fast lowering", rows, "portable")
    ratios = {row.what: row.ratio for row in rows if row.ratio is not None}
    worst = min(ratios, key=lambda what: ratios[what])
    print(
        f"\n{len(rows)} networks: median {statistics.median(ratios.values()):.2f}x, worst {worst}: {ratios[worst]:.2f}x"
    )


def walked(precision: str) -> Iterator[Row]:
    for path in sorted([*SPECS.glob("*.yaml"), *NETWORKS.glob("*.yaml")]):
        if quick() and path.stem not in FEW:
            continue
        spec = small(path)
        if len(spec.graph.nodes) > MOST_NODES:
            print(f"{path.stem} is left out: its {len(spec.graph.nodes)} layers take minutes to trace", flush=True)
            continue
        row = compared(
            f"{path.stem}, {spec.graph.input.shape[0]}x{spec.graph.input.shape[1]}, {precision}", spec, precision
        )
        print("  ".join(row.cells()), flush=True)
        yield row
        keras.backend.clear_session()
        gc.collect()


def small(path: Path) -> Spec:
    """A network of the spec, for pictures of at most `SIDE` pixels a side."""
    spec = archspec.load(path)
    height, width, channels = spec.graph.input.shape
    if max(height, width) <= SIDE:
        return spec
    return archspec.load(path, {"model.input": [SIDE, SIDE, channels]})


def compared(what: str, spec: Spec, precision: str) -> Row:
    batch = min(MOST_PICTURES, BATCH * SIDE**2 // math.prod(spec.graph.input.shape[:2]))
    fast, portable = (train_step(spec, lowering, precision, batch) for lowering in ("fast", "portable"))
    for _ in range(2):
        portable()
        fast()
    steps = max(1, round(SHORTEST / seconds(fast)))

    def took(step: Callable[[], object]) -> float:
        return seconds(lambda: [step() for _ in range(steps)]) / steps

    pairs: list[tuple[float, float]] = []
    for rounds in (ROUNDS, MORE_ROUNDS):
        pairs += [(took(fast), took(portable)) for _ in range(rounds)]
        ratio = Ratio([b / a for a, b in pairs])
        if ratio >= TARGET:
            break
    ours, other = (f"{statistics.median(taken) * 1e3:.1f} ms" for taken in zip(*pairs, strict=True))
    return Row(what, ours, other, ratio, *decided(ratio, TARGET))

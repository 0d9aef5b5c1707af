"""Every shipped network: a training step in the fast lowering against one in the portable lowering, stock layers in the
same process.

Networks for large pictures are measured on two smaller ones, so that all of them fit in some minutes, and networks for
small pictures on a batch of about as many pixels: on two of 8x8, what is measured is how threads are woken. A network
is to be no slower than 0.95 times, which is what two measurements of the same step differ by.
"""

from __future__ import annotations

import multiprocessing
import statistics
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import archspec
from archspec import Spec
from benchmarks.measure import Ratio, Row, decided, quick, seconds, show
from benchmarks.steps import HALF, NETWORKS, SPECS, WHOLE, train_step

BATCH, SIDE = 2, 64
MOST_PICTURES = 64
"""The largest batch of small pictures."""
TARGET = 0.95
ROUNDS = ((2, 2.0), (3, TARGET), (20, TARGET))
"""Rounds, and the ratio that ends the measurement after them. A network that misses the target is measured in more
rounds, and is called slow only where that can hardly be chance."""
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
    # Each network in a process of its own, as TensorFlow never frees the weights that a compiled step refers to: 25 GB
    # for all of them. The processes are forked from one that has imported TensorFlow and not used it.
    forkserver = multiprocessing.get_context("forkserver")
    forkserver.set_forkserver_preload(["benchmarks.imported", __name__])
    with ProcessPoolExecutor(1, forkserver, max_tasks_per_child=1) as processes:
        for path in sorted([*SPECS.glob("*.yaml"), *NETWORKS.glob("*.yaml")]):
            if quick() and path.stem not in FEW:
                continue
            nodes = len(small(path).graph.nodes)
            if nodes > MOST_NODES:
                print(f"{path.stem} is left out: its {nodes} layers take minutes to trace", flush=True)
                continue
            row = judged(*processes.submit(compared, path, precision).result())
            print("  ".join(row.cells()), flush=True)
            yield row


def small(path: Path) -> Spec:
    """A network of the spec, for pictures of at most `SIDE` pixels a side."""
    spec = archspec.load(path)
    height, width, channels = spec.graph.input.shape
    if max(height, width) <= SIDE:
        return spec
    return archspec.load(path, {"model.input": [SIDE, SIDE, channels]})


def compared(path: Path, precision: str) -> tuple[str, list[tuple[float, float]]]:
    """What is measured, and the seconds of a step in the fast and in the portable lowering, round by round."""
    spec = small(path)
    height, width, _ = spec.graph.input.shape
    batch = min(MOST_PICTURES, BATCH * SIDE**2 // (height * width))
    fast, portable = (train_step(spec, lowering, precision, batch) for lowering in ("fast", "portable"))
    for _ in range(2):
        portable()
        fast()
    steps = max(1, round(SHORTEST / seconds(fast)))

    def took(step: Callable[[], object]) -> float:
        return seconds(lambda: [step() for _ in range(steps)]) / steps

    pairs: list[tuple[float, float]] = []
    for rounds, enough in ROUNDS:
        pairs += [(took(fast), took(portable)) for _ in range(rounds)]
        if Ratio([b / a for a, b in pairs]) >= enough:
            break
    return f"{path.stem}, {height}x{width}, {precision}", pairs


def judged(what: str, pairs: Sequence[tuple[float, float]]) -> Row:
    ratio = Ratio([b / a for a, b in pairs])
    ours, other = (f"{statistics.median(taken) * 1e3:.1f} ms" for taken in zip(*pairs, strict=True))
    return Row(what, ours, other, ratio, *decided(ratio, TARGET))

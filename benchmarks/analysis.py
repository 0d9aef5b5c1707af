"""Analysing a network against building the model and counting its parameters."""

from __future__ import annotations

import functools
import statistics

import archspec
from benchmarks.measure import Row, in_turn, process, seconds, show

COUNT_WITH_KERAS = (
    "import keras; m = keras.applications.ResNet152(weights=None);"
    "print(sum(w.shape.num_elements() for w in m.trainable_weights))"
)

ALLOWED = 0.2
"""The seconds within which a network is seen."""
DRAWN = 0.5
"""The seconds within which it is drawn."""
COMPARED = 0.5
"""The seconds within which two are compared."""


def run() -> None:
    ours, other, ratio = in_turn(
        process("tools/summary.py", "specs/resnet152.yaml"), process("-c", COUNT_WITH_KERAS), rounds=5
    )
    rows = [Row("summary of ResNet-152, whole process", f"{ours:.3f} s", f"{other:.2f} s", ratio, 10.0)]
    show(
        "Seeing a network: tools/summary.py against importing Keras, building and counting", rows, "keras.applications"
    )

    rows = []
    for name in ("resnet20_cifar", "resnet56_cifar", "resnet110_cifar", "resnet1202_cifar"):
        path = f"specs/{name}.yaml"
        nodes = len(archspec.load(path).graph.nodes)
        taken = statistics.median(seconds(functools.partial(_analyse, path)) for _ in range(5))
        rows.append(Row(name, f"{taken * 1000:.1f} ms", f"{nodes} nodes", note=f"{taken / nodes * 1e6:.0f} us a node"))
    show("Reading and analysing by depth, once imported", rows, "size")
    draw = process("tools/draw.py", "resnet152", "-o", "-")
    compare = process("-c", "import archspec; print(archspec.compare('resnet34', 'resnet50'))")
    allowed = [
        ("summary of ResNet-152, whole process", ours, ALLOWED),
        ("drawing of ResNet-152, whole process", statistics.median(seconds(draw) for _ in range(5)), DRAWN),
        ("comparison of two ResNets, whole process", statistics.median(seconds(compare) for _ in range(5)), COMPARED),
        ("ResNet-1202, once imported", taken, ALLOWED),
    ]
    rows = [Row(what, f"{one * 1000:.0f} ms", f"{most * 1000:.0f} ms", most / one, 1.0) for what, one, most in allowed]
    show("Seconds that a look at a network may take", rows, "allowed")


def _analyse(path: str) -> None:
    archspec.analyse(archspec.load(path))

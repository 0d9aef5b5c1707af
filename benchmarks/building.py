"""Building models against keras.applications, and by depth."""

from __future__ import annotations

import functools
import gc
from collections.abc import Callable

import keras

import archspec
import builder
from benchmarks.measure import Row, in_turn, seconds, show

ALLOWED = 8.0
"""The seconds within which ResNet-1202 is built."""
PAIRS = {"resnet50_keras": "ResNet50", "resnet152_keras": "ResNet152", "vgg_d": "VGG16"}


def run() -> None:
    rows = []
    for name, application in PAIRS.items():
        ours, other, ratio = in_turn(
            functools.partial(_discarded, builder.build, f"specs/{name}.yaml"),
            functools.partial(_discarded, getattr(keras.applications, application), weights=None),
            rounds=7,
        )
        rows.append(Row(f"{name} / {application}", f"{ours:.2f} s", f"{other:.2f} s", ratio, 1.0))
    show("Building a model, the spec read again each time", rows, "keras.applications")

    rows = []
    for n in (3, 9, 18, 200):
        spec = archspec.load("specs/resnet20_cifar.yaml", {"n": n})
        layers = len(spec.graph.nodes)
        keras.backend.clear_session()
        taken = seconds(functools.partial(builder.build, spec))
        rows.append(
            Row(f"ResNet-{6 * n + 2}", f"{taken:.2f} s", f"{layers}", note=f"{taken / layers * 1000:.2f} ms a layer")
        )
    show("Building by depth: linear when the time a layer stays", rows, "layers")
    rows = [Row(rows[-1].what, rows[-1].ours, f"{ALLOWED:g} s", ALLOWED / taken, 1.0)]
    show("Seconds that building may take", rows, "allowed")


def _discarded(build: Callable[..., keras.Model], *arguments: object, **options: object) -> None:
    """Builds a model and frees it, so that every round starts from the same state."""
    build(*arguments, **options)
    keras.backend.clear_session()
    gc.collect()

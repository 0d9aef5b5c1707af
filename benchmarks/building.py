"""Building models against keras.applications, and by depth."""

from __future__ import annotations

import functools
import gc
import sys
from collections.abc import Callable
from typing import Any

import keras

import archspec
import builder
from benchmarks.measure import Row, in_turn, quick, seconds, show

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
    for n in (3, 9, 18, 50) if quick() else (3, 9, 18, 200):
        spec = archspec.load("specs/resnet20_cifar.yaml", {"n": n})
        layers = len(spec.graph.nodes)
        keras.backend.clear_session()
        taken = seconds(functools.partial(builder.build, spec))
        rows.append(
            Row(f"ResNet-{6 * n + 2}", f"{taken:.2f} s", f"{layers}", note=f"{taken / layers * 1000:.2f} ms a layer")
        )
    show("Building by depth: linear when the time a layer stays", rows, "layers")

    n = 50 if quick() else 200
    ours, other, ratio = in_turn(
        functools.partial(_discarded, builder.build, archspec.load("specs/resnet20_cifar.yaml", {"n": n})),
        functools.partial(_discarded, plain_keras, n),
        rounds=3,
        warm_up=0,
    )
    rows = [Row(f"ResNet-{6 * n + 2}", f"{ours:.2f} s", f"{other:.2f} s", ratio, 1.3)]
    show("Building a deep network, layer by layer", rows, "Keras alone")


def plain_keras(n: int) -> keras.Model:
    """The ResNet of 6n + 2 layers for CIFAR-10 (arXiv:1512.03385, section 4.2) as one writes it with Keras alone."""
    layers = keras.layers

    def conv(x: Any, filters: int, stride: int = 1) -> Any:
        x = layers.Conv2D(filters, 3, stride, "same", use_bias=False, kernel_initializer="he_normal")(x)
        return layers.BatchNormalization()(x)

    sys.setrecursionlimit(20_000)  # Keras walks a model with a nested call for each layer
    picture = keras.Input((32, 32, 3))
    x = layers.Activation("relu")(conv(picture, 16))
    for stage in range(3):
        for block in range(n):
            filters, is_narrower = 16 << stage, stage > 0 and block == 0
            y = layers.Activation("relu")(conv(x, filters, 2 if is_narrower else 1))
            if is_narrower:
                x = layers.ZeroPadding2D(((0, 0), (0, filters // 2)), data_format="channels_first")(x[:, ::2, ::2])
            x = layers.Activation("relu")(layers.Add()([x, conv(y, filters)]))
    return keras.Model(picture, layers.Dense(10)(layers.GlobalAveragePooling2D()(x)))


def _discarded(build: Callable[..., keras.Model], *arguments: object, **options: object) -> None:
    """Builds a model and frees it, so that every round starts from the same state."""
    build(*arguments, **options)
    keras.backend.clear_session()
    gc.collect()

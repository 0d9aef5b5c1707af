"""Training steps of this project against stock Keras layers in a process with TensorFlow's own settings.

The two differ in the lowering, and in oneDNN on CPUs where TensorFlow by itself does not use it.
"""

from __future__ import annotations

import gc
import os
import statistics
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import keras
import numpy as np
import tensorflow as tf

import archspec
import builder
from benchmarks.asked import asked
from benchmarks.measure import Row, in_turn, seconds, show

CASES = [
    ("resnet50", 16, "float32", 1.25),
    ("resnet50", 16, "mixed_bfloat16", 1.7),
    ("alexnet_two_tower", 64, "float32", 4.0),
    ("alexnet_two_tower", 64, "mixed_bfloat16", 5.0),
    ("vgg_d", 8, "float32", 1.0),
    ("vgg_d", 8, "mixed_bfloat16", 1.0),
]


def run() -> None:
    rates = {"float32": matrix_rate("float32"), "mixed_bfloat16": matrix_rate("bfloat16")}
    rows = []
    for name, batch, precision, target in CASES:
        spec = archspec.load(f"specs/{name}.yaml")
        with stock_step(name, batch, precision) as stock:
            fast = train_step(spec, "fast", precision, batch)
            ours, other, ratio = in_turn(fast, stock, rounds=5, warm_up=2)
        work = 3 * 2 * archspec.analyse(spec).macs * batch  # the forward pass, and twice as much backward
        share = work / ours / rates[precision]
        row = Row(
            f"{name}, batch {batch}, {precision}",
            f"{batch / ours:.1f} img/s",
            f"{batch / other:.1f} img/s",
            ratio,
            target,
            f"{share:.0%} of the matrix product rate",
        )
        rows.append(row)
        show("A training step", [row], "stock Keras")
        keras.backend.clear_session()
        gc.collect()
    show("Training steps, all", rows, "stock Keras")
    print("\nMatrix product: " + ", ".join(f"{rate / 1e9:.0f} GFLOP/s in {kind}" for kind, rate in rates.items()))


@contextmanager
def stock_step(name: str, batch: int, precision: str) -> Iterator[Callable[[], object]]:
    """Yields the step in stock layers, as it runs with a plain installation of TensorFlow and Keras."""
    # That process imports `builder` after TensorFlow, which by then has read its settings.
    environment = {key: value for key, value in os.environ.items() if key != "TF_ENABLE_ONEDNN_OPTS"}
    with asked(sys.executable, "-m", "benchmarks.steps", name, batch, precision, env=environment) as step:
        assert step is not None
        yield step


def train_step(spec: archspec.Spec, lowering: str, precision: str, batch: int) -> Callable[[], object]:
    """Compiles a step on random pictures: forward, backward and SGD with momentum, without XLA."""
    model = builder.build(spec, lowering=lowering, precision=precision)  # type: ignore[arg-type]
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.01, momentum=0.9), loss, jit_compile=False)
    generator = np.random.default_rng(0)
    pictures = tf.constant(generator.normal(size=(batch, *spec.graph.input.shape)), tf.float32)
    labels = tf.constant(generator.integers(0, spec.graph.output.shape[0], batch))
    return lambda: model.train_on_batch(pictures, labels)


def matrix_rate(dtype: str, size: int = 4096) -> float:
    """Measures the floating-point operations per second of a square matrix product."""
    a = tf.cast(tf.random.normal((size, size)), dtype)
    product = tf.function(lambda: tf.reduce_sum(tf.cast(tf.matmul(a, a)[0], tf.float32)))
    product()
    return 2 * size**3 / statistics.median(seconds(lambda: product().numpy()) for _ in range(5))


def main(name: str, batch: str, precision: str) -> None:
    """Takes a step in stock layers for each line on stdin."""
    step = train_step(archspec.load(f"specs/{name}.yaml"), "portable", precision, int(batch))
    print("ready", flush=True)
    for _ in sys.stdin:
        step()
        print("done", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])

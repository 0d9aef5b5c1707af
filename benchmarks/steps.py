"""Training steps of this project against stock Keras layers in a process with TensorFlow's own settings, and against
torchvision's models in PyTorch.

The stock layers differ in the lowering, and in oneDNN on CPUs where TensorFlow by itself does not use it. PyTorch has
its pictures in channels_last, and computes half width by autocast. Half width is measured where the CPU has
instructions for it.
"""

from __future__ import annotations

import gc
import os
import statistics
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

import archspec
import builder
from benchmarks.asked import NO_TORCH, answer, asked, torch_process
from benchmarks.measure import Row, in_turn, quick, seconds, show
from builder.network import choices

SPECS, NETWORKS = Path(__file__).parents[1] / "specs", Path(__file__).parent / "networks"
ROUNDS = 5
HALF, WHOLE = "mixed_bfloat16", "float32"


@dataclass(frozen=True)
class Targets:
    """The ratios to reach in a precision, on a CPU with bfloat16 instructions and on one without; None for none."""

    keras: float = 1.0
    torch: float | None = None


@dataclass(frozen=True)
class Case:
    """A network that is trained for some steps.

    Attributes:
        network: the name of a spec in `specs/` or `benchmarks/networks/`.
        torch: torchvision's name for it; empty where torchvision has no such network.
        plain: the targets in float32 on a CPU without bfloat16 instructions.
        native: the targets on a CPU with them, by precision.
    """

    network: str
    batch: int
    torch: str = ""
    plain: Targets = Targets()
    native: Mapping[str, Targets] = field(default_factory=dict)

    def path(self) -> Path:
        return next(path for folder in (SPECS, NETWORKS) if (path := folder / f"{self.network}.yaml").exists())

    def targets(self, precision: str) -> Targets:
        has_instructions = "bfloat16" in choices.device().half_types
        return self.native.get(precision, Targets()) if has_instructions else self.plain


CASES = (
    Case("resnet50", 16, "resnet50", Targets(1.35, 1.05), {WHOLE: Targets(1.5, 1.7), HALF: Targets(2.4, 1.25)}),
    Case("alexnet_two_tower", 64, "", Targets(4.0), {WHOLE: Targets(4.7), HALF: Targets(9.0)}),
    Case("alexnet", 64, "alexnet", Targets(1.0, 1.1), {WHOLE: Targets(1.0, 1.2), HALF: Targets(1.0, 1.8)}),
    Case("vgg_d", 8, "vgg16", Targets(1.0, 1.1), {WHOLE: Targets(1.0, 1.3), HALF: Targets(1.0, 1.8)}),
    Case("mobilenet_v2", 16, "mobilenet_v2"),
    Case("densenet121", 8, "densenet121"),
    Case("convnext_tiny", 8, "convnext_tiny"),
)


def run() -> None:
    precisions = [WHOLE, HALF] if "bfloat16" in choices.device().half_types else [WHOLE]
    rates = {precision: matrix_rate(precision.removeprefix("mixed_")) for precision in precisions}
    against_keras: list[Row] = []
    against_torch: list[Row] = []
    for case in CASES[:2] if quick() else CASES:
        for precision in precisions:
            one, other = measured(case, precision, rates[precision])
            show("A training step", [one], "stock Keras")
            against_keras.append(one)
            if other is not None:
                show("A training step", [other], "PyTorch")
                against_torch.append(other)
            keras.backend.clear_session()
            gc.collect()
    show("Training steps, all", against_keras, "stock Keras")
    if against_torch:
        show("Training steps against PyTorch, all", against_torch, "PyTorch")
    else:
        print(f"\nPyTorch was not measured: {NO_TORCH}")
    print("\nMatrix product: " + ", ".join(f"{rate / 1e9:.0f} GFLOP/s in {kind}" for kind, rate in rates.items()))
    if HALF not in precisions:
        print("Half width was not measured, as this CPU has no instructions for bfloat16.")


def measured(case: Case, precision: str, rate: float) -> tuple[Row, Row | None]:
    """Compares the steps of a network with stock Keras's and, where it can be, with PyTorch's."""
    spec, what = archspec.load(case.path()), f"{case.network}, batch {case.batch}, {precision}"
    work = 3 * 2 * archspec.analyse(spec).macs * case.batch  # the forward pass, and twice as much backward
    fast = train_step(spec, "fast", precision, case.batch)
    targets = case.targets(precision)

    def row(other: Callable[[], object], target: float | None) -> Row:
        ours, theirs, ratio = in_turn(fast, other, ROUNDS)
        share = f"{work / ours / rate:.0%} of the matrix product rate"
        return Row(what, _rate(case.batch, ours), _rate(case.batch, theirs), ratio, target, share)

    with stock_step(case.path(), case.batch, precision) as stock:
        against_keras = row(stock, targets.keras)
    if not case.torch:
        return against_keras, None
    with torch_process("torch_step.py", case.torch, case.batch, precision) as torch:
        return against_keras, None if torch is None else row(torch, targets.torch)


def _rate(batch: int, taken: float) -> str:
    return f"{batch / taken:.1f} img/s"


@contextmanager
def stock_step(path: Path, batch: int, precision: str) -> Iterator[Callable[[], object]]:
    """Yields the step in stock layers, as it runs with a plain installation of TensorFlow and Keras."""
    # That process imports `builder` after TensorFlow, which by then has read its settings.
    environment = {key: value for key, value in os.environ.items() if key != "TF_ENABLE_ONEDNN_OPTS"}
    with asked(sys.executable, "-m", "benchmarks.steps", path, batch, precision, env=environment) as step:
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


def main(path: str, batch: str, precision: str) -> None:
    """Takes a step in stock layers for each line on stdin."""
    step = train_step(archspec.load(path), "portable", precision, int(batch))
    answer(step)


if __name__ == "__main__":
    main(*sys.argv[1:])

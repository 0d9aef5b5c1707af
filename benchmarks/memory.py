"""Peak memory of a training step: this project's, with and without `train.rematerialize`, against stock Keras layers
and PyTorch, each in a process of its own.

It is the growth of the process's resident memory from the moment when the network and a batch exist: activations,
gradients, the optimizer's averages, and what the framework needs to compute. Linux counts it.
"""

from __future__ import annotations

import contextlib
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

import archspec
import builder
from benchmarks.asked import NO_TORCH, answer
from benchmarks.measure import Row, seconds, show
from benchmarks.steps import train_step
from builder.training import optimizers
from builder.training.recomputation import recomputing
from builder.training.steps import training_steps

CASES = [("resnet50", "resnet50", 16, 2.0), ("vgg_d", "vgg16", 8, None)]
"""The spec, torchvision's name, pictures in a step, and how many times less memory `rematerialize` should take. Of
VGG-16, the weights and their gradients are the most."""
WARM_UP, ROUNDS = 2, 2


def run() -> None:
    for spec, theirs, batch, target in CASES:
        what = f"{spec}, batch {batch}"
        with measured("ours", spec, batch) as ours, measured("rematerialized", spec, batch) as again:
            assert ours and again
            pairs = [(seconds(ours.step), seconds(again.step)) for _ in range(ROUNDS)]
            longer = statistics.median(second / first for first, second in pairs)
            kept, less = ours.peak, again.peak
        rows = [Row(what, _size(less), _size(kept), kept / less, target, f"{longer:.2f}x the time")]
        show("Memory of a training step, rematerialized", rows, "ours, as it is")
        with measured("stock", spec, batch) as stock:
            assert stock
            rows = [Row(what, _size(kept), _size(stock.peak), stock.peak / kept)]
        show("Memory of a training step, against stock Keras", rows, "stock Keras")
        with measured("torch", theirs, batch) as torch:
            if torch is None:
                print(f"\n{NO_TORCH}")
                continue
            rows = [Row(what, _size(kept), _size(torch.peak), torch.peak / kept)]
        show("Memory of a training step, against PyTorch", rows, "PyTorch")


class Measured:
    """A process that takes steps, and the most memory that they took beyond what it had before, in bytes."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process, self.peak = process, 0

    def step(self) -> None:
        assert self.process.stdin and self.process.stdout
        print("again", file=self.process.stdin, flush=True)
        if self.process.stdout.readline().strip() != "done":
            raise RuntimeError(f"{self.process.args!r} has failed")

    def resident(self, field: str) -> int:
        """A field of the process's memory, in bytes."""
        text = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        return 1024 * next(int(line.split()[1]) for line in text.splitlines() if line.startswith(f"{field}:"))


@contextlib.contextmanager
def measured(way: str, name: str, batch: int) -> Iterator[Measured | None]:
    """A process that has taken its first steps; None if it cannot take any."""
    environment = dict(os.environ)
    command = [sys.executable, "-m", "benchmarks.memory", way, name, str(batch)]
    if way == "torch":
        python, script = os.environ.get("TORCH_PYTHON", sys.executable), Path(__file__).with_name("torch_step.py")
        command = [python, str(script), name, str(batch), "float32"]
    elif way == "stock":  # with TensorFlow's own settings, which it has read when `builder` is imported
        environment.pop("TF_ENABLE_ONEDNN_OPTS", None)
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdin and process.stdout
        if process.stdout.readline().strip() == "ready":
            found = Measured(process)
            Path(f"/proc/{process.pid}/clear_refs").write_text("5", encoding="utf-8")  # the peak so far is forgotten
            before = found.resident("VmRSS")
            for _ in range(WARM_UP):
                found.step()
            found.peak = found.resident("VmHWM") - before
            yield found
        else:
            yield None
        process.stdin.close()


def step_of(way: str, name: str, batch: int) -> Callable[[], object]:
    """A step of a spec's network on random pictures."""
    spec = archspec.load(f"specs/{name}.yaml").with_values({"train.batch_size": batch, "train.augment": []})
    if way == "stock":
        return train_step(spec, "portable", "float32", batch)
    recipe = spec.train
    assert recipe is not None
    model = builder.build(spec, "fast", "float32")
    optimizer = optimizers.optimizer(recipe)
    optimizer.build(model.trainable_variables)
    forward = recomputing(model, spec.graph) if way == "rematerialized" else None
    steps = training_steps(model, optimizer, None, recipe, tf.distribute.get_strategy(), forward=forward)
    generator = np.random.default_rng(0)
    pictures = generator.normal(size=(batch, *spec.graph.input.shape)).astype(np.float32)
    labels = generator.integers(0, spec.graph.output.shape[0], batch)
    batches = iter(tf.data.Dataset.from_tensors((pictures, labels)).repeat())
    return lambda: steps(batches, [0.001], 0.0).numpy()


def _size(count: int) -> str:
    return f"{count / 2**20:,.0f} MiB"


def main(way: str, name: str, batch: str) -> None:
    """Takes a step for each line on stdin."""
    keras.utils.set_random_seed(0)
    step = step_of(way, name, int(batch))
    answer(step)


if __name__ == "__main__":
    main(*sys.argv[1:])

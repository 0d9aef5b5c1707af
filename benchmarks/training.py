"""The whole trainer against its parts, and replicas and workers against one device."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

import archspec
from archspec import Spec
from benchmarks.input import consume, jpegs
from benchmarks.measure import Cost, Ratio, Row, cost, overlapped, seconds, show
from builder.data import load_data
from builder.data.batches import steps_per_epoch, training_batches
from builder.network.model import build
from builder.pictures.normalisation import from_pixels
from builder.system.cpu import cores
from builder.system.terminal import silent
from builder.training import optimizers
from builder.training.losses import loss
from builder.training.trainer import train

WHOLE_ROUNDS = 3
VALIDATION = 64
"""Validation pictures."""


def run() -> None:
    with tempfile.TemporaryDirectory() as folder:
        whole(Path(folder))
        distributed(Path(folder))


# -- the whole trainer -----------------------------------------------------------------------------------------------


def whole(folder: Path) -> None:
    """Compares images/s of whole epochs, everything included, with the most that the step and the pipeline reach when
    they overlap: that of the slower, or less where both together keep every core busy for longer."""
    rows = []
    for name, spec in (("digits", digits(folder)), ("JPEGs of 500x375, ResNet-18 at 96x96", photographs())):
        parts, rates, ratios = [alone(spec)], [], []
        for _ in range(WHOLE_ROUNDS):
            rates.append(trainer(spec, folder))
            parts.append(alone(spec))
            ratios.append(rates[-1] / statistics.mean(part.most for part in parts[-2:]))  # before and after: it drifts
        most = statistics.median(part.most for part in parts)
        step = 1 / statistics.median(part.step.seconds for part in parts)
        pipeline = 1 / statistics.median(part.pipeline.seconds for part in parts)
        note = f"alone: step {step:,.0f}, pipeline {pipeline:,.0f}"
        ours = f"{statistics.median(rates):,.0f} img/s"
        rows.append(Row(name, ours, f"{most:,.0f} img/s", Ratio(ratios), 0.95, note))
    title = "The whole trainer: pipeline, steps, metrics, checkpoints, validation of 64 pictures"
    show(title, rows, "most, overlapped")


@dataclass(frozen=True)
class Alone:
    """What an epoch's parts take alone.

    Attributes:
        step, pipeline: of one picture.
        validation: seconds of evaluating the validation pictures.
        pictures: in an epoch.
    """

    step: Cost
    pipeline: Cost
    validation: float
    pictures: int

    @property
    def most(self) -> float:
        """Images/s of an epoch in which the step and the pipeline overlap, and that ends with the validation."""
        return self.pictures / (self.pictures * overlapped([self.step, self.pipeline], cores()) + self.validation)


def digits(folder: Path) -> Spec:
    """The quickstart with few validation pictures, as in the other case."""
    from sklearn.datasets import load_digits

    source = load_digits()
    pictures, path = source.images.astype(np.uint8)[..., np.newaxis], folder / "digits.npz"
    labels, n = source.target, VALIDATION
    np.savez(path, x_train=pictures[n:], y_train=labels[n:], x_test=pictures[:n], y_test=labels[:n])
    return archspec.load("specs/digits.yaml", {"train.data": {"npz": str(path)}, "train.epochs": 60})


def photographs() -> Spec:
    overrides = {
        "train.data": {
            "folder": {"path": str(jpegs(Path(tempfile.gettempdir()) / "convspec-benchmark-jpegs") / "pictures")}
        },
        "train.epochs": 3,
        "train.batch_size": 32,
        "train.learning_rate": 0.01,
        "train.augment": ["random_resized_crop", "horizontal_flip"],
        "model.layers[4].dense.units": 2,
        "model.input": [96, 96, 3],  # so that the measurement takes a minute, not five
    }
    return archspec.load("specs/resnet18.yaml", overrides)


def trainer(spec: Spec, folder: Path) -> float:
    """Measures images/s from the end of the first epoch, which compiles, to the end of the last."""
    times: list[float] = []

    def on_epoch(row: Mapping[str, float]) -> None:
        times.append(time.perf_counter())

    train(spec, folder / f"run-{spec.name}-{time.monotonic_ns()}", say=silent, on_epoch=on_epoch)
    recipe = spec.train
    assert recipe is not None
    steps = len(times) - 1
    data = load_data(recipe.data, spec.graph.input.shape)
    return steps * steps_per_epoch(data, recipe) * recipe.global_batch / (times[-1] - times[0])


def alone(spec: Spec) -> Alone:
    """Measures the compiled step on one batch repeatedly, the pipeline without a step, and the validation."""
    recipe = spec.train
    assert recipe is not None
    data = load_data(recipe.data, spec.graph.input.shape)
    batches = training_batches(data, recipe, recipe.global_batch)
    model = from_pixels(build(spec), data.normalisation)
    optimizer, losses = optimizers.optimizer(recipe), loss(recipe)
    optimizer.build(model.trainable_variables)
    pictures, labels = next(iter(batches))

    @tf.function
    def step() -> tf.Tensor:
        with tf.GradientTape() as tape:
            mean = tf.reduce_mean(losses(labels, model(pictures, training=True)))
        gradients = tape.gradient(mean, [variable.value for variable in model.trainable_variables])
        optimizer.apply(gradients, model.trainable_variables)
        return mean

    @tf.function
    def evaluate() -> tf.Tensor:
        return model(pictures, training=False)

    step()
    evaluate()
    once = seconds(step)
    count = max(5, min(200, int(5 / once)))
    taken = cost(lambda: [step() for _ in range(count)][-1].numpy())
    forward = statistics.median(seconds(lambda: evaluate().numpy()) for _ in range(5)) / recipe.global_batch
    epoch = steps_per_epoch(data, recipe)
    reading = min(epoch * recipe.epochs - 1, 200)
    consume(batches.take(1))
    pipeline = cost(lambda: consume(batches.take(reading)))
    keras.backend.clear_session()
    return Alone(
        _by_picture(taken, count * recipe.global_batch),
        _by_picture(pipeline, reading * recipe.global_batch),
        VALIDATION * forward,
        epoch * recipe.global_batch,
    )


def _by_picture(whole: Cost, pictures: int) -> Cost:
    return Cost(whole.seconds / pictures, whole.core_seconds / pictures)


# -- replicas and workers --------------------------------------------------------------------------------------------


def distributed(folder: Path) -> None:
    """Measures images/s of the trainer on 1 and 2 CPU replicas, and with 2 worker processes on this machine."""
    spec = folder / "cifar.yaml"
    path = folder / "pictures.npz"
    generator = np.random.default_rng(0)
    pictures, labels = generator.integers(0, 256, (2560, 32, 32, 3), np.uint8), np.arange(2560) % 10
    np.savez(path, x_train=pictures, y_train=labels, x_test=pictures[:128], y_test=labels[:128])
    base = archspec.load("specs/resnet20_cifar.yaml", {"train.data": {"npz": str(path)}, "train.epochs": 3})
    spec.write_text(base.to_yaml())
    kinds = {
        "1 replica": ["--set", "train.distribute=off"],
        "2 replicas": ["--set", "train.distribute.mirrored.replicas=2"],
        "2 workers": ["--workers", "2"],
    }
    rates = {
        name: _images_per_second(spec, folder / name.replace(" ", "-"), arguments) for name, arguments in kinds.items()
    }
    single = rates["1 replica"]
    shares = {"2 replicas": _all_reduce(spec, "mirrored"), "2 workers": _all_reduce(spec, "multi_worker", workers=2)}
    rows = []
    for kind, rate in rates.items():
        share = f"all-reduce {shares[kind] * rate / 128:.0%} of a step" if kind in shares else ""
        rows.append(Row(kind, f"{rate:,.0f} img/s", f"{single:,.0f} img/s", rate / single, note=share))
    show("ResNet-20 on 32x32x3, global batch 128, on the CPU cores of this machine", rows, "1 replica")
    print("Each row uses the same cores: more replicas cannot be faster here, and the difference is their overhead.")


def _all_reduce(spec: Path, kind: str, workers: int = 1) -> float:
    """Measures the seconds it takes to sum the gradients of a step over replicas."""
    command = [sys.executable, "-m", "benchmarks.all_reduce", str(spec), kind]
    if workers > 1:
        script = (
            f"import sys; from builder.distribution.launcher import launch; sys.exit(launch({command!r}, {workers}))"
        )
        command = [sys.executable, "-c", script]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return float(output.split()[-1])


def _images_per_second(spec: Path, run_dir: Path, arguments: list[str]) -> float:
    command = [sys.executable, "tools/train.py", str(spec), "--run-dir", str(run_dir), *arguments]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    lines = (run_dir / "metrics.csv").read_text().splitlines()
    return max(float(line.split(",")[-1]) for line in lines[2:])  # the first epoch compiles

"""Training a spec's network into a run directory."""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from archspec import Problem, Spec, SpecError, analyse
from archspec.errors import Where
from archspec.recipe import Train
from builder import recipe as recipes
from builder import runs
from builder.batches import steps_per_epoch, training_batches, validation_batches
from builder.data import Data, check_fits, load_data
from builder.model import build, transfer_weights, verify
from builder.pixels import from_pixels

NAN_CHECK_SECONDS = 1.0
"""How often the loss is looked at within an epoch: looking waits for the device."""


class Diverged(RuntimeError):
    """The loss became NaN or infinite; the message says when, and what is kept."""


@dataclass(frozen=True)
class Result:
    """How a run ended.

    Attributes:
        epochs: how many were completed.
        best_epoch: the one with the highest validation accuracy, the lower loss deciding between equals.
        val_loss, val_accuracy: of `model.keras`, measured once more after it was converted to stock layers.
        seconds: from the first step to the last validation.
    """

    run_dir: Path
    epochs: int
    best_epoch: int
    val_loss: float
    val_accuracy: float
    seconds: float


def train(
    spec: Spec,
    run_dir: str | os.PathLike[str] | None = None,
    data_dir: str | os.PathLike[str] | None = None,
    say: Callable[[str], None] = print,
) -> Result:
    """Trains a network as its spec says.

    The run directory gets `spec.yaml`, `environment.json`, `metrics.csv`, the weights of the last and the best epoch in
    `checkpoints/`, and in the end `model.keras`: the best model, from uint8 pictures to logits, in stock Keras layers.

    Args:
        spec: a spec with a `train` section.
        run_dir: the run's own directory, new or empty; by default `runs/<name>/<time>/`.
        data_dir: where TFDS keeps prepared data sets.
        say: takes the lines of progress.

    Raises:
        SpecError: no `train` section, data that does not exist or fit, or a run directory in use.
        Diverged: the loss became NaN or infinite.
        KeyboardInterrupt: Ctrl-C, after `model.keras` of the epochs so far has been written.
    """
    recipe = recipe_of(spec)
    if run_dir is not None:
        runs.check_free(run_dir)
    keras.utils.set_random_seed(recipe.seed)
    where = address(spec, "train", "data")
    data = load_data(recipe.data, spec.graph.input.shape, data_dir, where, say)
    check_fits(data, spec.graph, recipe, where)
    network = build(spec, "fast", recipe.precision)
    verify(network, analyse(spec))
    model = from_pixels(network, data.pixels)
    rate = compile_model(model, recipe, steps_per_epoch(data, recipe))
    path = runs.claim(run_dir, spec.name)
    _describe(path, spec, recipe, data)
    say(
        f"{spec.name}: {network.count_params():,} parameters, {data.train_count:,} + {data.validation_count:,} pictures"
    )
    say(f"run directory {path}")
    recorder = Recorder(path, data, recipe, rate, say)
    started = time.perf_counter()
    try:
        model.fit(
            training_batches(data, recipe, recipe.batch_size),
            steps_per_epoch=steps_per_epoch(data, recipe),
            epochs=recipe.epochs,
            validation_data=_validation(data, recipe),
            callbacks=[recorder, *([LiveLine(recipe.epochs)] if sys.stdout.isatty() else [])],
            shuffle=False,
            verbose=0,
        )
    except (KeyboardInterrupt, Diverged) as stop:
        say(str(stop) or f"interrupted in epoch {len(recorder.metrics.rows) + 1}")
        if recorder.best:
            _finish(path, spec, recipe, data, network, model, recorder, say)
        else:
            say("no epoch was completed, so there is no model to keep")
        raise
    seconds = time.perf_counter() - started
    loss, accuracy = _finish(path, spec, recipe, data, network, model, recorder, say)
    return Result(path, len(recorder.metrics.rows), int(recorder.best["epoch"]), loss, accuracy, seconds)


def recipe_of(spec: Spec) -> Train:
    """A spec's `train` section.

    Raises:
        SpecError: there is none.
    """
    if spec.train is None:
        message = "there is no 'train' section; add one, such as train: {data: digits}"
        raise SpecError([Problem(Where("train", spec.tree.span), message)])
    return spec.train


def address(spec: Spec, *keys: str) -> Where:
    """Where a value of the resolved spec stands."""
    tree = spec.tree
    for key in keys:
        tree = tree.value[key]
    return Where(".".join(keys), tree.span)


def compile_model(model: keras.Model, recipe: Train, steps: int) -> recipes.LearningRate:
    """Compiles a model for `fit` and `evaluate`, and gives the learning rate by step."""
    optimizer = recipes.optimizer(recipe, steps)
    model.compile(optimizer, recipes.loss(recipe), metrics=[_accuracy()], auto_scale_loss=False)
    return recipes.LearningRate(recipe, steps)


def _accuracy() -> keras.metrics.Metric:
    return keras.metrics.SparseCategoricalAccuracy(name="accuracy")


def _validation(data: Data, recipe: Train) -> tf.data.Dataset:
    """Validation batches without the pictures that fill up the last one."""

    def real(pictures: tf.Tensor, labels: tf.Tensor, weights: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return tf.boolean_mask(pictures, weights > 0), tf.boolean_mask(labels, weights > 0)

    return validation_batches(data, recipe, recipe.batch_size).map(real)


def _describe(path: Path, spec: Spec, recipe: Train, data: Data) -> None:
    devices = [device.name for device in tf.config.list_logical_devices()]
    about = {
        "name": data.name,
        "train": data.train_count,
        "validation": data.validation_count,
        "classes": list(data.class_names),
        "pixel_mean": list(data.pixels.mean),
        "pixel_std": list(data.pixels.std),
        "fingerprint": data.fingerprint,
        "skipped": list(data.skipped),
    }
    runs.write_text(path / "spec.yaml", spec.to_yaml())
    runs.write_json(path / "environment.json", runs.environment(devices, recipe.seed, about))


def _finish(
    path: Path,
    spec: Spec,
    recipe: Train,
    data: Data,
    network: keras.Model,
    model: keras.Model,
    recorder: Recorder,
    say: Callable[[str], None],
) -> tuple[float, float]:
    """Writes `model.keras` with the best weights, in stock layers and float32; its validation loss and accuracy."""
    model.load_weights(recorder.best_path)
    portable = build(spec, "portable")
    transfer_weights(network, portable)
    saved = from_pixels(portable, data.pixels)
    with runs.replacing(path / "model.keras") as temporary:
        saved.save(temporary)
    saved.compile(loss=recipes.loss(recipe), metrics=[_accuracy()])
    loss, accuracy = saved.evaluate(_validation(data, recipe), verbose=0)
    say(f"best epoch {recorder.best['epoch']}: val_loss {loss:.4f}  val_accuracy {accuracy:.4f}")
    say(f"saved {path / 'model.keras'}")
    return loss, accuracy


class Recorder(keras.callbacks.Callback):
    """After each epoch a row of metrics.csv, a line, and the weights; stops a training that diverges."""

    def __init__(self, path: Path, data: Data, recipe: Train, rate: recipes.LearningRate, say: Callable[[str], None]):
        super().__init__()
        self.metrics = runs.Metrics(path / "metrics.csv")
        self.last_path = path / "checkpoints" / "last.weights.h5"
        self.best_path = path / "checkpoints" / "best.weights.h5"
        self.best: dict[str, float] = {}
        self.rate, self.epochs, self.say = rate, recipe.epochs, say
        self.pictures = steps_per_epoch(data, recipe) * recipe.batch_size
        self.checked = 0.0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.epoch = epoch
        self.began = self.trained = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        step, now = batch + 1, time.perf_counter()
        if step == self.rate.steps_per_epoch or now - self.checked > NAN_CHECK_SECONDS:
            self.check(logs, step)
            self.checked = self.trained = time.perf_counter()

    def check(self, logs: Any, step: int) -> None:
        loss = float(logs["loss"])  # the mean of the epoch so far, so what is not finite stays so
        if not math.isfinite(loss):
            rate = self.learning_rate(self.epoch * self.rate.steps_per_epoch + step - 1)
            raise Diverged(
                f"the loss became {loss} in epoch {self.epoch + 1}, by step {step}, at learning rate {rate:.4g}; "
                "try a lower learning rate, or warm-up"
            )

    def learning_rate(self, step: int) -> float:
        return float(keras.ops.convert_to_numpy(self.rate(step)))

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        row = {
            **{name: float(logs[name]) for name in ("loss", "accuracy", "val_loss", "val_accuracy")},
            "epoch": epoch + 1,
            "learning_rate": self.learning_rate((epoch + 1) * self.rate.steps_per_epoch - 1),
            "seconds": round(time.perf_counter() - self.began, 3),
            "images_per_second": round(self.pictures / (self.trained - self.began), 1),
        }
        better = not self.best or _rank(row) > _rank(self.best)
        self.save(self.last_path)
        if better:
            self.best = row
            self.save(self.best_path)
        self.metrics.add(row)
        self.say(self.line(row) + ("  best" if better else ""))

    def save(self, path: Path) -> None:
        with runs.replacing(path) as temporary:
            self.model.save_weights(temporary)

    def line(self, row: dict[str, float]) -> str:
        width = len(str(self.epochs))
        return (
            f"epoch {row['epoch']:{width}}/{self.epochs}  loss {row['loss']:.4f}  accuracy {row['accuracy']:.4f}  "
            f"val_loss {row['val_loss']:.4f}  val_accuracy {row['val_accuracy']:.4f}  "
            f"learning_rate {row['learning_rate']:.3g}  {row['seconds']:.1f} s  {row['images_per_second']:.0f} images/s"
        )


def _rank(row: dict[str, float]) -> tuple[float, float]:
    return row["val_accuracy"], -row["val_loss"]


class LiveLine(keras.callbacks.Callback):
    """On a terminal: the step and the loss, about twice a second, in a line that the epoch's own replaces."""

    def __init__(self, epochs: int):
        super().__init__()
        self.epochs = epochs
        self.shown = 0.0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if time.perf_counter() - self.shown > 0.5:
            self.shown = time.perf_counter()
            text = f"epoch {self.epoch + 1}/{self.epochs}  step {batch + 1}/{self.params['steps']}"
            print(f"\r{text}  loss {float(logs['loss']):.4f} ", end="", flush=True)

    def on_test_begin(self, logs: Any = None) -> None:
        print("\r" + " " * 79 + "\r", end="", flush=True)

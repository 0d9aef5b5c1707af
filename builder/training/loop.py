"""The training loop: steps, validations, checkpoints and stops, from any point on."""

from __future__ import annotations

import contextlib
import math
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NoReturn

import keras
import numpy as np
import tensorflow as tf

from archspec.errors import Where
from archspec.recipe import Train
from archspec.recipe.monitor import improved
from builder.data import Data
from builder.data.batches import steps_per_epoch, training_batches, validation_batches
from builder.distribution.strategy import Placement
from builder.runs import checkpoints
from builder.runs.checkpoints import CheckpointStore
from builder.system.background import BackgroundJob
from builder.system.endings import Diverged, Interrupted
from builder.system.signals import Interrupts
from builder.training.console import Console
from builder.training.failures import explained
from builder.training.progress import Progress, Sums
from builder.training.steps import MOST_STEPS, Steps

CALL_SECONDS = 0.5
"""How long a call of the compiled steps should last: long enough to hide Python, short enough to answer a signal."""
MULTI_WORKER_STEPS = 4
"""With several workers all must make the same calls, so that their number of steps must not follow from times."""


@dataclass
class Setup:
    """What a loop works with.

    Attributes:
        batch_size_at: where the spec has the batch size.
        variables: all that the steps change, by name: a checkpoint's tensors.
        weights: what `best.safetensors` keeps, by name.
        averaged: a context in which the model has the weights that are validated and kept.
    """

    recipe: Train
    data: Data
    batch_size_at: Where
    placement: Placement
    train: Steps
    evaluate: Steps
    variables: dict[str, keras.Variable]
    weights: dict[str, keras.Variable]
    averaged: Callable[[], contextlib.AbstractContextManager[None]]


Rows = list[dict[str, float]]
"""Of the epochs that are complete, as `metrics.csv` has them."""


class Loop:
    """A training from `progress` on, until it is done, or `until` epochs are, or it diverges or is interrupted."""

    def __init__(
        self,
        parts: Setup,
        progress: Progress,
        store: CheckpointStore,
        console: Console,
        on_epoch: Callable[[Rows], None] | None = None,
        until: int | None = None,
    ):
        self.parts, self.progress, self.store, self.console = parts, progress, store, console
        self.on_epoch, self.until = on_epoch, until
        self.recipe = parts.recipe
        self.steps = steps_per_epoch(parts.data, parts.recipe)
        self.batch_size = parts.recipe.batch_size // parts.placement.replicas
        self.files = BackgroundJob()
        self.saved_step, self.saved_at = progress.step, time.monotonic()
        self.call_steps = MULTI_WORKER_STEPS if parts.placement.is_multi_worker else 1
        self.speed = 0.0

    def run(self) -> None:
        """Trains.

        Raises:
            Interrupted: by Ctrl-C or SIGTERM; the state is saved.
            Diverged: the loss or the weights are not finite; the last checkpoint is from before.
            WorkerLost: another worker is gone; within seconds of its death, and of the file under way.
            UserError: a checkpoint cannot be written, pictures cannot be read any more, or memory is short.
        """
        parts = self.parts
        batches: Iterator[Any] | None = None
        try:
            with Interrupts() as interrupts, self.files:
                while not self.finished:
                    if self.progress.step == (self.progress.epochs + 1) * self.steps:
                        self._validate(interrupts)
                    else:
                        batches = batches or iter(self._training(self.progress.step))
                        self._advance(batches, interrupts)
        except tf.errors.OpError as error:
            told = explained(error, parts.data, parts.batch_size_at, parts.placement.is_multi_worker, self._kept())
            if told is error:
                raise
            raise told from None

    @property
    def finished(self) -> bool:
        stops = self.until is not None and self.progress.epochs >= self.until
        return stops or self.progress.is_complete(self.recipe)

    def _rate(self, step: int) -> float:
        return self.recipe.rate(step, self.steps, self.progress.plateau.ran_out)

    # -- training ------------------------------------------------------------------------------------------------------

    def _distributed(self, batches: Callable[[tuple[int, int]], tf.data.Dataset]) -> Iterable[Any]:
        """A replica's batches after another's, of the shard that this process has."""

        def of_this_process(context: tf.distribute.InputContext) -> tf.data.Dataset:
            return batches((context.input_pipeline_id, context.num_input_pipelines))

        return self.parts.placement.strategy.distribute_datasets_from_function(of_this_process)

    def _training(self, step: int) -> Iterable[Any]:
        """All batches from a step on."""
        data, recipe, size = self.parts.data, self.recipe, self.batch_size
        return self._distributed(lambda shard: training_batches(data, recipe, size, step, shard))

    def _advance(self, batches: Iterator[Any], interrupts: Interrupts) -> None:
        """Some steps, with what they call for: progress, a checkpoint, a stop."""
        progress, began = self.progress, time.monotonic()
        rates = [self._rate(progress.step + index) for index in range(self._steps_of_call())]
        results = self.parts.train(batches, rates, float(interrupts.signal is not None)).numpy()
        for (loss, *hits, _), rate in zip(results, rates, strict=True):
            self._check(loss, rate)
            progress.step += 1
            correct, top5_correct = map(float, hits)
            progress.sums.add(float(loss), correct, top5_correct, self.recipe.batch_size)
        seconds = time.monotonic() - began
        progress.seconds += seconds
        self._adapt(len(rates), seconds)
        self.console.progress(progress.step, progress.sums.means(), self.speed)
        self.files.check()
        if results[-1, -1]:
            self._interrupt(interrupts.signal or signal.SIGTERM)
        if self._is_due():
            self.save()

    def _steps_of_call(self) -> int:
        """Equal parts of those until the epoch's end or the next checkpoint, about as many as fit into CALL_SECONDS."""
        step, every = self.progress.step, self.recipe.checkpoints.steps
        remaining = self.steps - step % self.steps
        if every:
            remaining = min(remaining, every - step % every)
        parts = max(1, round(remaining / self.call_steps), -(-remaining // MOST_STEPS))
        return -(-remaining // parts)

    def _adapt(self, steps: int, seconds: float) -> None:
        images = steps * self.recipe.batch_size / seconds
        if not self.speed:  # the first call has compiled: it says nothing of the speed
            self.speed = images
            return
        self.speed = images if self.call_steps == 1 else 0.9 * self.speed + 0.1 * images
        if not self.parts.placement.is_multi_worker:
            fitting = int(CALL_SECONDS * steps / seconds)
            self.call_steps = max(1, min(fitting, 4 * self.call_steps, MOST_STEPS))

    def _check(self, loss: float, rate: float) -> None:
        if not math.isfinite(loss):
            epoch, step = divmod(self.progress.step, self.steps)
            raise Diverged(
                f"the loss became {loss} in epoch {epoch + 1}, step {step + 1}, at learning rate {rate:.4g}; "
                f"{self._kept()}; try a lower learning rate, warm-up or clip_norm"
            )

    def _kept(self) -> str:
        """Which checkpoint there is. That the last one could not be written is told instead, by its error."""
        self.files.wait()
        paths = self.store.paths()
        return f"the last good checkpoint is {paths[0]}" if paths else "there is no checkpoint yet"

    # -- validation ----------------------------------------------------------------------------------------------------

    def _validate(self, interrupts: Interrupts) -> None:
        """Closes an epoch: its row, the best weights, a checkpoint."""
        progress, began = self.progress, time.monotonic()
        with self.parts.averaged():
            validation = self._evaluate(interrupts)
            row = self._row(validation, time.monotonic() - began) if validation else None
            better = row is not None and self._is_better(row)
            averaged = self._values(self.parts.weights) if better and self.recipe.ema else {}
        if row is None:  # a checkpoint has the weights as they are, not their averages
            self._interrupt(interrupts.signal or signal.SIGTERM)
        state = self._values(self.parts.variables)
        progress.add(row, better, self.recipe)
        as_they_are = {name: state[f"model/{name}"] for name in self.parts.weights} if state and better else {}
        self._write(state, averaged or as_they_are)
        self.console.epoch(row, better)

    def _row(self, validation: Sums, seconds: float) -> dict[str, float]:
        """The epoch's row of `metrics.csv`."""
        progress = self.progress
        row = {
            "epoch": progress.epochs + 1,
            "step": progress.step,
            **progress.sums.means(),
            **validation.means("val_"),
            "learning_rate": self._rate(progress.step - 1),
            "seconds": round(progress.seconds + seconds, 3),
            "images_per_second": round(progress.sums.pictures / progress.seconds, 1),
        }
        return {name: _rounded(value) for name, value in row.items()}

    @cached_property
    def _validation(self) -> Iterator[Any]:
        """The validation pictures, again and again: a new pipeline takes as long as many steps of a small network."""
        data, recipe, size = self.parts.data, self.recipe, self.batch_size
        return iter(self._distributed(lambda shard: validation_batches(data, recipe, size, shard).repeat()))

    def _evaluate(self, interrupts: Interrupts) -> Sums | None:
        """Loss and hits over all validation pictures, on all replicas; None when interrupted."""
        sums = Sums()
        remaining = -(-self.parts.data.validation_count // self.recipe.batch_size)
        while remaining:
            count = min(self.call_steps, remaining)
            for row in self.parts.evaluate(self._validation, tf.constant(count)).numpy():
                sums.add(*map(float, row))
            remaining -= count
            if interrupts.signal is not None and not self.parts.placement.is_multi_worker:
                return None
        return sums

    def _is_better(self, row: dict[str, float]) -> bool:
        """By the recipe's monitor; between equals the loss decides."""
        best, monitor = self.progress.best, self.recipe.checkpoints.best
        if best is None or improved(monitor, row[monitor], best[monitor]):
            return True
        return row[monitor] == best[monitor] and improved("val_loss", row["val_loss"], best["val_loss"])

    # -- checkpoints ---------------------------------------------------------------------------------------------------

    def _is_due(self) -> bool:
        every = self.recipe.checkpoints
        by_steps = every.steps is not None and self.progress.step % every.steps == 0
        by_time = every.minutes is not None and time.monotonic() - self.saved_at > every.minutes * 60
        return by_steps or by_time

    def save(self) -> None:
        """Begins to write a checkpoint, by the chief."""
        self._write(self._values(self.parts.variables))

    def _write(self, state: dict[str, np.ndarray], best: dict[str, np.ndarray] | None = None) -> None:
        """Begins to write a checkpoint; at an epoch's end, where `best` is given, also the best weights, if there are
        new ones, and what `on_epoch` does."""
        step, saved, rows = self.progress.step, self.progress.to_json(), list(self.progress.rows)

        def write() -> None:
            self.store.save(step, state, saved)
            if best:  # after the checkpoint, from which they are made again if this is not reached
                checkpoints.write_best(self.store.directory, best, len(rows))
            if best is not None and self.on_epoch is not None:
                self.on_epoch(rows)

        if state:
            self.files.begin(write)
        self.saved_step, self.saved_at = step, time.monotonic()

    def _values(self, variables: dict[str, keras.Variable]) -> dict[str, np.ndarray]:
        """What the chief writes of them; nothing on other workers."""
        if not self.parts.placement.is_chief:
            return {}
        self.files.wait()  # as the state is not to be in memory twice
        tensors = checkpoints.values(variables)
        wrong = [name for name, value in tensors.items() if value.dtype.kind == "f" and not np.isfinite(value).all()]
        if wrong:
            raise Diverged(
                f"{wrong[0]} is no longer finite after step {self.progress.step}; {self._kept()}; "
                "try a lower learning rate, warm-up or clip_norm"
            )
        return tensors

    def _interrupt(self, number: int) -> NoReturn:
        if self.progress.step > self.saved_step:
            self.save()
        self.files.wait()
        raise Interrupted(number, next(iter(self.store.paths()), None))


def _rounded(value: float) -> float:
    """To 7 digits, as float32 holds no more."""
    return value if isinstance(value, int) else float(f"{value:.7g}")

"""The training loop: steps, validations, checkpoints and interruptions, from any step on."""

from __future__ import annotations

import math
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any, NoReturn, TypeAlias

import keras
import numpy as np
import tensorflow as tf

from builder.data.batches import training_batches, validation_batches
from builder.runs import checkpoints
from builder.runs.checkpoints import CheckpointStore
from builder.runs.metrics import is_better
from builder.system.background import BackgroundJob
from builder.system.endings import Diverged, Interrupted
from builder.system.signals import Interrupts
from builder.training.console import Console
from builder.training.failures import explained
from builder.training.outputs import RunOutputs
from builder.training.progress import Progress, Sums
from builder.training.setup import Setup, distributed
from builder.training.steps import MOST_STEPS

CALL_SECONDS = 0.5
"""How long a call of the compiled steps should last: long enough to hide Python, short enough to answer a signal."""
MULTI_WORKER_STEPS = 4
"""The number of steps in a call with several workers, which must all make the same calls: it may not depend on
times."""

OnEpoch: TypeAlias = Callable[[Mapping[str, float]], object]
"""Takes the row of `metrics.csv` of each epoch that ends."""


class Loop:
    """Trains from `progress` on until all epochs are done, or `until` epochs are, or it diverges or is interrupted.

    Attributes:
        progress: is updated in place.
        outputs: gets the rows after each epoch's checkpoint, in the background; None on workers other than the chief.
        on_epoch: gets each new row, in this thread.
    """

    def __init__(
        self,
        setup: Setup,
        progress: Progress,
        store: CheckpointStore,
        console: Console,
        outputs: RunOutputs | None = None,
        on_epoch: OnEpoch | None = None,
        until: int | None = None,
    ):
        self.setup, self.progress, self.store, self.console = setup, progress, store, console
        self.outputs, self.on_epoch, self.until = outputs, on_epoch, until
        self.recipe = setup.recipe
        self.steps = setup.steps_per_epoch
        self.batch_size = setup.recipe.global_batch // setup.placement.replicas
        self.files = BackgroundJob()
        self.saved_step, self.saved_at = progress.step, time.monotonic()
        self.call_steps = MULTI_WORKER_STEPS if setup.placement.is_multi_worker else 1
        self.speed: float | None = None
        self.is_compiled = False

    def run(self) -> None:
        """Trains.

        Raises:
            Interrupted: Ctrl-C or SIGTERM came; the state is saved.
            Diverged: the loss or the weights are not finite; the last checkpoint is older than that.
            WorkerLost: another worker is gone. This is raised within seconds of its end, after the file that is being
                written.
            UserError: a checkpoint cannot be written, pictures can no longer be read, or the memory is too small.
        """
        setup = self.setup
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
            explanation = explained(error, setup, self._last_checkpoint())
            if explanation is error:
                raise
            raise explanation from None

    @property
    def finished(self) -> bool:
        """Whether all epochs are done, or as many as `until` asks for."""
        reached = self.until is not None and self.progress.epochs >= self.until
        return reached or self.progress.is_complete(self.recipe)

    def _rate(self, step: int) -> float:
        return self.recipe.rate(step, self.steps, self.progress.plateau.ran_out)

    # -- training ------------------------------------------------------------------------------------------------------

    def _training(self, step: int) -> Iterable[Any]:
        """All training batches from a step on."""
        data, recipe, size = self.setup.data, self.recipe, self.batch_size
        return distributed(self.setup.placement, lambda shard: training_batches(data, recipe, size, step, shard))

    def _advance(self, batches: Iterator[Any], interrupts: Interrupts) -> None:
        """Does some steps in one call, then shows the progress, writes a checkpoint or stops, as is due."""
        progress, began = self.progress, time.monotonic()
        rates = [self._rate(progress.step + index) for index in range(self._steps_of_call())]
        results = self.setup.train(batches, rates, float(interrupts.signal is not None)).numpy()
        for (*sums, _), rate in zip(results, rates, strict=True):
            self._check(sums[0], rate)
            progress.step += 1
            progress.sums.add(map(float, sums), self.recipe.global_batch)
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
        """The number of steps of the next call: those until the epoch's end or the next checkpoint in equal parts, of
        about as many as fit into CALL_SECONDS."""
        step, every = self.progress.step, self.recipe.checkpoints.steps
        remaining = self.steps - step % self.steps
        if every:
            remaining = min(remaining, every - step % every)
        parts = max(1, round(remaining / self.call_steps), -(-remaining // MOST_STEPS))
        return -(-remaining // parts)

    def _adapt(self, steps: int, seconds: float) -> None:
        images = steps * self.recipe.global_batch / seconds
        if not self.is_compiled:  # the first call includes compilation: it says nothing about the speed
            self.is_compiled = True
            return
        self.speed = 0.9 * self.speed + 0.1 * images if self.speed and self.call_steps > 1 else images
        if not self.setup.placement.is_multi_worker:
            fitting = int(CALL_SECONDS * steps / seconds)
            self.call_steps = max(1, min(fitting, 4 * self.call_steps, MOST_STEPS))

    def _check(self, loss: float, rate: float) -> None:
        if not math.isfinite(loss):
            epoch, step = divmod(self.progress.step, self.steps)
            raise Diverged(
                f"the loss became {loss} in epoch {epoch + 1}, step {step + 1}, at learning rate {rate:.4g}; "
                f"{self._last_checkpoint()}; try a lower learning rate, warm-up or clip_norm"
            )

    def _last_checkpoint(self) -> str:
        """The newest checkpoint, in words. Raises the error of a write that failed, which matters more."""
        self.files.wait()
        paths = self.store.paths()
        return f"the last good checkpoint is {paths[0]}" if paths else "there is no checkpoint yet"

    # -- validation ----------------------------------------------------------------------------------------------------

    def _validate(self, interrupts: Interrupts) -> None:
        """Ends an epoch: validates, adds its row, and writes a checkpoint, with the best weights if they are new."""
        progress, began = self.progress, time.monotonic()
        with self.setup.state.averaged():
            validation = self._evaluate(interrupts)
            row = self._row(validation, time.monotonic() - began) if validation else None
            better = row is not None and is_better(row, self.progress.best, self.recipe.checkpoints.best)
            averaged = self._values(self.setup.state.weights) if better and self.recipe.ema else {}
        if row is None:  # a checkpoint holds the weights as they are, not their averages
            self._interrupt(interrupts.signal or signal.SIGTERM)
        state = self._values(self.setup.state.variables)
        progress.add(row, better, self.recipe)
        as_they_are = {name: state[f"model/{name}"] for name in self.setup.state.weights} if state and better else {}
        self._write(state, averaged or as_they_are)
        self.console.epoch(row, better)
        if self.on_epoch is not None:
            self.on_epoch(dict(row))

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
        """The validation batches, repeated forever: starting a new pipeline takes as long as many steps of a small
        network."""
        data, recipe, size = self.setup.data, self.recipe, self.batch_size
        batches = distributed(
            self.setup.placement, lambda shard: validation_batches(data, recipe, size, shard).repeat()
        )
        return iter(batches)

    def _evaluate(self, interrupts: Interrupts) -> Sums | None:
        """The metrics over all validation pictures, on all replicas; None after an interruption."""
        sums = Sums()
        remaining = -(-self.setup.data.validation_count // self.recipe.global_batch)
        while remaining:
            count = min(self.call_steps, remaining)
            sums.add_batches(self.setup.evaluate(self._validation, tf.constant(count)).numpy())
            remaining -= count
            if interrupts.signal is not None and not self.setup.placement.is_multi_worker:
                return None
        return sums

    # -- checkpoints ---------------------------------------------------------------------------------------------------

    def _is_due(self) -> bool:
        every = self.recipe.checkpoints
        by_steps = every.steps is not None and self.progress.step % every.steps == 0
        by_time = every.minutes is not None and time.monotonic() - self.saved_at > every.minutes * 60
        return by_steps or by_time

    def save(self) -> None:
        """Begins to write a checkpoint."""
        self._write(self._values(self.setup.state.variables))

    def _write(self, state: dict[str, np.ndarray], best: dict[str, np.ndarray] | None = None) -> None:
        """Begins to write a checkpoint; at an epoch's end, where `best` is given, also the best weights, unless it is
        empty, and the run's outputs."""
        step, saved, rows = self.progress.step, self.progress.to_json(), list(self.progress.rows)

        def write() -> None:
            self.store.save(step, state, saved)
            if best:  # after the checkpoint, from which they are written again if this line is not reached
                self.store.write_best(best, len(rows))
            if best is not None and self.outputs is not None:
                self.outputs.add_epoch(rows)

        if state:
            self.files.begin(write)
        self.saved_step, self.saved_at = step, time.monotonic()

    def _values(self, variables: dict[str, keras.Variable]) -> dict[str, np.ndarray]:
        """The values of variables to be written; none on workers other than the chief.

        Raises:
            Diverged: they are not finite.
        """
        if not self.store.is_writer:
            return {}
        self.files.wait()  # so that the state is not in memory twice
        tensors = checkpoints.values(variables)
        wrong = [name for name, value in tensors.items() if value.dtype.kind == "f" and not np.isfinite(value).all()]
        if wrong:
            raise Diverged(
                f"{wrong[0]} is no longer finite after step {self.progress.step}; {self._last_checkpoint()}; "
                "try a lower learning rate, warm-up or clip_norm"
            )
        return tensors

    def _interrupt(self, number: int) -> NoReturn:
        if self.progress.step > self.saved_step:
            self.save()
        self.files.wait()
        raise Interrupted(number, next(iter(self.store.paths()), None))


def _rounded(value: float) -> float:
    """A number with 7 digits, as float32 holds no more; whole numbers as they are."""
    return value if isinstance(value, int) else float(f"{value:.7g}")

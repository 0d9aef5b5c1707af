"""A spec as a `keras_tuner.HyperModel`, for programs that call keras-tuner themselves."""

from __future__ import annotations

import dataclasses
import os
from typing import Any

import keras
import keras_tuner
from keras_tuner.errors import FailedTrialError

from archspec import Spec
from archspec.candidates.check import Checker
from archspec.errors import Where
from archspec.network import SpecLike, as_spec
from archspec.spec.addresses import address, recipe_of
from builder.data import load_data
from builder.data.balance import class_weights
from builder.data.batches import steps_per_epoch, training_batches, validation_batches
from builder.data.loading import normalised
from builder.distribution.strategy import one_device
from builder.network.model import build
from builder.pictures.normalisation import Normalisation, from_pixels
from builder.sweep.tuners.hyperparameters import candidate, declare
from builder.training.batch_size import estimate
from builder.training.losses import loss, picture_weights
from builder.training.optimizers import optimizer


class SpecHyperModel(keras_tuner.HyperModel):
    """The networks of a spec's space, each compiled with its recipe, from uint8 pictures to logits.

    `fit` without data trains on the data of the spec, with its augmentation and learning rate schedule. `batch_size:
    auto` is estimated from the analysis and the free memory, without a trial step.
    """

    def __init__(self, spec: Spec, data_dir: str | os.PathLike[str] | None = None):
        super().__init__(name=spec.name)
        self.checker = Checker(spec)
        self.data = load_data(recipe_of(spec).data, spec.graph.input.shape, data_dir)
        self._normalisation(spec)  # reports its mistakes before a search

    def build(self, hp: keras_tuner.HyperParameters) -> keras.Model:
        """Returns a compiled model.

        Raises:
            FailedTrialError: the candidate is invalid or exceeds the budget; keras-tuner does not retry it.
        """
        declare(self.checker.search.space, hp)
        chosen = candidate(self.checker.search.space, hp.values)
        verdict = self.checker.check(chosen)
        if not verdict.inside:
            raise FailedTrialError(str(verdict.error or f"outside the budget: {', '.join(verdict.over)}"))
        spec = self.checker.networks.spec(chosen)
        assert spec.train is not None
        model = from_pixels(build(spec, "portable", spec.train.precision), self._normalisation(spec))
        model.compile(optimizer=optimizer(spec.train), loss=_loss(spec.train), metrics=["accuracy"])
        return model

    def _normalisation(self, spec: Spec) -> Normalisation:
        """The normalisation of a candidate's own recipe, which a space may search over."""
        return normalised(self.data, recipe_of(spec), address(spec, "train", "normalisation")).normalisation

    def fit(self, hp: keras_tuner.HyperParameters, model: keras.Model, *args: Any, **options: Any) -> Any:
        """Trains a model, on the data of the spec if none are given; returns Keras's `History`."""
        if args or "x" in options:
            return model.fit(*args, **options)
        chosen = candidate(self.checker.search.space, hp.values)
        recipe = self.checker.networks.recipe(chosen)
        assert recipe is not None
        if recipe.is_automatic:
            batch_size = estimate(self.checker.networks.spec(chosen), self.data, one_device()).batch_size
            recipe = dataclasses.replace(recipe, batch_size=batch_size)
        steps = steps_per_epoch(self.data, recipe)
        callbacks = [*options.pop("callbacks", []), _LearningRate(recipe, steps)]
        batches = training_batches(self.data, recipe, recipe.global_batch).repeat()  # Keras asks for one batch more
        weights = class_weights(self.data, recipe, Where("train.class_weight"))
        if weights is not None:
            batches = batches.map(lambda pictures, labels: (pictures, labels, picture_weights(labels, weights)))
        return model.fit(
            batches,
            steps_per_epoch=steps,
            shuffle=False,  # the batches are shuffled already
            epochs=options.pop("epochs", recipe.epochs),
            validation_data=validation_batches(self.data, recipe, recipe.global_batch),
            validation_steps=-(-self.data.validation_count // recipe.global_batch),
            callbacks=callbacks,
            **options,
        )


class _LearningRate(keras.callbacks.Callback):
    """Sets the learning rate of each step from the recipe."""

    def __init__(self, recipe: Any, steps: int):
        super().__init__()
        self.recipe, self.steps, self.step = recipe, steps, 0

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        self.model.optimizer.learning_rate = self.recipe.rate(self.step, self.steps)
        self.step += 1


def _loss(recipe: Any) -> Any:
    losses = loss(recipe)
    return lambda labels, logits: losses(labels, logits)


def hypermodel(spec: SpecLike, data_dir: str | os.PathLike[str] | None = None) -> SpecHyperModel:
    """Returns a `keras_tuner.HyperModel` of a spec's space, recipe and data.

    Args:
        spec: a spec with the sections `search` and `train`, or the path of its file.
        data_dir: where TFDS keeps prepared data sets.

    Raises:
        UserError: a mistake in the spec, or data that cannot be read.
    """
    return SpecHyperModel(as_spec(spec), data_dir)

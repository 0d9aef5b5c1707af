"""The search of specs/digits.yaml written with plain keras-tuner: `fit`, and `max_model_size` for the budget.

python benchmarks/plain_keras_tuner.py TRIALS EPOCHS FOLDER

Searches until TRIALS candidates within the budget are trained, and prints how many searches that took: keras-tuner
aborts a search after three candidates in a row that are too large.
"""

from __future__ import annotations

import os
import sys
from typing import Any

os.environ["KERAS_BACKEND"] = "tensorflow"

import keras
import keras_tuner

import archspec
from archspec.recipe import Train
from builder.data import load_data
from builder.data.batches import steps_per_epoch, training_batches, validation_batches
from builder.network.model import build
from builder.pictures.normalisation import from_pixels
from builder.training.optimizers import optimizer

SPEC = archspec.load("specs/digits.yaml")
DATA = load_data(SPEC.train.data, SPEC.graph.input.shape) if SPEC.train else None


class Rates(keras.callbacks.Callback):
    """Sets the recipe's learning rate at each step."""

    def __init__(self, recipe: Train, steps: int):
        super().__init__()
        self.recipe, self.steps, self.step = recipe, steps, 0

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        self.model.optimizer.learning_rate = self.recipe.rate(self.step, self.steps)
        self.step += 1


class Digits(keras_tuner.HyperModel):
    """The spec's network in stock layers, trained with the spec's recipe."""

    def __init__(self, epochs: int):
        super().__init__()
        self.epochs = epochs

    def spec(self, hp: keras_tuner.HyperParameters) -> archspec.Spec:
        values = {"n": hp.Int("n", 1, 5), "width": hp.Int("width", 4, 32), "train.epochs": self.epochs}
        return SPEC.with_values(values)

    def build(self, hp: keras_tuner.HyperParameters) -> keras.Model:
        spec = self.spec(hp)
        assert spec.train is not None and DATA is not None
        model = from_pixels(build(spec, "portable"), DATA.normalisation)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(optimizer=optimizer(spec.train), loss=loss, metrics=["accuracy"])
        return model

    def fit(self, hp: keras_tuner.HyperParameters, model: keras.Model, *args: Any, **options: Any) -> Any:
        recipe = self.spec(hp).train
        assert recipe is not None and DATA is not None
        steps = steps_per_epoch(DATA, recipe)
        return model.fit(
            training_batches(DATA, recipe, recipe.global_batch).repeat(),
            steps_per_epoch=steps,
            epochs=self.epochs,
            validation_data=validation_batches(DATA, recipe, recipe.global_batch),
            validation_steps=-(-DATA.validation_count // recipe.global_batch),
            callbacks=[*options.pop("callbacks", []), Rates(recipe, steps)],
            verbose=0,
        )


def main() -> None:
    trials, epochs, folder = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    done, searches, aborted = 0, 0, 0
    while done < trials:
        searches += 1
        tuner = keras_tuner.RandomSearch(
            Digits(epochs),
            "val_accuracy",
            max_trials=trials - done,
            seed=searches,
            max_model_size=100_000,
            directory=folder,
            project_name=str(searches),
        )
        try:
            tuner.search(verbose=0)
        except RuntimeError:
            aborted += 1
        done += sum(trial.status == "COMPLETED" for trial in tuner.oracle.trials.values())
    print(f"RESULT {searches} {aborted}")


if __name__ == "__main__":
    main()

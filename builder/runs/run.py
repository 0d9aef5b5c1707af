"""Opens the directory of a run: its spec, data, metrics, best model and best weights.

Opening itself imports no TensorFlow, so that a wrong directory is reported at once.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from archspec import Problem, Spec, load
from archspec.errors import FileError, file_problem, path_of
from archspec.files import check_regular
from archspec.recipe import Train
from archspec.recipe.data import Folder
from builder.runs import comparison
from builder.runs.advice import resume_command
from builder.runs.comparison import differences, flat
from builder.runs.description import DataDescription, described
from builder.runs.directory import is_training
from builder.runs.finding import find_run
from builder.runs.fitting import check_model, check_weights
from builder.runs.metrics import best_row, read_metrics
from builder.runs.names import BEST, CHECKPOINTS, ENVIRONMENT, METRICS, MODEL, SPEC
from builder.system.files import read_json
from builder.system.terminal import Say, silent

if TYPE_CHECKING:
    import keras

    from builder.data import Data

MAY_CHANGE = (*comparison.MAY_CHANGE, "train.data", "search", "description")
"""What may differ in `spec.yaml` from what it was when the run began: what changes no result, and where the data are,
which are known by their fingerprint."""


class DataDiffer(FileError):
    """The data of a run are no longer those that it was trained on."""


@dataclass(frozen=True)
class Run:
    """The directory of a run, opened by `open_run`.

    Attributes:
        directory: the run's own.
        spec: the resolved spec that it was trained with.
        about: a description of its data.
        environment: the contents of `environment.json`.
        note: which run it is, if another path was given; for people, empty if there is nothing to say.
    """

    directory: Path
    spec: Spec
    about: DataDescription
    environment: Mapping[str, Any]
    note: str = ""

    @property
    def recipe(self) -> Train:
        """The recipe that it was trained with; for imported weights of a spec without one, a recipe of defaults."""
        return self.spec.train or Train(data=Folder(path=""))

    @property
    def is_imported(self) -> bool:
        """Whether its weights were imported, so that it has no data of its own."""
        return not self.about.fingerprint

    @cached_property
    def model(self) -> keras.Model:
        """The model of `model.keras`: from pictures, uint8 or the same values as floats, of shape (batch, height,
        width, channels), to logits, float32 (batch, classes).

        A training writes it at its end. `weights` may be newer after an interruption.

        Raises:
            FileError: it is missing, damaged, or not of the spec; the message names the differing layers and fields.
        """
        from builder.network.loading import load_model

        path = self.directory / MODEL
        self.check_finished()
        _check_readable(path)
        try:
            model = load_model(path)
        except FileError:
            raise
        except Exception as error:  # what Keras raises for a file that is not a model has no common class
            raise file_problem(
                path, f"is damaged, or no model of Keras: {type(error).__name__}; {_again(self.directory, path.name)}"
            ) from None
        check_model(self.directory, self.spec, model)
        return model

    @property
    def model_weights(self) -> dict[str, np.ndarray]:
        """The weights of `model`, by `layer/variable`."""
        return {weight.path: np.asarray(weight) for weight in self.model.weights}

    @cached_property
    def weights(self) -> dict[str, np.ndarray]:
        """The best weights so far, by `layer/variable`, of exactly the spec's network.

        They are those of `checkpoints/best.safetensors`, which is written with every epoch that is the best so far.
        `model.keras` is written when a training ends, so after an interruption and a resumption it may be older. Where
        `checkpoints/` is gone, or never was, as in a run of imported weights, they are those of `model.keras`.

        Raises:
            FileError: no epoch was completed, or the file is damaged, or of another network.
        """
        if self.has_checkpoints or not (self.directory / MODEL).is_file():
            tensors = self._read_best()
        else:
            tensors = self.model_weights
        check_weights(self.directory, self.spec, tensors)
        return tensors

    @property
    def has_checkpoints(self) -> bool:
        """Whether the best weights are in a file of their own."""
        return (self.directory / CHECKPOINTS / BEST).exists()

    def _read_best(self) -> dict[str, np.ndarray]:
        from safetensors import SafetensorError

        from builder.system.tensors import ChecksumDiffers, read_tensors

        path = self.directory / CHECKPOINTS / BEST
        if not path.exists():
            when = "is completed yet; a process trains in it at this moment"
            ended = when if is_training(self.directory) else "was completed"
            raise file_problem(self.directory, f"has no {CHECKPOINTS}/{BEST}: no epoch of this run {ended}")
        _check_readable(path)
        try:
            return read_tensors(path)[0]
        except (SafetensorError, OSError, ChecksumDiffers) as error:
            mend = f"delete it, and the weights of {MODEL} take its place"
            if not (self.directory / MODEL).exists():
                mend = f"train again with python tools/train.py {self.directory / SPEC}"
            raise file_problem(path, f"is damaged: {error}; {mend}") from error

    def metrics(self) -> list[dict[str, float]]:
        """The rows of `metrics.csv`: numbers by column, a row for each completed epoch.

        Raises:
            FileError: it is missing or damaged.
        """
        path = self.directory / METRICS
        try:
            return read_metrics(path)
        except OSError as error:
            raise file_problem(path, f"cannot be read: {error.strerror}") from error
        except ValueError as error:
            raise file_problem(path, f"is damaged: {error}; {_again(self.directory, MODEL)}") from error

    def best_row(self) -> Mapping[str, float] | None:
        """The row of `metrics.csv` of the epoch whose weights are the best; None where that is not known: in a run of
        imported weights, or without a readable `metrics.csv`."""
        try:
            return best_row(self.metrics(), self.recipe.checkpoints.best)
        except (FileError, KeyError):
            return None

    def data(self, data_dir: str | os.PathLike[str] | None = None, say: Say = silent) -> Data:
        """Loads the run's data.

        Args:
            data_dir: where TFDS keeps prepared data sets.
            say: takes lines of progress.

        Raises:
            UserError: they cannot be loaded, or differ from the data that it was trained on, or its weights were
                imported, so that it has none.
        """
        from archspec.spec.addresses import address
        from builder.data import check_fits, load_data

        if self.is_imported:
            message = "has no data of its own, as its weights were imported; name some with --data"
            raise file_problem(self.directory, message)
        recipe, where = self.recipe, address(self.spec, "train", "data")
        data = load_data(recipe.data, self.spec.graph.input.shape, data_dir, where, say)
        check_fits(data, self.spec, recipe)
        if data.fingerprint != self.about.fingerprint:
            message = (
                f"{data.name} is not what {self.directory} was trained on: the fingerprints differ; "
                "the pictures, their names or the library that reads them have changed since"
            )
            raise DataDiffer([Problem(where, message)])
        return data

    def check_finished(self) -> None:
        """Refuses a run without a best model.

        Raises:
            FileError: there is no `model.keras`.
        """
        if not (self.directory / MODEL).is_file():
            if is_training(self.directory):
                raise file_problem(
                    self.directory,
                    f"has no {MODEL} yet: a process trains in it at this moment, and writes it at its end",
                )
            raise file_problem(
                self.directory,
                f"has no {MODEL}: the training was stopped before it had written its best model; "
                + _again(self.directory),
            )


def open_run(directory: str | os.PathLike[str], is_finished: bool = True) -> Run:
    """Opens a run.

    Args:
        directory: the run's own, such as `runs/<name>/<time>`; a `model.keras` in it; or a search, whose best trial is
            opened.
        is_finished: whether to refuse a run without a best model. Its best weights are there after the first epoch.

    Raises:
        FileError: it is not a run, has no best model yet, its files are damaged, or the spec was changed since.
    """
    path, note = find_run(path_of(directory, "the directory of a run"))
    spec = load(path / SPEC)
    environment = path / ENVIRONMENT
    try:
        content = read_json(environment)
        about = described(content["data"])
        changed = differences(content["spec"], flat(spec.to_yaml()), (*MAY_CHANGE, *_half_extended(content, spec)))
    except FileNotFoundError as error:
        raise file_problem(environment, f"is not there; {_again(path, MODEL)}") from error
    except OSError as error:
        raise file_problem(environment, f"cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        again = _again(path, ENVIRONMENT, MODEL)
        raise file_problem(environment, f"is damaged: {type(error).__name__}: {error}; {again}") from error
    if changed:
        message = (
            f"the spec was changed since {path} was trained: {changed}; undo the change, or train the changed spec in "
            "a run of its own"
        )
        raise file_problem(path / SPEC, message)
    run = Run(path, spec, about, content, note)
    if is_finished:
        run.check_finished()
    return run


def _half_extended(environment: Mapping[str, Any], spec: Spec) -> tuple[str, ...]:
    """What differs between the two files of a run that was killed between their writing, when it got more epochs."""
    extended = (environment.get("resumed") or [{}])[-1].get("extended")
    is_half = extended is not None and spec.train is not None and extended["from"] == spec.train.epochs
    return ("train.epochs",) if is_half else ()


def _check_readable(path: Path) -> None:
    """Refuses a file that may not be read, which the user must not take for a damaged one and delete.

    Raises:
        FileError: it cannot be read.
    """
    try:
        check_regular(path)
    except OSError as error:
        raise file_problem(path, f"cannot be read: {error.strerror}") from error


def _again(directory: Path, *deleted: str) -> str:
    """How to have a file of a run written again. A complete run writes its files again if `model.keras` is missing."""
    command = resume_command("train", directory)
    if deleted:
        return f"delete {' and '.join(deleted)} there, and {command} writes what is missing"
    return f"{command} resumes the training and writes it"

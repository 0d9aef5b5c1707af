"""Opens the directory of a run: its spec, data, metrics, best model and best weights.

Opening itself imports no TensorFlow, so that a wrong directory is reported at once.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archspec import Spec, load
from archspec.errors import file_problem
from archspec.wording import did_you_mean
from builder.pictures.pixel_range import ANY, PixelRange
from builder.runs import comparison
from builder.runs.comparison import differences, flat
from builder.runs.directory import is_begun
from builder.runs.fitting import check_model, check_weights
from builder.runs.metrics import read_metrics
from builder.runs.names import BEST, CHECKPOINTS, ENVIRONMENT, EXPORT, METRICS, MODEL, SPEC
from builder.system.terminal import Say, silent

if TYPE_CHECKING:
    import keras
    import numpy as np

    from builder.data import Data
    from builder.pictures.normalisation import Normalisation

MAY_CHANGE = (*comparison.MAY_CHANGE, "train.data", "search", "description")
"""What may differ in `spec.yaml` from what it was when the run began: what changes no result, and where the data are,
which are known by their fingerprint."""


@dataclass(frozen=True)
class DataDescription:
    """The data of a run, as `environment.json` describes them.

    Attributes:
        train_count, validation_count: pictures.
        mean, std: of the training pixels, by channel.
        pixel_range: the lowest and the highest training pixel; 0 to 255 if it is not known.
        fingerprint: a hash of the pictures and labels.
    """

    name: str
    train_count: int
    validation_count: int
    class_names: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    pixel_range: PixelRange
    fingerprint: str

    @property
    def normalisation(self) -> Normalisation:
        """The normalisation inside the model."""
        from builder.pictures.normalisation import Normalisation

        return Normalisation(self.mean, self.std)


@dataclass(frozen=True)
class Run:
    """The directory of a run, opened by `open_run`.

    Attributes:
        directory: the run's own.
        spec: the resolved spec that it was trained with.
        about: a description of its data.
        environment: the contents of `environment.json`.
    """

    directory: Path
    spec: Spec
    about: DataDescription
    environment: Mapping[str, Any]

    @cached_property
    def model(self) -> keras.Model:
        """The model of `model.keras`: from pictures, uint8 or the same values as floats, of shape (batch, height,
        width, channels), to logits, float32 (batch, classes).

        A training writes it at its end. `weights` may be newer after an interruption.

        Raises:
            FileError: it is missing, damaged, or not of the spec; the message names the differing layers and fields.
        """
        import keras

        path = self.directory / MODEL
        self.check_finished()
        _check_readable(path)
        try:
            model = keras.models.load_model(path, compile=False)
        except Exception as error:  # what Keras raises for a file that is not a model has no common class
            raise file_problem(
                path, f"is damaged, or no model of Keras: {type(error).__name__}; {_again(self.directory, path.name)}"
            ) from None
        check_model(self.directory, self.spec, model)
        return model

    @cached_property
    def weights(self) -> dict[str, np.ndarray]:
        """The best weights so far, by `layer/variable`, of exactly the spec's network.

        They are those of `checkpoints/best.safetensors`, which is written with every epoch that is the best so far.
        `model.keras` is written when a training ends, so after an interruption and a resumption it may be older.

        Raises:
            FileError: no epoch was completed, or the file is missing, damaged, or of another network.
        """
        tensors = self._read_best()
        check_weights(self.directory, self.spec, tensors)
        return tensors

    def _read_best(self) -> dict[str, np.ndarray]:
        from safetensors import SafetensorError

        from builder.system.tensors import read_tensors

        path = self.directory / CHECKPOINTS / BEST
        again = (
            f"a completed run does not write it again; train again with python tools/train.py {self.directory / SPEC}"
        )
        if not path.exists():
            if not (self.directory / MODEL).exists():
                raise file_problem(self.directory, f"has no {CHECKPOINTS}/{BEST}: no epoch of this run was completed")
            raise file_problem(path, f"is not there; {again}")
        _check_readable(path)
        try:
            return read_tensors(path)[0]
        except (SafetensorError, OSError) as error:
            raise file_problem(path, f"is damaged: {error}; {again}") from error

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

    def data(self, data_dir: str | os.PathLike[str] | None = None, say: Say = silent) -> Data:
        """Loads the run's data.

        Args:
            data_dir: where TFDS keeps prepared data sets.
            say: takes lines of progress.

        Raises:
            FileError: they cannot be loaded, or differ from the data that it was trained on.
        """
        from archspec.spec.addresses import address, recipe_of
        from builder.data import check_fits, load_data

        recipe, where = recipe_of(self.spec), address(self.spec, "train", "data")
        data = load_data(recipe.data, self.spec.graph.input.shape, data_dir, where, say)
        check_fits(data, self.spec.graph, recipe, where)
        if data.fingerprint != self.about.fingerprint:
            message = (
                f"{data.name} is not what {self.directory} was trained on: the fingerprints differ; "
                "the pictures, their names or the library that reads them have changed since"
            )
            raise file_problem(where, message)
        return data

    def check_finished(self) -> None:
        """Refuses a run without a best model.

        Raises:
            FileError: there is no `model.keras`.
        """
        if not (self.directory / MODEL).is_file():
            raise file_problem(
                self.directory,
                f"has no {MODEL}: the training was stopped before it had written its best model; "
                + _again(self.directory),
            )


def open_run(directory: str | os.PathLike[str], is_finished: bool = True) -> Run:
    """Opens a run.

    Args:
        directory: the run's own, such as `runs/<name>/<time>`.
        is_finished: whether to refuse a run without a best model. Its best weights are there after the first epoch.

    Raises:
        FileError: it is not a run, has no best model yet, its files are damaged, or the spec was changed since.
    """
    path = Path(directory)
    _check_is_run(path)
    spec = load(path / SPEC)
    environment = path / ENVIRONMENT
    try:
        content = json.loads(environment.read_text(encoding="utf-8"))
        about = _described(content["data"])
        changed = differences(content["spec"], flat(spec.to_yaml()), MAY_CHANGE)
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
    run = Run(path, spec, about, content)
    if is_finished:
        run.check_finished()
    return run


def _check_is_run(path: Path) -> None:
    if not path.is_dir():
        parent = path.parent
        beside = [other.name for other in parent.iterdir() if other.is_dir()] if parent.is_dir() else []
        what = "is a file, expected the directory of a run" if path.exists() else "there is no such run"
        raise file_problem(path, what + did_you_mean(path.name, beside, few=0))
    if is_begun(path) and (path / SPEC).is_file():
        return
    inside = sorted(found.parent.name for found in path.glob(f"*/{CHECKPOINTS}"))
    if inside:
        raise file_problem(path, f"holds runs, and is none; name one of them: {', '.join(inside)}")
    if (path / EXPORT).is_file() or next(path.glob(f"*/{EXPORT}"), None):
        raise file_problem(path, f"is an export, expected the directory of a run; {EXPORT} names the one it is of")
    missing = [name for name in (SPEC, f"{CHECKPOINTS}/") if not (path / name).exists()]
    raise file_problem(path, f"is not the directory of a run: it has no {' and no '.join(missing)}")


def _described(data: Mapping[str, Any]) -> DataDescription:
    return DataDescription(
        name=str(data["name"]),
        train_count=int(data["train"]),
        validation_count=int(data["validation"]),
        class_names=tuple(map(str, data["classes"])),
        mean=tuple(map(float, data["pixel_mean"])),
        std=tuple(map(float, data["pixel_std"])),
        pixel_range=pixel_range_of(data),
        fingerprint=str(data["fingerprint"]),
    )


def pixel_range_of(data: Mapping[str, Any]) -> PixelRange:
    """The range of training pixels that the entry `data` of `environment.json` records."""
    least, most = map(int, data.get("pixel_range", ANY))
    return PixelRange(least, most)


def _check_readable(path: Path) -> None:
    """Refuses a file that may not be read, which the user must not take for a damaged one and delete.

    Raises:
        FileError: it cannot be read.
    """
    try:
        path.open("rb").close()
    except OSError as error:
        raise file_problem(path, f"cannot be read: {error.strerror}") from error


def _again(directory: Path, *deleted: str) -> str:
    """How to have a file of a run written again. A complete run writes its files again if `model.keras` is missing."""
    command = f"python tools/train.py {directory / SPEC} --resume {directory}"
    if deleted:
        return f"delete {' and '.join(deleted)} there, and {command} writes what is missing"
    return f"{command} resumes the training and writes it"

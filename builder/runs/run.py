"""Opening a run that was trained: its spec, its data, its best model and weights, each with its errors.

Opening itself needs no TensorFlow, so that a wrong directory is told at once.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archspec import Spec, load
from archspec.errors import FileError, file_problem
from archspec.wording import did_you_mean, first_few
from builder.runs import comparison
from builder.runs.comparison import NAMED, differences, flat
from builder.runs.directory import is_begun

if TYPE_CHECKING:
    import keras
    import numpy as np

    from builder.data import Data
    from builder.pictures.normalisation import Normalisation

REPORT = "export.json"
"""What an export's folder has."""
MAY_CHANGE = (*comparison.MAY_CHANGE, "train.data", "search", "description")
"""What may be otherwise in `spec.yaml` than it was when the run began: what changes no result, and where the data are,
which are known by their fingerprint."""


@dataclass(frozen=True)
class DataDescription:
    """What `environment.json` says of the data: `mean` and `std` are of the pixels, channel by channel."""

    name: str
    train_count: int
    validation_count: int
    class_names: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    fingerprint: str

    @property
    def normalisation(self) -> Normalisation:
        """The normalisation inside the model."""
        from builder.pictures.normalisation import Normalisation

        return Normalisation(self.mean, self.std)


@dataclass(frozen=True)
class Run:
    """A run with a best model.

    Attributes:
        directory: the run's.
        spec: the resolved spec that it was trained by.
        about: its data.
        environment: all of `environment.json`.
    """

    directory: Path
    spec: Spec
    about: DataDescription
    environment: Mapping[str, Any]

    @cached_property
    def model(self) -> keras.Model:
        """`model.keras`: from uint8 pictures (batch, height, width, channels), or their values as floats, to logits.

        Raises:
            FileError: it is damaged, or not of the spec, with the differences by layer and field.
        """
        import keras

        path = self.directory / "model.keras"
        _check_readable(path)
        try:
            model = keras.models.load_model(path, compile=False)
        except Exception as error:  # what Keras raises for a file that is not a model has no common class
            raise file_problem(
                path, f"is damaged, or no model of Keras: {type(error).__name__}; {_anew(self.directory, path.name)}"
            ) from None
        _check_same(self.directory, self.spec, model)
        return model

    @cached_property
    def weights(self) -> dict[str, np.ndarray]:
        """The best weights, by `layer/variable`, of exactly the spec's network.

        Raises:
            FileError: `checkpoints/best.safetensors` is not there, damaged, or of another network.
        """
        from safetensors import SafetensorError

        from builder.network.model import build
        from builder.runs.checkpoints import BEST
        from builder.system.tensors import read_tensors

        path = self.directory / "checkpoints" / BEST
        anew = f"python tools/train.py {self.directory}/spec.yaml"
        again = f"a completed run does not write it again; train anew with {anew}"
        if not path.exists():
            raise file_problem(path, f"is not there; {again}")
        _check_readable(path)
        try:
            tensors, _ = read_tensors(path)
        except (SafetensorError, OSError) as error:
            raise file_problem(path, f"is damaged: {error}; {again}") from error
        expected = {weight.path: tuple(weight.shape) for weight in build(self.spec, "portable").weights}
        found = {name: tensor.shape for name, tensor in tensors.items()}
        changed = [name for name in {**expected, **found} if expected.get(name) != found.get(name)]
        if changed:
            shown = [f"{name} is {_size(found, name)}, by the spec {_size(expected, name)}" for name in changed]
            raise _another(self.directory, path, shown)
        return tensors

    def data(
        self, data_dir: str | os.PathLike[str] | None = None, say: Callable[[str], None] = lambda line: None
    ) -> Data:
        """The run's data, loaded anew.

        Raises:
            FileError: they cannot be loaded, or are others than those that it was trained on.
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


def open_run(directory: str | os.PathLike[str], is_finished: bool = True) -> Run:
    """A run, ready to use.

    Args:
        directory: the run's own, `runs/<name>/<time>`.
        is_finished: whether it has to have its best model already; its best weights it has from the first epoch on.

    Raises:
        FileError: it is not a run, has no best model yet, its files are damaged, or the spec was changed since.
    """
    path = Path(directory)
    _check_is_run(path)
    spec = load(path / "spec.yaml")
    environment = path / "environment.json"
    try:
        content = json.loads(environment.read_text(encoding="utf-8"))
        about = _described(content["data"])
        changed = differences(content["spec"], flat(spec.to_yaml()), MAY_CHANGE)
    except FileNotFoundError as error:
        raise file_problem(environment, f"is not there; {_anew(path, 'model.keras')}") from error
    except OSError as error:
        raise file_problem(environment, f"cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        again = _anew(path, environment.name, "model.keras")
        raise file_problem(environment, f"is damaged: {type(error).__name__}: {error}; {again}") from None
    if changed:
        message = (
            f"the spec was changed since {path} was trained: {changed}; undo the change, or train the changed spec in "
            "a run of its own"
        )
        raise file_problem(path / "spec.yaml", message)
    if is_finished and not (path / "model.keras").is_file():
        raise file_problem(
            path, "has no model.keras: the training was stopped before it had written its best model; " + _anew(path)
        )
    return Run(path, spec, about, content)


def _check_is_run(path: Path) -> None:
    if not path.is_dir():
        parent = path.parent
        beside = [other.name for other in parent.iterdir() if other.is_dir()] if parent.is_dir() else []
        what = "is a file, expected the directory of a run" if path.exists() else "there is no such run"
        raise file_problem(path, what + did_you_mean(path.name, beside, few=0))
    if is_begun(path) and (path / "spec.yaml").is_file():
        return
    inside = sorted(found.parent.name for found in path.glob("*/checkpoints"))
    if inside:
        raise file_problem(path, f"holds runs, and is none; name one of them: {', '.join(inside)}")
    if (path / REPORT).is_file() or next(path.glob(f"*/{REPORT}"), None):
        raise file_problem(path, f"is an export, expected the directory of a run; {REPORT} names the one it is of")
    missing = [name for name in ("spec.yaml", "checkpoints/") if not (path / name).exists()]
    raise file_problem(path, f"is not the directory of a run: it has no {' and no '.join(missing)}")


def _described(data: Mapping[str, Any]) -> DataDescription:
    return DataDescription(
        name=str(data["name"]),
        train_count=int(data["train"]),
        validation_count=int(data["validation"]),
        class_names=tuple(map(str, data["classes"])),
        mean=tuple(map(float, data["pixel_mean"])),
        std=tuple(map(float, data["pixel_std"])),
        fingerprint=str(data["fingerprint"]),
    )


def _check_readable(path: Path) -> None:
    """Tells a file that may not be read from a damaged one, which would be deleted.

    Raises:
        FileError: it cannot be read.
    """
    try:
        path.open("rb").close()
    except OSError as error:
        raise file_problem(path, f"cannot be read: {error.strerror}") from error


def _anew(directory: Path, *deleted: str) -> str:
    """How to have a file of a run written again. A run that is complete does so where `model.keras` is missing."""
    command = f"python tools/train.py {directory}/spec.yaml --resume {directory}"
    if deleted:
        return f"delete {' and '.join(deleted)} there, and {command} writes what is missing"
    return f"{command} goes on with the training and writes it"


# -- the spec and the model ------------------------------------------------------------------------------------------


def _check_same(directory: Path, spec: Spec, model: keras.Model) -> None:
    """Refuses a model that the spec does not describe: other layers, or other fields of one."""
    from builder.network.model import build

    now, then = (dict(_fields(one)) for one in (build(spec, "portable"), model))
    changed = [path for path in {**then, **now} if now.get(path) != then.get(path)]
    gone = {path for path in changed if path.count(":") == 0}
    changed = [path for path in changed if path in gone or path.split(":")[0] not in gone]
    if changed:
        shown = [
            f"{path.replace(':', '.')} is {then.get(path, 'absent')}, by the spec {now.get(path, 'absent')}"
            for path in changed
        ]
        raise _another(directory, directory / "model.keras", shown)


def _fields(model: keras.Model) -> Iterator[tuple[str, str]]:
    """What a model computes, by `layer` and `layer:field`; how it was initialised and trained is left out."""
    import keras

    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _fields(layer)
        elif layer.name != "pixels" and not isinstance(layer, keras.layers.InputLayer) and _is_named(layer):
            yield layer.name, type(layer).__name__
            for field, value in layer.get_config().items():
                if not field.endswith(("initializer", "regularizer", "constraint")) and field not in UNIMPORTANT:
                    yield f"{layer.name}:{field}", str(value if not isinstance(value, list) else tuple(value))


UNIMPORTANT = ("name", "dtype", "trainable", "seed", "synchronized", "autocast", "noise_shape", "momentum", "rate")


def _is_named(layer: Any) -> bool:
    """Whether its name comes from the spec, not from a count of Keras's."""
    import keras

    return isinstance(layer, keras.layers.Layer) and not type(layer).__module__.startswith("keras.src.ops")


def _another(directory: Path, path: Path, shown: list[str]) -> FileError:
    few = "; ".join(first_few(shown, NAMED))
    message = f"is of another network than {directory / 'spec.yaml'}: {few}; put back the file that was there"
    return file_problem(path, message)


def _size(shapes: Mapping[str, tuple[int, ...]], name: str) -> str:
    return "x".join(map(str, shapes[name])) if name in shapes else "absent"

"""Reading weights, whatever they are kept in."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import ml_dtypes  # noqa: F401  numpy knows bfloat16 with it
import numpy as np
from safetensors import SafetensorError, safe_open

from archspec.errors import file_problem
from builder.runs.names import BEST, CHECKPOINTS
from builder.runs.run import open_run
from builder.weights.source import WeightsFile, state_dict
from builder.weights.torch_files import read_state_dict
from builder.weights.units import Part, Units

KINDS = ".safetensors, .pth or .pt (a state dict of PyTorch), .weights.h5, .keras, a run's directory, keras:ResNet50"


def read(source: str | os.PathLike[str]) -> WeightsFile:
    """The weights of a file, of a run (its best), or of keras.applications (`keras:ResNet50`, as trained on ImageNet).

    Raises:
        FileError: there is no such file, it is damaged, or of no known kind; or a pickle that asks for more than
            tensors.
    """
    text = os.fspath(source)
    if text.startswith("keras:"):
        from builder.weights.keras_files import read_application

        return read_application(text.removeprefix("keras:"))
    path = Path(text)
    if path.is_dir():
        return read_run(path)
    try:
        path.open("rb").close()
    except OSError as error:
        raise file_problem(path, f"cannot be read: {error.strerror}") from error
    if path.suffix == ".safetensors":
        return _named(text, read_safetensors(path))
    if path.suffix in (".pth", ".pt"):
        return state_dict(text, read_state_dict(path))
    from builder.weights import keras_files

    if path.name.endswith(".weights.h5"):
        return keras_files.read_weights(path)
    if path.suffix == ".keras":
        return keras_files.read_model(path)
    raise file_problem(path, f"is of no known kind; weights are read from {KINDS}")


def read_run(directory: Path) -> WeightsFile:
    """Reads the best weights of a run.

    Raises:
        FileError: it is not a run, has no best weights yet, or they are not of its spec's network.
    """
    tensors = open_run(directory, is_finished=False).weights
    return _named(str(directory / CHECKPOINTS / BEST), dict(sorted(tensors.items())))


def read_safetensors(path: Path) -> dict[str, np.ndarray]:
    """The tensors of a `.safetensors` file, sorted by name.

    Raises:
        FileError: it is damaged.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            return {name: file.get_tensor(name) for name in sorted(file.keys())}
    except AttributeError as error:  # of numpy, which has no such numbers
        kind = f"has numbers of type {error.name}, which is not read"
        raise file_problem(path, f"{kind}; save it with 16 or 32 bits") from None
    except (SafetensorError, OSError, TypeError, ValueError) as error:
        raise file_problem(path, f"is not a .safetensors file, or damaged: {error}") from error


def _named(name: str, tensors: Mapping[str, np.ndarray]) -> WeightsFile:
    """The weights of a state dict, or of variables of Keras, whose names are paths: `conv1/kernel`."""
    if not tensors or not all("/" in key for key in tensors):
        return state_dict(name, tensors)
    from builder.weights.keras_files import ROLES, unit_in_keras

    layers: dict[str, dict[str, Part]] = {}
    for key, tensor in tensors.items():
        layer, _, variable = key.rpartition("/")
        layers.setdefault(layer, {})[ROLES.get(variable, variable)] = Part.of(key, tensor)
    units = tuple(unit_in_keras(layer, parts, depthwise=False) for layer, parts in layers.items())
    return WeightsFile(name, "keras", Units(units, in_order=False))

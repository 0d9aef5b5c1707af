"""Reading weights from any kind of file, from a run, or from keras.applications."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import ml_dtypes  # noqa: F401  numpy knows bfloat16 with it
import numpy as np
from safetensors import SafetensorError, safe_open

from archspec.errors import file_problem, path_of
from archspec.files import check_regular
from archspec.wording import first_few, quoted
from builder.runs.names import BEST, CHECKPOINTS
from builder.runs.run import open_run
from builder.system.limits import excess
from builder.weights.source import WeightsFile, state_dict, under
from builder.weights.torch_files import read_checkpoint
from builder.weights.units import NamedTensor, Units

KINDS = ".safetensors, .pth or .pt (a state dict of PyTorch), .weights.h5, .keras, a run's directory, keras:ResNet50"


def read(source: str | os.PathLike[str], prefix: str = "") -> WeightsFile:
    """Reads weights.

    Args:
        source: a file's path; a run's directory, for its best weights; or `keras:ResNet50` and the like, for a network
            of keras.applications as trained on ImageNet.
        prefix: for a state dict of PyTorch, where in the file it is: the key of a checkpoint, such as `model_ema`, or
            the beginning of the tensors' names, such as `encoder`, or both, joined by a dot.

    Raises:
        FileError: the file does not exist, is damaged or of no known kind, is a pickle that names more than tensors, or
            has nothing under the prefix.
    """
    path_of(source, "the path of weights, a run's directory, or keras:NAME")
    text, prefix = os.fspath(source), prefix.rstrip(".")
    path = Path(text)
    if path.suffix in (".pth", ".pt") and path.exists() and not path.is_dir():
        return _of_checkpoint(text, path, prefix)
    found = _read(text, path)
    return under(found, prefix) if prefix else found


def _read(text: str, path: Path) -> WeightsFile:
    if text.startswith("keras:"):
        from builder.weights.keras_files import read_application

        return read_application(text.removeprefix("keras:"))
    if path.is_dir():
        return read_run(path)
    try:
        size = check_regular(path)
    except OSError as error:
        raise file_problem(path, f"cannot be read: {error.strerror}") from error
    if path.suffix == ".safetensors":
        if reason := excess(size, size):
            raise file_problem(path, f"is not read: {reason}")
        return _named(text, read_safetensors(path))
    from builder.weights import keras_files

    if path.name.endswith(".weights.h5"):
        return keras_files.read_weights(path)
    if path.suffix == ".keras":
        return keras_files.read_keras_model(path)
    raise file_problem(path, f"is of no known kind; weights are read from {KINDS}")


def _of_checkpoint(text: str, path: Path, prefix: str) -> WeightsFile:
    """A state dict of a file of PyTorch.

    Raises:
        FileError: see `read`.
    """
    checkpoint = read_checkpoint(path)
    parts = checkpoint.parts
    asked = [key for key in parts if key and f"{prefix}.".startswith(f"{key}.")]
    key = max(asked, key=len, default=checkpoint.default)
    if key is None:
        names = ", ".join(first_few([quoted(name) for name in parts], 10))
        raise file_problem(path, f"holds several state dicts, {names}; say which with --prefix {next(iter(parts))}")
    shapes = _kernels(parts[key])
    others = tuple(name for name, tensors in parts.items() if name != key and _is_alike(_kernels(tensors), shapes))
    source = replace(state_dict(text, parts[key]), part=key, others=others)
    rest = prefix[len(key) + 1 :] if asked else prefix
    return under(source, rest) if rest else source


def _kernels(tensors: Mapping[str, np.ndarray]) -> Counter[tuple[int, ...]]:
    """How often each shape occurs among the tensors of more than one axis."""
    return Counter(tensor.shape for tensor in tensors.values() if tensor.ndim > 1)


def _is_alike(shapes: Counter[tuple[int, ...]], chosen: Counter[tuple[int, ...]]) -> bool:
    """Whether a state dict may be of the same network: half of the chosen one's kernels have an equal in it."""
    return 2 * (shapes & chosen).total() >= chosen.total() > 0


def read_run(directory: Path) -> WeightsFile:
    """Reads the best weights of a run.

    Raises:
        FileError: the directory is not a run's, or has no checkpoint.
    """
    tensors = open_run(directory, is_finished=False).weights
    return _named(str(directory / CHECKPOINTS / BEST), dict(sorted(tensors.items())))


def read_safetensors(path: Path) -> dict[str, np.ndarray]:
    """Reads the tensors of a `.safetensors` file, sorted by name.

    Raises:
        FileError: the file is damaged, or has numbers of a type that numpy lacks.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            return {name: file.get_tensor(name) for name in sorted(file.keys())}
    except AttributeError as error:  # numpy has no such type
        kind = f"has numbers of type {error.name}, which is not read"
        raise file_problem(path, f"{kind}; save it with 16 or 32 bits") from None
    except (SafetensorError, OSError, TypeError, ValueError) as error:
        raise file_problem(path, f"is not a .safetensors file, or damaged: {error}") from error


def _named(name: str, tensors: Mapping[str, np.ndarray]) -> WeightsFile:
    """The weights of a state dict, or of Keras's variables if all names are paths such as `conv1/kernel`."""
    if not tensors or not all("/" in key for key in tensors):
        return state_dict(name, tensors)
    from builder.network.naming import ROLES
    from builder.weights.keras_files import unit_in_keras

    layers: dict[str, dict[str, NamedTensor]] = {}
    for key, tensor in tensors.items():
        layer, _, variable = key.rpartition("/")
        layers.setdefault(layer, {})[ROLES.get(variable, variable)] = NamedTensor.of(key, tensor)
    units = tuple(unit_in_keras(layer, variables) for layer, variables in layers.items())
    return WeightsFile(name, "keras", Units(units, in_order=False))

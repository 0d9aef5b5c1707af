"""Writing weights for Keras's `load_weights`, and for PyTorch's `load_state_dict(strict=True)`."""

from __future__ import annotations

import os
import tempfile
import zipfile
from pathlib import Path

import keras
import numpy as np

from archspec.errors import file_problem
from builder.network.model import build
from builder.network.naming import VARIABLES
from builder.system import files
from builder.system.files import replacing
from builder.system.tensors import write_tensors
from builder.weights.layout import to_torch
from builder.weights.matching import Matching, match
from builder.weights.report import require, require_finite
from builder.weights.source import WeightsFile
from builder.weights.units import Layout

SUFFIXES = {"keras": (".weights.h5", ".keras"), "torch": (".safetensors",)}
"""How the names of the files that can be written end, by layout."""


def apply(matching: Matching, model: keras.Model) -> None:
    """Sets the matched weights in a model that `builder.build` made from the same network, with any lowering."""
    for layer, role, values in matching.tensors():
        getattr(model.get_layer(layer), VARIABLES.get(role, role)).assign(values)


def check_output(path: str | os.PathLike[str], layout: Layout, force: bool = False) -> Path:
    """Refuses an output file that could not be written, before any work is done that would be lost.

    Raises:
        FileError: the file exists and `force` is not set, its directory does not exist or cannot be written to, or its
            name ends in no known way.
    """
    path = Path(path)
    suffixes = SUFFIXES[layout]
    if not path.name.endswith(suffixes):
        raise file_problem(path, f"cannot be written: its name must end in {' or '.join(suffixes)}")
    if path.is_dir():
        raise file_problem(path, "is a directory")
    if path.exists() and not force:
        raise file_problem(path, "exists already, and is overwritten only with --force")
    if not path.parent.is_dir():
        raise file_problem(path.parent, "is not a directory")
    try:
        files.check_writable(path.parent)
    except OSError as error:
        raise file_problem(path.parent, f"cannot be written to: {error.strerror}") from error
    return path


def write_keras(matching: Matching, path: str | os.PathLike[str], force: bool = False) -> None:
    """Writes `.weights.h5` for `load_weights` of the network's portable model, or `.keras` with that whole model.

    A new head, and whatever a partial matching lacks, has the values with which the spec initialises it.

    Raises:
        FileError: a value is not finite, or `check_output` refuses the file.
    """
    path = check_output(path, "keras", force)
    require_finite(matching)
    model = build(matching.graph, "portable", "float32")
    apply(matching, model)
    with replacing(path) as temporary:
        if path.suffix == ".keras":
            model.save(temporary)
        else:
            temporary.write_bytes(_hdf5(model))


def _hdf5(model: keras.Model) -> bytes:
    """The content of a `.weights.h5` file, taken out of a `.keras` file, for which Keras makes it in memory: where a
    disk is full, HDF5 would end the process."""
    with tempfile.TemporaryDirectory() as folder:
        model.save(path := Path(folder) / "model.keras")
        with zipfile.ZipFile(path) as archive:
            return archive.read("model.weights.h5")


def write_torch(matching: Matching, like: WeightsFile, path: str | os.PathLike[str], force: bool = False) -> None:
    """Writes a `.safetensors` state dict with the names and shapes of another one.

    Args:
        matching: the weights, complete.
        like: a state dict of the PyTorch module; its values are not used.

    Raises:
        FileError: the weights are incomplete or not finite, `like` belongs to another network, or `check_output`
            refuses the file.
    """
    path = check_output(path, "torch", force)
    require_finite(matching)
    if matching.counts.keys() - {"ignored"} != {"matched"}:
        raise file_problem(matching.source.name, "has not all weights of the network, and PyTorch's are whole")
    write_tensors(path, state_dict_like(matching, like), {"format": "pt"})


def state_dict_like(matching: Matching, like: WeightsFile) -> dict[str, np.ndarray]:
    """The weights of a matching under the names and in the shapes of another state dict, in float32.

    Raises:
        FileError: `like` is not a state dict, or belongs to another network.
    """
    if like.layout != "torch":
        raise file_problem(like.name, "is not a state dict of PyTorch, whose names and shapes are wanted; name one")
    names = match(matching.graph, like)
    require(names)
    values = {(layer, role): tensor for layer, role, tensor in matching.tensors()}
    tensors: dict[str, np.ndarray] = {}
    for entry in names.entries:
        if entry.status == "ignored":
            continue
        assert entry.unit and entry.theirs
        order = names.orders[entry.unit.name]
        ours = values[entry.unit.name, entry.role]
        tensors[entry.theirs.name] = to_torch(ours, entry.role, entry.unit.size, order, entry.theirs.shape)
    return tensors | {name: np.zeros((), np.int64) for name in like.counters}

"""Keras's weights: models in memory, `.keras` and `.weights.h5` files, and the networks of keras.applications."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np

from archspec.errors import file_problem
from archspec.wording import did_you_mean, first_line, quoted
from builder.weights.names import natural_key, tokens
from builder.weights.source import WeightsFile
from builder.weights.units import VARIABLES, Part, Role, Unit, Units, is_real, keras_size, unit_of

ROLES: dict[str, Role] = {variable: role for role, variable in VARIABLES.items()}


# -- models ----------------------------------------------------------------------------------------------------------


def read_model(path: Path) -> WeightsFile:
    """A whole `.keras` model, with its wiring. It may hold Keras's own layers only, and no code.

    Raises:
        FileError: it cannot be loaded.
    """
    try:
        model = keras.models.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # Keras raises what comes
        raise file_problem(path, f"cannot be loaded by Keras: {first_line(error)}") from error
    return of_model(str(path), model)


def read_application(name: str, weights: str | None = "imagenet") -> WeightsFile:
    """A network of keras.applications.

    Args:
        name: as Keras has it, such as `ResNet50`.
        weights: `imagenet`, which Keras downloads on first use, or None for fresh ones.

    Raises:
        FileError: no such network, or it cannot be downloaded.
    """
    known = [word for word in dir(keras.applications) if word[0].isupper()]
    if name not in known:
        raise file_problem(f"keras:{name}", f"keras.applications has no {quoted(name)}{did_you_mean(name, known)}")
    try:
        model = getattr(keras.applications, name)(weights=weights)
    except Exception as error:  # Keras raises a bare Exception where a download fails
        raise file_problem(f"keras:{name}", f"cannot be loaded by Keras: {first_line(error)}") from error
    return of_model(f"keras:{name}", model)


def of_model(name: str, model: keras.Model) -> WeightsFile:
    """The weights of a model in memory; with its wiring where each of its layers is used once."""
    layers: list[tuple[keras.layers.Layer, frozenset[int]]] = []
    try:
        _walk(model, [frozenset()] * len(model.inputs), layers)
        upstream = tuple(tuple(sorted(before)) for _, before in layers)
    except (AttributeError, ValueError, KeyError):  # a subclassed model, or a layer that is used several times
        layers = [(layer, frozenset()) for layer in model._flatten_layers() if _own_weights(layer)]
        upstream = None
    used: dict[str, int] = {}
    units = []
    for layer, _ in layers:
        used[layer.name] = used.get(layer.name, 0) + 1
        unique = layer.name if used[layer.name] == 1 else f"{layer.name}#{used[layer.name]}"
        units.append(_unit(unique, layer))
    return WeightsFile(name, "keras", Units(tuple(units), upstream, in_order=upstream is not None))


def _walk(
    model: keras.Model,
    arriving: Sequence[frozenset[int]],
    layers: list[tuple[keras.layers.Layer, frozenset[int]]],
) -> list[frozenset[int]]:
    """Appends a functional model's layers with weights, each with the positions of those that feed it directly.

    Returns:
        For each output of the model, the positions of the layers whose weights it comes from directly.
    """
    reaching = {id(tensor): before for tensor, before in zip(model.inputs, arriving, strict=True)}
    for operation in model.operations:
        if isinstance(operation, keras.layers.InputLayer):
            continue
        # A model that is called has its own inputs too, which are not this one's.
        (node,) = (n for n in operation._inbound_nodes if all(id(tensor) in reaching for tensor in n.input_tensors))
        before = [reaching[id(tensor)] for tensor in node.input_tensors]
        union = frozenset[int]().union(*before)
        after = [union] * len(node.output_tensors)
        if isinstance(operation, keras.Model):
            after = _walk(operation, before, layers)
        elif _own_weights(operation):
            layers.append((operation, union))
            after = [frozenset([len(layers) - 1])] * len(node.output_tensors)
        reaching |= {id(tensor): value for tensor, value in zip(node.output_tensors, after, strict=True)}
    return [reaching[id(tensor)] for tensor in model.outputs]


def _own_weights(operation: Any) -> bool:
    is_layer = isinstance(operation, keras.layers.Layer) and not isinstance(operation, keras.Model)
    return is_layer and bool(operation.weights)


KNOWN = (
    keras.layers.Conv2D,
    keras.layers.DepthwiseConv2D,
    keras.layers.Dense,
    keras.layers.BatchNormalization,
    keras.layers.LayerNormalization,
)


def _unit(name: str, layer: keras.layers.Layer) -> Unit:
    parts = {ROLES.get(v.name, v.name): Part.of(f"{name}/{v.name}", np.asarray(v)) for v in layer.weights}
    if not isinstance(layer, KNOWN):
        return Unit(name, "other", (), parts)
    return unit_in_keras(name, parts, isinstance(layer, keras.layers.DepthwiseConv2D))


def unit_in_keras(name: str, parts: Mapping[Role, Part], depthwise: bool) -> Unit:
    """A layer from its tensors by role; a depthwise kernel is told by the layer alone, its shape is any kernel's."""
    kernel = parts.get("kernel")
    if depthwise and kernel:
        height, width, channels, multiplier = kernel.shape
        return Unit(name, "kernel", (height, width, 1, channels * multiplier), parts)
    if parts.keys() <= VARIABLES.keys() and all(part.values is None or is_real(part.values) for part in parts.values()):
        return unit_of(name, parts, keras_size)
    return Unit(name, "other", (), parts)


# -- files of weights --------------------------------------------------------------------------------------------------


def read_weights(path: Path) -> WeightsFile:
    """A `.weights.h5` file. It has the names of layers and no wiring.

    Raises:
        FileError: it is not one, or it is damaged.
    """
    try:
        with h5py.File(path) as file:
            groups = _groups(file)
            layers = [_h5_unit(group, layer) for group, layer in groups]
    except Exception as error:  # h5py raises whatever the damage leads it to
        raise file_problem(path, f"is not a .weights.h5 file of Keras 3, or damaged: {first_line(error)}") from error
    if not layers:
        raise file_problem(path, "has no weights in it")
    return WeightsFile(str(path), "keras", Units(tuple(layers), in_order=False))


def _groups(file: h5py.File) -> list[tuple[str, h5py.Group]]:
    """The groups that stand for a layer with weights, without what belongs to an optimizer or a random generator."""
    found: list[tuple[str, h5py.Group]] = []

    def visit(name: str, item: Any) -> None:
        skipped = name.startswith("optimizer") or "seed_generator" in name
        if name.endswith("vars") and isinstance(item, h5py.Group) and len(item) and not skipped:
            found.append((name.removesuffix("vars").strip("/"), item))

    file.visititems(visit)
    return sorted(found, key=lambda pair: natural_key(tokens(pair[0])))


def _h5_unit(group: str, variables: h5py.Group) -> Unit:
    """A layer from its numbered variables, whose roles follow from the group's name, which is that of the class."""
    name = str(variables.attrs.get("name", group))
    arrays = [_h5_values(variables, key) for key in sorted(variables, key=int)]
    kind = re.sub(r"_\d+$", "", group.rpartition("/")[2])
    roles = _h5_roles(kind, [array.ndim for array in arrays])
    parts = {
        role: Part.of(f"{name}/{VARIABLES.get(role, role)}", array) for role, array in zip(roles, arrays, strict=True)
    }
    return unit_in_keras(name, parts, kind.startswith("depthwise"))


def _h5_values(variables: h5py.Group, key: str) -> np.ndarray:
    """A variable's values; HDF5 can also refer to other files, which is refused."""
    if not isinstance(variables.get(key, getlink=True), h5py.HardLink):
        raise ValueError(f"{variables.name}/{key} is a link to elsewhere")
    values = variables[key]
    if not isinstance(values, h5py.Dataset) or values.external or values.is_virtual:
        raise ValueError(f"{variables.name}/{key} is not an array in this file")
    return np.asarray(values)


def _h5_roles(kind: str, ranks: Sequence[int]) -> list[Role]:
    if ranks[0] > 1:
        names = ["kernel", "bias"]
    elif "batch" in kind:
        # Of three, one of the first two is not there, and the file does not say which.
        names = {2: ["mean", "variance"], 4: ["gamma", "beta", "mean", "variance"]}.get(len(ranks), [])
    elif "layer_norm" in kind:
        names = ["gamma", "beta"]
    else:
        names = []
    return names[: len(ranks)] if len(names) >= len(ranks) else [str(number) for number in range(len(ranks))]

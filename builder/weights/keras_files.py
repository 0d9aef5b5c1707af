"""Keras's weights: models in memory, `.keras` and `.weights.h5` files, and the networks of keras.applications."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np

from archspec import ops
from archspec.errors import FileError, file_problem
from archspec.files import open_regular
from archspec.ops import Weight
from archspec.wording import did_you_mean, first_line, quoted
from builder.network.loading import Claim, check_arrays, load_model
from builder.network.naming import ROLES, VARIABLES
from builder.network.stock_layers import LAYERS
from builder.weights.names import natural_key, tokens
from builder.weights.source import WeightsFile
from builder.weights.units import NamedTensor, Role, Unit, Units, is_real, kernel_size, unit_of

# -- models ----------------------------------------------------------------------------------------------------------


def read_keras_model(path: Path) -> WeightsFile:
    """Reads a whole `.keras` model, with its wiring. It may hold only Keras's own layers, and no code.

    Raises:
        FileError: Keras cannot load it.
    """
    try:
        model = load_model(path)
    except FileError:
        raise
    except Exception as error:  # Keras raises all kinds of exceptions
        raise file_problem(path, f"cannot be loaded by Keras: {first_line(error)}") from error
    return of_model(str(path), model)


def read_application(name: str, weights: str | None = "imagenet") -> WeightsFile:
    """Builds a network of keras.applications.

    Args:
        name: Keras's name for it, such as `ResNet50`.
        weights: `imagenet` for trained ones, which Keras downloads on first use, or None for random ones.

    Raises:
        FileError: there is no such network, or it cannot be downloaded.
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
    """The weights of a model in memory, with its wiring if each of its layers is used once."""
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
    """Appends a functional model's layers with weights, each with the positions of the nearest ones upstream of it.

    Returns:
        For each output of the model, the positions of the nearest layers with weights upstream of it.
    """
    reaching = {id(tensor): before for tensor, before in zip(model.inputs, arriving, strict=True)}
    for operation in model.operations:
        if isinstance(operation, keras.layers.InputLayer):
            continue
        # A model that is called inside this one has a node for its own inputs too.
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


def _unit(name: str, layer: keras.layers.Layer) -> Unit:
    tensors = {ROLES.get(v.name, v.name): NamedTensor.of(f"{name}/{v.name}", np.asarray(v)) for v in layer.weights}
    op = next((op for op, layer_class in LAYERS.items() if isinstance(layer, layer_class)), None)
    return Unit(name, "other", (), tensors) if op is None else unit_in_keras(name, tensors, _output_axes(op))


def _output_axes(op: type[ops.Op]) -> int:
    return 2 if op is ops.DepthwiseConv else 1


def unit_in_keras(name: str, tensors: Mapping[Role, NamedTensor], output_axes: int = 1) -> Unit:
    """A layer from its tensors by role.

    Args:
        output_axes: see `Weight`, of the kernel if there is one; the layer's class tells it, the kernel's shape does
            not.
    """
    real = all(tensor.values is None or is_real(tensor.values) for tensor in tensors.values())
    if not real or not tensors.keys() <= VARIABLES.keys():
        return Unit(name, "other", (), tensors)
    kernel = tensors.get("kernel")
    return unit_of(name, tensors, kernel_size(Weight(kernel.shape, output_axes=output_axes)) if kernel else None)


# -- files of weights --------------------------------------------------------------------------------------------------


def read_weights(path: Path) -> WeightsFile:
    """Reads a `.weights.h5` file, which has the names of layers and no wiring.

    Raises:
        FileError: the file is of another kind, or damaged.
    """
    try:
        with open_regular(path) as stream, h5py.File(stream) as file:
            check_arrays(file, os.fstat(stream.fileno()).st_size)
            groups = _groups(file)
            layers = [_h5_unit(group, layer) for group, layer in groups]
    except Claim as claim:
        raise file_problem(path, f"is not read: {claim}") from None
    except Exception as error:  # h5py raises all kinds of exceptions on damaged files
        raise file_problem(path, f"is not a .weights.h5 file of Keras 3, or damaged: {first_line(error)}") from error
    if not layers:
        raise file_problem(path, "has no weights in it")
    return WeightsFile(str(path), "keras", Units(tuple(layers), in_order=False))


def _groups(file: h5py.File) -> list[tuple[str, h5py.Group]]:
    """The groups of layers with weights, without those of optimizers and random generators."""
    found: list[tuple[str, h5py.Group]] = []

    def visit(name: str, item: Any) -> None:
        skipped = name.startswith("optimizer") or "seed_generator" in name
        if name.endswith("vars") and isinstance(item, h5py.Group) and len(item) and not skipped:
            found.append((name.removesuffix("vars").strip("/"), item))

    file.visititems(visit)
    return sorted(found, key=lambda pair: natural_key(tokens(pair[0])))


def _h5_unit(group: str, variables: h5py.Group) -> Unit:
    """A layer from its numbered variables. The group is named after the layer's class, which says what they are."""
    name = str(variables.attrs.get("name", group))
    arrays = [_h5_values(variables, key) for key in sorted(variables, key=int)]
    op = _h5_primitive(re.sub(r"_\d+$", "", group.rpartition("/")[2]))
    roles = _h5_roles(op, len(arrays))
    tensors = {
        role: NamedTensor.of(f"{name}/{VARIABLES.get(role, role)}", array)
        for role, array in zip(roles, arrays, strict=True)
    }
    return Unit(name, "other", (), tensors) if op is None else unit_in_keras(name, tensors, _output_axes(op))


def _h5_values(variables: h5py.Group, key: str) -> np.ndarray:
    """A variable's values."""
    values = variables[key]
    if not isinstance(values, h5py.Dataset):
        raise ValueError(f"{variables.name}/{key} is not an array in this file")
    return np.asarray(values)


def _h5_primitive(kind: str) -> type[ops.Op] | None:
    """The primitive whose layer has this class, or one derived from it: `fast_conv2d` is a `Conv2D`."""
    word = kind.replace("_", "")
    fitting = {name: op for op, layer in LAYERS.items() if word.endswith(name := layer.__name__.lower())}
    # `depthwise_conv2d` ends in `conv2d` too, and is the longer of the two.
    return fitting[max(fitting, key=len)] if fitting else None


def _h5_roles(op: type[ops.Op] | None, count: int) -> list[Role]:
    """The roles of a layer's variables, which a file only numbers; `0`, `1`, ... where they are not certain."""
    if op is None:
        names: list[Role] = []
    elif op.has_kernel:
        names = ["kernel", "bias"]
    elif any(field.default is MISSING for field in fields(op)):
        names = []
    else:
        weights = op().weights([(1,)])
        fixed = [role for role, weight in weights.items() if not weight.trainable]
        # Of three variables, one of the first two is missing, and the file does not say which.
        names = {len(fixed): fixed, len(weights): list(weights)}.get(count, []) if fixed else list(weights)
    return names[:count] if len(names) >= count else [str(number) for number in range(count)]

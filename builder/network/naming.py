"""Names in a Keras model: of the layers that a graph's node becomes, and of the variables that hold its weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import keras

Tensor: TypeAlias = keras.KerasTensor


@dataclass(frozen=True)
class LayerName:
    """The name that a node's layer has in the model, and the layer's dtype policy."""

    name: str
    dtype: str

    def options(self, helper: str = "") -> dict[str, Any]:
        """The arguments `name` and `dtype` of the node's layer, or of a further layer that it needs."""
        return {"name": helper_name(self.name, helper) if helper else self.name, "dtype": self.dtype}


def helper_name(name: str, helper: str) -> str:
    """The name of a further layer that the node `name` needs. No name in a spec begins with '_', so none is taken."""
    return f"{name}._{helper}"


def node_name(layer: str) -> str:
    """The node that a layer, or a further layer of a node, belongs to: the reverse of `helper_name`."""
    return layer.partition("._")[0]


def renamed(tensor: Tensor, name: str) -> Tensor:
    """The output of one of Keras's operations with the operation renamed: Keras would call it by its function,
    "square", which may be the name of a layer in the spec."""
    tensor._keras_history.operation.name = name
    return tensor


VARIABLES: Mapping[str, str] = {
    "kernel": "kernel",
    "bias": "bias",
    "gamma": "gamma",
    "beta": "beta",
    "mean": "moving_mean",
    "variance": "moving_variance",
}
"""Keras's name for each weight of an operation (see `Op.weights`): the variable's name and the layer's attribute."""
ROLES: Mapping[str, str] = {variable: role for role, variable in VARIABLES.items()}
"""The reverse of `VARIABLES`."""

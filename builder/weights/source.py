"""The weights of a file or a model: its tensors grouped into layers, and the layout of their axes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from builder.weights.units import Layout, NamedTensor, Role, Unit, Units, is_real, torch_size, unit_of


@dataclass(frozen=True)
class WeightsFile:
    """Weights that were read.

    Attributes:
        name: what they were read from, for messages.
        layout: whether the axes are in Keras's or in PyTorch's order.
        layers: the tensors, grouped into layers.
        counters: names of tensors that mean nothing here (PyTorch's batch normalisations count their batches).
    """

    name: str
    layout: Layout
    layers: Units
    counters: tuple[str, ...] = ()


def state_dict(name: str, tensors: Mapping[str, np.ndarray]) -> WeightsFile:
    """The weights of a PyTorch state dict, grouped by module.

    Its order is that of definition, unless all names are sorted: safetensors sorts them, so that order says nothing.
    """
    names = list(tensors)
    modules: dict[str, dict[str, np.ndarray]] = {}
    counters = []
    for full in names:
        module, _, role = full.rpartition(".")
        if role == "num_batches_tracked":
            counters.append(full)
        else:
            modules.setdefault(module, {})[role] = tensors[full]
    units = []
    for module, members in modules.items():
        prefix = f"{module}." if module else ""
        roles = _roles(members)
        known = {role: NamedTensor.of(prefix + word, members[word]) for word, role in roles.items()}
        if known:
            size = torch_size(known["kernel"].shape) if "kernel" in known else None
            units.append(unit_of(module, known, size))
        units += [
            Unit(prefix + word, "other", tuple(tensor.shape), {word: NamedTensor.of(prefix + word, tensor)})
            for word, tensor in members.items()
            if word not in roles
        ]
    return WeightsFile(name, "torch", Units(tuple(units), in_order=names != sorted(names)), tuple(counters))


def _roles(members: Mapping[str, np.ndarray]) -> dict[str, Role]:
    """The role of each tensor of a module, for those that have one."""
    weight = members.get("weight")
    if weight is not None and weight.ndim in (2, 4):
        names = {"weight": "kernel", "bias": "bias"}
    else:
        names = {"weight": "gamma", "bias": "beta", "running_mean": "mean", "running_var": "variance"}
    return {word: role for word, role in names.items() if word in members and is_real(members[word])}

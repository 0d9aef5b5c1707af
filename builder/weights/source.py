"""A file's weights: its tensors as layers, and how they are laid out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from builder.weights.units import Layout, Part, Role, Unit, Units, is_real, torch_size, unit_of


@dataclass(frozen=True)
class WeightsFile:
    """Weights that were read.

    Attributes:
        name: what they were read from, for messages.
        layout: whose order the axes have.
        layers: the tensors, grouped.
        counters: names of tensors without a meaning here (PyTorch counts batches in batch normalisations).
    """

    name: str
    layout: Layout
    layers: Units
    counters: tuple[str, ...] = ()


def state_dict(name: str, tensors: Mapping[str, np.ndarray]) -> WeightsFile:
    """The weights of a PyTorch state dict, by module.

    Its order is that of definition, except where all names are sorted, which tells nothing (safetensors sorts them).
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
        known = {role: Part.of(prefix + word, members[word]) for word, role in roles.items()}
        if known:
            units.append(unit_of(module, known, torch_size))
        units += [
            Unit(prefix + word, "other", tuple(tensor.shape), {word: Part.of(prefix + word, tensor)})
            for word, tensor in members.items()
            if word not in roles
        ]
    return WeightsFile(name, "torch", Units(tuple(units), in_order=names != sorted(names)), tuple(counters))


def _roles(members: Mapping[str, np.ndarray]) -> dict[str, Role]:
    """The role of each tensor of a module that has one here."""
    weight = members.get("weight")
    if weight is not None and weight.ndim in (2, 4):
        names = {"weight": "kernel", "bias": "bias"}
    else:
        names = {"weight": "gamma", "bias": "beta", "running_mean": "mean", "running_var": "variance"}
    return {word: role for word, role in names.items() if word in members and is_real(members[word])}

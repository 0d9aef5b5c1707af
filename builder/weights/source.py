"""The weights of a file or a model: its tensors grouped into layers, and the layout of their axes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from archspec.errors import argument_problem, file_problem
from archspec.wording import did_you_mean, first_few, quoted
from builder.weights.units import Layout, NamedTensor, Role, Unit, Units, is_counter, is_real, torch_size, unit_of


@dataclass(frozen=True)
class WeightsFile:
    """Weights that were read.

    Attributes:
        name: what they were read from, for messages.
        layout: whether the axes are in Keras's or in PyTorch's order.
        layers: the tensors, grouped into layers.
        counters: names of tensors that mean nothing here (PyTorch's batch normalisations count their batches).
        part: the key of the checkpoint under which these weights are; empty if they are the whole file.
        others: the keys under which the checkpoint has other weights, such as a moving average.
    """

    name: str
    layout: Layout
    layers: Units
    counters: tuple[str, ...] = ()
    part: str = ""
    others: tuple[str, ...] = ()

    @property
    def groups(self) -> list[str]:
        """The first words of the layers' names, such as `model` and `criterion`, in order."""
        return list(dict.fromkeys(unit.name.partition(".")[0] for unit in self.layers.units if "." in unit.name))


def under(source: WeightsFile, prefix: str) -> WeightsFile:
    """The weights of a state dict whose names begin with a prefix and a dot, without these.

    Raises:
        FileError: there are none, or they are not of a state dict.
    """
    if source.layout != "torch":
        raise argument_problem("--prefix", f"is for state dicts of PyTorch, and {source.name} is none")
    start = f"{prefix}."
    tensors = {name: np.zeros((), np.int64) for name in source.counters}
    for unit in source.layers.units:
        tensors |= {one.name: one.values for one in unit.tensors.values() if one.values is not None}
    inside = {name.removeprefix(start): values for name, values in tensors.items() if name.startswith(start)}
    if not inside:
        known = [name for name in (source.part, *source.others, *source.groups) if name]
        few = ", ".join(first_few([quoted(name) for name in known], 10))
        has = f"it has {few}" if few else "its names have no common beginnings"
        raise file_problem(source.name, f"has no tensors under {quoted(prefix)}{did_you_mean(prefix, known)}; {has}")
    return replace(state_dict(source.name, inside), part=source.part, others=source.others)


def state_dict(name: str, tensors: Mapping[str, np.ndarray]) -> WeightsFile:
    """The weights of a PyTorch state dict, grouped by module.

    Its order is that of definition, unless all names are sorted: safetensors sorts them, so that order says nothing.
    """
    names = list(tensors)
    modules: dict[str, dict[str, np.ndarray]] = {}
    counters = []
    for full in names:
        module, _, role = full.rpartition(".")
        if role == "num_batches_tracked" or is_counter(tensors[full]):
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

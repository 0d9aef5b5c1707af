"""Where a network is trained: on one device, on several with a copy each, or with a tower of it each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, TypeAlias

from archspec.errors import Problem, Where
from archspec.fields.records import Count, record_of
from archspec.fields.scalars import Integer
from archspec.source.tree import Tree
from archspec.wording import quoted

if TYPE_CHECKING:  # this module stands below the graph
    from archspec.graph.graph import Graph


@dataclass(frozen=True, kw_only=True)
class Auto:
    """Uses several workers if TF_CONFIG or Slurm names them, else all GPUs of the machine if it has several, else one
    device.

    Example:
        distribute: auto
    """


@dataclass(frozen=True, kw_only=True)
class Off:
    """Uses one device, whatever the machine has.

    Example:
        distribute: off
    """


@dataclass(frozen=True, kw_only=True)
class Mirrored:
    """Uses `replicas` GPUs of one machine (by default all), or as many logical CPU devices if it has no GPU.

    Example:
        distribute: {mirrored: {replicas: 2}}

    Attributes:
        replicas: the number of devices; null for all of them.
    """

    replicas: Count | None = None


@dataclass(frozen=True, kw_only=True)
class MultiWorker:
    """Uses several processes, as TF_CONFIG, Slurm's variables or `--workers` name them.

    Example:
        distribute: multi_worker
    """


@dataclass(frozen=True, kw_only=True)
class Towers:
    """Uses one GPU of the machine for each tower, or as many logical CPU devices if it has no GPU: the weights and
    operations of the first tower of each `towers` on the first device, and so on, as AlexNet was trained on two GPUs
    (Krizhevsky et al. 2012, section 3.5). Layers outside `towers` run where they move the least between the devices.

    Example:
        distribute: {towers: {devices: 2}}

    Attributes:
        devices: the number of devices, that of the towers.
    """

    devices: Annotated[int, Integer(min=2, max=1_000)]


Distribute: TypeAlias = Auto | Off | Mirrored | MultiWorker | Towers
DISTRIBUTE = {
    "auto": record_of(Auto, "auto"),
    "off": record_of(Off, "off"),
    "mirrored": record_of(Mirrored, "mirrored"),
    "multi_worker": record_of(MultiWorker, "multi_worker"),
    "towers": record_of(Towers, "towers"),
}


def tower_problems(distribute: Distribute, graph: Graph, train: Tree) -> Iterator[Problem]:
    """Yields the problem of a network that has other than a tower for each device that `distribute` gives to towers.

    Args:
        train: the tree of the `train` section, for addresses.
    """
    if not isinstance(distribute, Towers):
        return
    body, path = train.value["distribute"].value["towers"], "train.distribute.towers"
    if isinstance(body.value, dict):
        body, path = body.value["devices"], f"{path}.devices"
    where, devices, count = Where(path, body.span), distribute.devices, graph.towers
    if count < 2:
        has_groups = any(getattr(node.op, "groups", 1) > 1 for node in graph.nodes)
        groups = " (a convolution with groups has one kernel, which is not split)" if has_groups else ""
        yield Problem(
            where,
            f"{graph.name} has no towers that could run on {devices} devices{groups}; expected layers in "
            f"'towers: {{count: {devices}, layers: [...]}}', as in specs/alexnet_two_gpus.yaml; write them so, or set "
            "distribute to auto or off",
        )
    elif count != devices:
        last = next(node.name for node in graph.nodes if node.tower == count - 1)
        name = quoted(last.partition(f".tower{count}.")[0])
        idle = f"so that {devices - count} of {devices} devices would have nothing to do"
        why = idle if count < devices else f"each of which needs a device of its own, and there are {devices}"
        yield Problem(where, f"{name} has {count} towers, {why}; set it to {count}")

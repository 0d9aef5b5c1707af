"""Chooses the devices of a training: one, several of this machine (for replicas or for towers), or several machines."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from dataclasses import dataclass

import tensorflow as tf

from archspec.errors import Where, problem_at
from archspec.recipe import Train
from archspec.recipe.distribution import Auto, Mirrored, MultiWorker, Off, Towers
from archspec.wording import counted
from builder.distribution.cluster import ALONE, Cluster, described_cluster


@dataclass(frozen=True)
class Placement:
    """The devices that a training runs on.

    Attributes:
        strategy: TensorFlow's strategy; on a single device, and on those of towers, the default one.
        cluster: the workers, and which of them this process is.
        towers: the names of the devices that the network's towers have, in order, as in `CPU:1`; empty where the whole
            network is on one device.
    """

    strategy: tf.distribute.Strategy
    cluster: Cluster
    towers: tuple[str, ...] = ()

    @property
    def replicas(self) -> int:
        """The number of replicas on all workers; each takes an equal part of the global batch."""
        return self.strategy.num_replicas_in_sync

    @property
    def is_chief(self) -> bool:
        """Whether this process writes the run directory."""
        return self.cluster.is_chief

    @property
    def is_multi_worker(self) -> bool:
        """Whether there are several processes."""
        return len(self.cluster.workers) > 1


def one_device() -> Placement:
    """The placement of a process that uses one device, whatever the environment says."""
    return Placement(tf.distribute.get_strategy(), ALONE)


Address = Callable[[str], Where]
"""From a field of `train` to its position in the spec."""


def choose_strategy(recipe: Train, where: Address) -> Placement:
    """Chooses the devices that a recipe asks for.

    A process makes each strategy once: a second one of several replicas fails on models of another size in TensorFlow.

    Args:
        recipe: its `distribute` names the devices, with which its batch size and XLA are checked.
        where: from a field of `train` to its position in the spec.

    Raises:
        UserError: there are too few devices, the environment describes no cluster, or the batch does not divide.
    """
    distribute = recipe.distribute
    cluster = described_cluster()
    if cluster is not None and isinstance(distribute, Off | Mirrored | Towers):
        raise problem_at(
            where("distribute"),
            f"this is one of {counted(len(cluster.workers), 'worker')} (--workers, TF_CONFIG or Slurm), and each would "
            "train on its own; set distribute: auto or multi_worker, or start one process",
        )
    if isinstance(distribute, MultiWorker) and cluster is None:
        raise problem_at(
            where("distribute"),
            "there is no cluster to join: neither TF_CONFIG nor Slurm describes one; start one worker per machine with "
            "TF_CONFIG set, or several on this one with --workers N",
        )
    if isinstance(distribute, Towers):
        _check_geometry(recipe, 1, where)
        names = _devices("towers", distribute.devices, where("distribute"))
        return Placement(tf.distribute.get_strategy(), ALONE, names)
    if isinstance(distribute, Mirrored) or (isinstance(distribute, Auto) and cluster is None):
        count = distribute.replicas if isinstance(distribute, Mirrored) else None
        replicas = count or max(len(tf.config.list_physical_devices("GPU")), 1)
        _check_geometry(recipe, replicas, where)
        names = _devices("replicas", replicas, where("distribute"))
        return Placement(_mirrored(names), ALONE) if replicas > 1 else one_device()
    if cluster is None:
        _check_geometry(recipe, 1, where)
        return one_device()
    gpus = len(tf.config.list_physical_devices("GPU"))
    _check_geometry(recipe, len(cluster.workers) * max(gpus, 1), where)
    return Placement(_multi_worker(cluster.config()), cluster)


def _check_geometry(recipe: Train, replicas: int, where: Address) -> None:
    parts = replicas * recipe.accumulate
    if not recipe.is_automatic and recipe.global_batch % parts:
        of = " x ".join(
            counted(count, noun) for count, noun in ((replicas, "replica"), (recipe.accumulate, "part")) if count > 1
        )
        of += " (accumulate)" if recipe.accumulate > 1 else ""
        lower = max(parts, recipe.global_batch // parts * parts)
        raise problem_at(
            where("batch_size"),
            f"the global batch of {recipe.global_batch} does not divide into {of}; set it to {lower} or "
            f"{lower + parts}",
        )
    if recipe.xla == "on" and replicas > 1:
        raise problem_at(
            where("xla"), "XLA cannot compile a step of several replicas (keras issue 20763); leave it auto"
        )


# -- this machine ----------------------------------------------------------------------------------------------------


def _devices(what: str, count: int, where: Where) -> tuple[str, ...]:
    """The names of so many devices of this machine: its GPUs or, where it has none, logical devices of its CPU.

    Raises:
        SpecError: there are too few GPUs, or TensorFlow has started with fewer CPU devices.
    """
    gpus = len(tf.config.list_physical_devices("GPU"))
    if gpus:
        if count > gpus:
            raise problem_at(where, f"{count} {what} need as many GPUs, and this machine has {gpus}")
        return tuple(f"GPU:{index}" for index in range(count))
    if count > 1:
        (cpu,) = tf.config.list_physical_devices("CPU")
        try:
            tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * count)
        except RuntimeError:  # TensorFlow has started; its devices may be enough
            if len(tf.config.list_logical_devices("CPU")) < count:
                message = f"this process started TensorFlow with fewer than {count} CPU devices; use a new process"
                raise problem_at(where, message) from None
    return tuple(f"CPU:{index}" for index in range(count))


@functools.cache
def _mirrored(devices: tuple[str, ...]) -> tf.distribute.Strategy:
    return tf.distribute.MirroredStrategy(devices)


# -- several machines ------------------------------------------------------------------------------------------------


@functools.cache
def _multi_worker(config: str) -> tf.distribute.Strategy:
    os.environ["TF_CONFIG"] = config
    return tf.distribute.MultiWorkerMirroredStrategy()

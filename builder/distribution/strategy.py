"""Chooses the distribution strategy: one device, several devices of this machine, or several machines."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from dataclasses import dataclass

import tensorflow as tf

from archspec.errors import Where, problem_at
from archspec.recipe import Train
from archspec.recipe.distribution import Auto, Mirrored, MultiWorker, Off, TowerDevices
from archspec.wording import counted
from builder.distribution.cluster import ALONE, Cluster, described_cluster


@dataclass(frozen=True)
class Placement:
    """The devices that a training runs on.

    Attributes:
        strategy: TensorFlow's strategy; on a single device the default one.
        cluster: the workers, and which of them this process is.
    """

    strategy: tf.distribute.Strategy
    cluster: Cluster

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
    if cluster is not None and isinstance(distribute, Off | Mirrored):
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
    if isinstance(distribute, Mirrored) or (isinstance(distribute, Auto) and cluster is None):
        count = distribute.replicas if isinstance(distribute, Mirrored) else None
        gpus = len(tf.config.list_physical_devices("GPU"))
        replicas = count or max(gpus, 1)
        if gpus and replicas > gpus:
            raise problem_at(where("distribute"), f"{replicas} replicas need as many GPUs, and this machine has {gpus}")
        _check_geometry(recipe, replicas, where)
        return Placement(_mirrored(replicas, where("distribute")), ALONE)
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


def _mirrored(replicas: int, where: Where) -> tf.distribute.Strategy:
    if replicas == 1:
        return tf.distribute.get_strategy()
    if tf.config.list_physical_devices("GPU"):
        return _strategy("GPU", replicas)
    (cpu,) = tf.config.list_physical_devices("CPU")
    try:
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * replicas)
    except RuntimeError:  # TensorFlow has started; its devices may be enough
        if len(tf.config.list_logical_devices("CPU")) < replicas:
            message = f"this process started TensorFlow with fewer than {replicas} CPU devices; use a new process"
            raise problem_at(where, message) from None
    return _strategy("CPU", replicas)


@functools.cache
def _strategy(kind: str, replicas: int) -> tf.distribute.Strategy:
    return tf.distribute.MirroredStrategy([f"{kind}:{index}" for index in range(replicas)])


# -- several machines ------------------------------------------------------------------------------------------------


@functools.cache
def _multi_worker(config: str) -> tf.distribute.Strategy:
    os.environ["TF_CONFIG"] = config
    return tf.distribute.MultiWorkerMirroredStrategy()

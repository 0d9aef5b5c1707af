"""The memory that a training step takes on a device, by the analysis of the network, and how much of it is free."""

from __future__ import annotations

from dataclasses import dataclass

import tensorflow as tf
from tensorflow.python.client import device_lib

from archspec import Spec, analyse
from archspec.graph.placement import placement as node_placement
from archspec.graph.placement import shares
from archspec.recipe.numbers import ACTIVATION_BYTES
from archspec.segments import rematerialized_elements
from archspec.spec.addresses import recipe_of
from builder.distribution.strategy import Placement
from builder.system.memory import free_memory

COPIES = 4
"""What a device holds of each weight: its value, its gradient, and up to two averages of the optimizer."""


@dataclass(frozen=True)
class StepMemory:
    """The memory of a step on one device, in bytes.

    Attributes:
        fixed: what the weights take, whatever the batch.
        per_picture: the activations of a picture, which are kept for the gradient.
        free: what is free on each device; replicas on one CPU share it.
    """

    fixed: int
    per_picture: int
    free: int

    def needed(self, pictures: int) -> int:
        """The bytes that a step takes that sends so many pictures through the network at once."""
        return self.fixed + pictures * self.per_picture

    @property
    def fitting(self) -> int:
        """The most pictures that can go through the network at once; 0 if not even one can."""
        return max(self.free - self.fixed, 0) // self.per_picture


def step_memory(spec: Spec, placement: Placement, is_set_up: bool = False) -> StepMemory:
    """The memory of a step on the devices of a placement, and what is free there now. Of the GPUs of towers, it is that
    of the one on which the fewest pictures fit; towers on one CPU share its memory, and are taken together.

    Args:
        is_set_up: whether the variables exist already, so that only the gradients are missing.
    """
    analysis, recipe = analyse(spec), recipe_of(spec)
    elements = rematerialized_elements(spec.graph) if recipe.rematerialize else analysis.activation_elements
    copies = 1 if is_set_up else COPIES + (recipe.ema is not None)
    of_element = ACTIVATION_BYTES[recipe.precision]
    if placement.towers and on_gpu():
        devices = len(placement.towers)
        held = shares(spec.graph, node_placement(spec.graph, devices), devices)
        each = (
            StepMemory(copies * 4 * share.parameters, max(1, share.activation_elements * of_element), free)
            for share, free in zip(held, _free_on_gpus(), strict=False)  # further GPUs have no tower
        )
        return min(each, key=lambda memory: memory.fitting)
    return StepMemory(
        fixed=copies * analysis.weights_bytes(),
        per_picture=max(1, elements * of_element),
        free=_free(placement),
    )


def on_gpu() -> bool:
    """Whether steps run on GPUs, whose memory TensorFlow reports as exhausted. On a CPU the system ends the process."""
    return bool(tf.config.list_logical_devices("GPU"))


def _free(placement: Placement) -> int:
    if on_gpu():
        return min(_free_on_gpus())
    here = placement.cluster.workers[placement.cluster.index].rpartition(":")[0]
    beside = sum(worker.rpartition(":")[0] == here for worker in placement.cluster.workers)  # on the same machine
    replicas = placement.replicas // len(placement.cluster.workers)
    return free_memory() // (beside * replicas)


def _free_on_gpus() -> list[int]:
    """What TensorFlow may still allocate on each GPU."""
    limits = {one.name: one.memory_limit for one in device_lib.list_local_devices() if one.device_type == "GPU"}
    used = {name: tf.config.experimental.get_memory_info(name.removeprefix("/device:"))["current"] for name in limits}
    return [limits[name] - used[name] for name in limits]

"""The workers of a training, and which of them this process is. It imports TensorFlow only under Slurm."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import Any

from archspec.errors import argument_problem

PORT = 8888
"""The port on which the workers of a Slurm job listen; further ones on the same machine take the ports that follow."""


@dataclass(frozen=True)
class Cluster:
    """The workers of a training, and which of them this process is.

    The first one is the chief, which alone writes the run directory.

    Attributes:
        workers: their addresses, `host:port`.
        index: the position of this process among them.
    """

    workers: tuple[str, ...]
    index: int

    @property
    def is_chief(self) -> bool:
        """Whether this process is the chief."""
        return self.index == 0

    def config(self) -> str:
        """The value of TF_CONFIG that describes it."""
        return json.dumps({"cluster": {"worker": list(self.workers)}, "task": {"type": "worker", "index": self.index}})


ALONE = Cluster(("",), 0)
"""The cluster of a process that trains on its own."""


def described_cluster() -> Cluster | None:
    """The cluster of several workers that TF_CONFIG or Slurm's variables describe, or None.

    Raises:
        UserError: TF_CONFIG cannot be understood.
    """
    if os.environ.get("TF_CONFIG"):
        return _cluster_of_tf_config(os.environ["TF_CONFIG"])
    if int(os.environ.get("SLURM_STEP_NUM_TASKS", "1")) > 1:
        import tensorflow as tf

        gpus = max(len(tf.config.list_physical_devices("GPU")), 1)  # else it calls nvidia-smi, which may be missing
        resolver = tf.distribute.cluster_resolver.SlurmClusterResolver(
            port_base=PORT, gpus_per_node=gpus, gpus_per_task=gpus, auto_set_gpu=False
        )
        workers = tuple(resolver.cluster_spec().as_dict()["worker"])
        return Cluster(workers, int(os.environ["SLURM_PROCID"]))
    return None


def _cluster_of_tf_config(text: str) -> Cluster | None:
    try:
        config: dict[str, Any] = json.loads(text)
        cluster, task = config.get("cluster", {}), config.get("task", {})
        unknown = sorted(cluster.keys() - {"chief", "worker"})
        if unknown:
            raise ValueError(f"a cluster has 'worker' and at most 'chief', got '{unknown[0]}'")
        chiefs, workers = cluster.get("chief", []), cluster.get("worker", [])
        if len(chiefs) + len(workers) < 2:
            return None
        index = (len(chiefs) if task["type"] == "worker" else 0) + int(task["index"])
        if task["type"] not in ("chief", "worker") or not 0 <= index < len(chiefs) + len(workers):
            raise ValueError(f"the cluster has no {task['type']} {task['index']}")
        return Cluster((*chiefs, *workers), index)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        what = f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else str(error)
        example = '{"cluster": {"worker": ["host1:8888", "host2:8888"]}, "task": {"type": "worker", "index": 0}}'
        raise argument_problem("TF_CONFIG", f"{what}; expected something like {example}") from None

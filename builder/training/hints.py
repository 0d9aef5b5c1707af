"""What is said before a training begins because it will probably disappoint: too little memory, statistics that lag."""

from __future__ import annotations

import math

import tensorflow as tf

from archspec import analyse
from archspec.ops.pointwise import BatchNorm
from archspec.tables import size
from builder.system.memory import free_memory
from builder.training.setup import Setup

LAG_EPOCHS = 10
"""Epochs over which batch normalisation averages its statistics from which on validation visibly lags behind."""


def hints(setup: Setup) -> list[str]:
    """Hints on a training that is about to begin, a sentence each."""
    found = (_lagging_statistics(setup), _memory(setup))
    return [hint for hint in found if hint]


def _lagging_statistics(setup: Setup) -> str | None:
    """A hint if the moving averages of batch normalisations cover many epochs: a momentum of 0.99 covers about 100
    steps, and until then validation is at chance while the training accuracy rises."""
    norms = [
        node.op.momentum
        for node in setup.spec.graph.nodes
        if isinstance(node.op, BatchNorm) and setup.recipe.trains(node.name)
    ]
    steps = 1 / (1 - max(norms, default=0.0))
    if steps < LAG_EPOCHS * setup.steps_per_epoch:
        return None
    return (
        f"batch_norm's momentum of {max(norms):g} averages over about {steps:,.0f} steps, and an epoch has "
        f"{setup.steps_per_epoch}: validation will lag behind by {steps / setup.steps_per_epoch:.0f} epochs; "
        "a lower one, such as --set model.defaults.batch_norm.momentum=0.9, follows sooner"
    )


def _memory(setup: Setup) -> str | None:
    """A hint if a step's activations and the weights, with their gradients and the optimizer's variables, take more
    memory than is free. Without a GPU, running out of it ends the process without a message."""
    if tf.config.list_physical_devices("GPU"):
        return None
    analysis, recipe = analyse(setup.spec), setup.recipe
    kept = sum(math.prod(one.shape) * tf.as_dtype(one.dtype).size for one in setup.state.variables.values())
    fixed = (kept + analysis.weights_bytes()) * setup.placement.replicas
    per_picture = analysis.training_bytes(1, 4 if recipe.precision == "float32" else 2)
    pictures, free = -(-recipe.batch_size // recipe.accumulate), free_memory()
    if fixed + pictures * per_picture <= free:
        return None
    fitting = max(free - fixed, 0) // per_picture
    advice = (
        f"train.batch_size={1 << (fitting.bit_length() - 1)} would fit, or train.accumulate"
        if fitting
        else "not even one picture fits"
    )
    return (
        f"a step of {pictures} pictures takes about {size(fixed + pictures * per_picture)}, and {size(free)} are "
        f"free, so this training will probably run out of memory; {advice}"
    )

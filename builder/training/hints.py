"""What is said before a training begins because it will probably disappoint: too little memory, statistics that lag,
settings that change nothing."""

from __future__ import annotations

from archspec.graph import hints as network_hints
from archspec.ops.pointwise import BatchNorm
from archspec.recipe.batch_size import automatic_batch
from archspec.segments import segments
from archspec.tables import size
from archspec.wording import counted
from builder.training.fast_math import without_effect
from builder.training.memory import on_gpu, step_memory
from builder.training.setup import Setup

LAG_EPOCHS = 10
"""Epochs over which batch normalisation averages its statistics from which on validation visibly lags behind."""


def hints(setup: Setup) -> list[str]:
    """Hints on a training that is about to begin, a sentence each."""
    found = (
        *network_hints.hints(setup.spec.graph),
        without_effect(setup.recipe.precision),
        _without_savings(setup),
        _lagging_statistics(setup),
        _memory(setup),
    )
    return [hint for hint in found if hint]


def _without_savings(setup: Setup) -> str | None:
    """A hint if a network cannot be cut into segments that are computed again."""
    if not setup.recipe.rematerialize or len(segments(setup.spec.graph)) > 1:
        return None
    return "rematerialize saves nothing here: every activation of this network is needed at once"


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
    lower = 0.9 if setup.steps_per_epoch > 1 else 0.5
    return (
        f"batch_norm's momentum of {max(norms):g} averages over about {steps:,.0f} steps, and an epoch has "
        f"{setup.steps_per_epoch}: validation will lag behind by {steps / setup.steps_per_epoch:.0f} epochs; "
        f"a lower one, such as --set model.defaults.batch_norm.momentum={lower}, follows sooner"
    )


def _memory(setup: Setup) -> str | None:
    """A hint if a step takes more memory than is free. Without a GPU, running out of it ends the process without a
    message."""
    if on_gpu():
        return None
    memory, replicas = step_memory(setup.spec, setup.placement, True), setup.placement.replicas
    parts = replicas * setup.recipe.accumulate
    pictures = -(-setup.recipe.global_batch // parts)
    if memory.needed(pictures) <= memory.free:
        return None
    advice = (
        f"train.batch_size={automatic_batch(memory.fitting * parts, parts)} would fit, or train.accumulate"
        if memory.fitting
        else "not even one picture fits"
    )
    each = f" on each of {replicas} replicas" if replicas > 1 else ""
    return (
        f"a step of {counted(pictures, 'picture')}{each} takes about {size(memory.needed(pictures))}, and "
        f"{size(memory.free)} are free, so this training will probably run out of memory; {advice}"
    )

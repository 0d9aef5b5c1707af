"""A training step of AlexNet's two halves on two devices against the same step on one, and what each device holds.

The devices are logical ones of the CPU, which share its cores and its memory: a step can be no faster on two of them
than on one, and shows what the division itself costs. How much faster two GPUs are has not been measured.
"""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import tensorflow as tf

import archspec
from archspec.errors import Where
from archspec.graph.placement import Share, moved, placement, shares
from archspec.recipe import Train
from archspec.tables import size
from benchmarks.asked import answer, asked
from benchmarks.measure import Row, in_turn, quick, show
from builder import build
from builder.distribution.strategy import choose_strategy
from builder.training.optimizers import optimizer as optimizer_of
from builder.training.steps import training_steps

NETWORK, BATCH, TARGET = "alexnet_two_gpus", 64, 0.95
COPIES = 3
"""What a device holds of each weight: its value, its gradient and its momentum."""


def run() -> None:
    command = [sys.executable, "-m", "benchmarks.towers"]
    with asked(*command, "2") as two, asked(*command, "1") as one:
        assert two is not None and one is not None
        ours, other, ratio = in_turn(two, one, rounds=3 if quick() else 7, warm_up=2)
    rows = [
        Row(
            f"{NETWORK}, batch {BATCH}, float32",
            f"{BATCH / ours:.1f} img/s",
            f"{BATCH / other:.1f} img/s",
            ratio,
            TARGET,
        ),
    ]
    if not quick():
        rows.append(Row("peak memory of the process", size(_peak(command, 2)), size(_peak(command, 1))))
    graph = archspec.load(NETWORK).graph
    places = placement(graph, 2)
    (whole,) = shares(graph, [0] * len(graph.nodes), 1)
    for number, share in enumerate(shares(graph, places, 2)):
        rows.append(Row(f"device {number} holds, by the analysis", _held(share), _held(whole)))
    show("A training step on two devices", rows, "one device")
    gradients = moved(graph, places, range(1, len(graph.nodes)))  # the picture has none
    both_ways = 4 * BATCH * (moved(graph, places) + gradients)
    print(f"\nBetween the devices move {size(both_ways)} in a step: outputs one way, their gradients the other.")


def _held(share: Share) -> str:
    weights, activations = 4 * COPIES * share.parameters, 4 * BATCH * share.activation_elements
    return f"{size(weights)} + {size(activations)} activations"


def _peak(command: list[str], devices: int) -> int:
    """The most bytes of main memory that a process of three steps has had at once."""
    done = subprocess.run([*command, str(devices), "peak"], check=True, capture_output=True, text=True)
    return int(done.stdout.split()[-1])


def train_step(devices: int) -> Callable[[], object]:
    """The step of a training, on random pictures."""
    kind = "off" if devices == 1 else {"towers": devices}
    spec = archspec.load(NETWORK, {"train.distribute": kind, "train.batch_size": BATCH})
    recipe = spec.train
    assert isinstance(recipe, Train)
    on = choose_strategy(recipe, Where)
    model = build(spec, precision=recipe.precision, towers=on.towers)
    optimizer = optimizer_of(recipe)
    optimizer.build(model.trainable_variables)
    steps = training_steps(model, optimizer, None, recipe, on.strategy)
    generator = np.random.default_rng(0)
    pictures = tf.constant(generator.normal(size=(BATCH, *spec.graph.input.shape)), tf.float32)
    labels = tf.constant(generator.integers(0, spec.graph.output.shape[0], BATCH))
    batches = iter(tf.data.Dataset.from_tensors((pictures, labels)).repeat())
    return lambda: steps(batches, [0.01], 0.0).numpy()


def main(devices: str, *peak: str) -> None:
    """Takes a step for each line on stdin; or three, and prints the peak of the process's memory in bytes."""
    step = train_step(int(devices))
    if peak:
        for _ in range(3):
            step()
        print(1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
        return
    answer(step)


if __name__ == "__main__":
    main(*sys.argv[1:])

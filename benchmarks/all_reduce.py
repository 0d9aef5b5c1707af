"""Prints how many seconds the sum of a network's gradients over replicas takes: python -m benchmarks.all_reduce SPEC
KIND, where KIND is a `train.distribute`. With TF_CONFIG this process is one of several workers."""

from __future__ import annotations

import sys

import tensorflow as tf

import archspec
from archspec.errors import Where
from benchmarks.measure import seconds
from builder import build
from builder.distribution.strategy import choose_strategy

TIMES = 20


def main(path: str, kind: str) -> None:
    spec = archspec.load(path, {"train.distribute": {"mirrored": {"replicas": 2}} if kind == "mirrored" else kind})
    assert spec.train is not None
    placement = choose_strategy(spec.train, Where)
    with placement.strategy.scope():
        shapes = [variable.shape for variable in build(spec).trainable_variables]

    def reduce() -> tf.Tensor:
        gradients = [tf.random.stateless_uniform(shape, (0, 0)) for shape in shapes]
        context = tf.distribute.get_replica_context()
        return tf.add_n([part[..., :1][:1] for part in map(_flat, context.all_reduce("SUM", gradients))])

    def made() -> tf.Tensor:
        gradients = [tf.random.stateless_uniform(shape, (0, 0)) for shape in shapes]
        return tf.add_n([part[..., :1][:1] for part in map(_flat, gradients)])

    taken = []
    for work in (reduce, made):
        once = tf.function(lambda work=work: placement.strategy.run(work))
        once()
        taken.append(seconds(lambda once=once: [once() for _ in range(TIMES)]) / TIMES)  # type: ignore[misc]
    if placement.is_chief:
        print(max(0.0, taken[0] - taken[1]), flush=True)


def _flat(tensor: tf.Tensor) -> tf.Tensor:
    return tf.reshape(tensor, [-1])


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Data sets whose classes have different numbers of pictures: weights of classes, and an order that balances them."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from archspec.errors import Problem, SpecError, Where
from archspec.recipe import Train
from archspec.wording import did_you_mean
from builder.data.splits import Data, labels_of


def class_weights(data: Data, recipe: Train, where: Where) -> np.ndarray | None:
    """The factor for the loss of each class's pictures, float32 (classes,); None if all are 1.

    The balanced weight of a class is `pictures / (classes * pictures of the class)`, as in scikit-learn (King and Zeng
    2001). A class without training pictures does not count among the classes.

    Args:
        data: the data set.
        recipe: the recipe.
        where: the address of the recipe's `class_weight`.

    Raises:
        SpecError: the recipe names classes that the data set does not have.
    """
    given, names = recipe.class_weight, data.class_names
    if given is None:
        return None
    if given == "balanced":
        counts = np.bincount(labels_of(data.train), minlength=len(names))
        return (counts.sum() / (np.count_nonzero(counts) * np.maximum(counts, 1))).astype(np.float32)
    unknown = [name for name, _ in given if name not in names]
    if unknown:
        raise SpecError(
            Problem(where, f"{data.name} has no class '{name}'{did_you_mean(name, names)}") for name in unknown
        )
    factors = dict(given)
    return np.array([factors.get(name, 1.0) for name in names], np.float32)


def balanced_order(labels: np.ndarray, seed: tf.Tensor, other_seed: tf.Tensor) -> tf.Tensor:
    """An epoch's order in which every class that has pictures comes equally often, as far as their number divides.

    The pictures of a class are drawn without repetition, in a random order, and once all were drawn, again in the same
    order. All is done inside a TensorFlow graph, and depends on the seeds alone.

    Args:
        labels: the label of each picture, int64 (count,).
        seed: int64 (2,), decides which pictures are drawn.
        other_seed: int64 (2,), decides their order.

    Returns:
        Numbers of pictures, int64 (count,).
    """
    count = len(labels)
    sizes = np.bincount(labels)
    sizes = sizes[sizes > 0]
    shuffled = tf.random.experimental.stateless_shuffle(tf.range(count, dtype=tf.int64), seed)
    by_class = tf.gather(shuffled, tf.argsort(tf.gather(tf.constant(labels), shuffled), stable=True))
    which, turn = np.arange(count) % len(sizes), np.arange(count) // len(sizes)
    places = np.concatenate([[0], np.cumsum(sizes)])[which] + turn % sizes[which]
    drawn = tf.gather(by_class, tf.constant(places, tf.int64))
    return tf.random.experimental.stateless_shuffle(drawn, other_seed)

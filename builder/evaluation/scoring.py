"""Class probabilities of every validation picture of a run, averaged over the views of a test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from archspec import Graph
from archspec.recipe import Train
from builder.data import Arrays, Data
from builder.data.batches import validation_batches
from builder.evaluation.dense import dense_network
from builder.evaluation.metrics import averaged
from builder.evaluation.scheme import Scheme
from builder.evaluation.views import views
from builder.pictures.normalisation import Normalisation, from_pixels
from builder.pictures.resizing import Shape, decoded

BATCH = 128
"""Pictures that go through the network at once."""
WAITING = 256
"""Pictures of different sizes that may wait for others of theirs."""

Scores = Callable[[tf.Tensor], tf.Tensor]
"""From uint8 pictures (batch, height, width, channels) to logarithms of class probabilities (batch, classes)."""


@dataclass(frozen=True)
class Scored:
    """What a network says of every validation picture.

    Attributes:
        labels: int64 (pictures,).
        log_probabilities: float32 (pictures, classes): the logarithm of the mean probability over all views. They are
            logits too: their softmax is that probability.
    """

    labels: np.ndarray
    log_probabilities: np.ndarray


def scored(
    model: keras.Model, graph: Graph, pixels: Normalisation, data: Data, recipe: Train, scheme: Scheme
) -> Scored:
    """Tests a run's model.

    Args:
        model: from uint8 pictures to logits.
        graph, pixels: its network and its normalisation.
        data: whose validation pictures to test on.
        recipe: as it was trained.
        scheme: the views to average over.

    Raises:
        UserError: a scale that is too small, or a network that takes no other size where `dense` needs it.
    """
    scheme.check(data.shape)
    if scheme.is_validation:
        return _validated(_scores(model), data, recipe)
    if scheme.crops == "dense":
        model = from_pixels(dense_network(graph, model), pixels)
    scores = _scores(model)
    labels = np.zeros(data.validation_count, np.int64)
    found: list[np.ndarray] = []
    for side in scheme.sides(data.shape, recipe.eval_resize):
        found.append(np.zeros((data.validation_count, len(data.class_names)), np.float32))
        most = _batch_size(data.shape, scheme, side)
        for numbers, theirs, pictures in _by_size(elements(data, scheme, side), most):
            flat = scores(tf.constant(pictures.reshape(-1, *pictures.shape[2:]))).numpy()
            flat = flat.reshape(len(numbers), scheme.views, -1)
            labels[numbers], found[-1][numbers] = theirs, averaged(flat, axis=1)
    return Scored(labels, averaged(np.stack(found), axis=0))


def _batch_size(shape: Shape, scheme: Scheme, side: int) -> int:
    """Pictures of a batch that is no larger than BATCH of the network's input."""
    area = shape[0] * shape[1]
    larger = max(area, side * side) if scheme.crops == "dense" else area
    return max(1, BATCH * area // (larger * scheme.views))


def elements(data: Data, scheme: Scheme, side: int) -> tf.data.Dataset:
    """(number, label, views) of each validation picture at one scale, in order."""
    split = data.validation

    def element(number: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        if isinstance(split, Arrays):
            picture, label = split.pictures[number], split.labels[number]
        else:
            contents, label = split.read(number)
            picture = decoded(contents, data.shape[2])
        return number, label, views(picture, data.shape, scheme, side)

    numbers = tf.data.Dataset.range(split.count)
    return numbers.map(tf.autograph.experimental.do_not_convert(element), tf.data.AUTOTUNE, deterministic=True)


def _validated(scores: Scores, data: Data, recipe: Train) -> Scored:
    """After the very batches that training validates with."""
    size = next(size for size in range(min(BATCH, recipe.batch_size), 0, -1) if recipe.batch_size % size == 0)
    labels, found = [], []
    for pictures, theirs, weights in validation_batches(data, recipe, size):
        real = weights.numpy() > 0
        labels.append(theirs.numpy()[real])
        found.append(scores(pictures).numpy()[real])
    return Scored(np.concatenate(labels), np.concatenate(found))


def _by_size(dataset: tf.data.Dataset, most: int) -> Iterator[tuple[list[int], list[int], np.ndarray]]:
    """Numbers, labels and views (batch, views, height, width, channels) in batches of one size, with at most WAITING
    pictures waiting for others."""
    waiting: dict[tuple[int, ...], list[tuple[int, int, np.ndarray]]] = {}

    def batch(size: tuple[int, ...]) -> tuple[list[int], list[int], np.ndarray]:
        numbers, labels, pictures = zip(*waiting.pop(size), strict=True)
        return list(numbers), list(labels), np.stack(pictures)

    for number, label, pictures in dataset.prefetch(tf.data.AUTOTUNE).as_numpy_iterator():
        waiting.setdefault(pictures.shape, []).append((number, label, pictures))
        if len(waiting[pictures.shape]) == most:
            yield batch(pictures.shape)
        elif sum(map(len, waiting.values())) > WAITING:
            yield batch(max(waiting, key=lambda size: len(waiting[size])))
    for size in list(waiting):
        yield batch(size)


def _scores(model: keras.Model) -> Scores:
    shape = (None, *model.input.shape[1:])

    @tf.function(input_signature=[tf.TensorSpec(shape, tf.uint8)])
    def scores(pictures: tf.Tensor) -> tf.Tensor:
        return tf.nn.log_softmax(tf.cast(model(pictures, training=False), tf.float32))

    return scores

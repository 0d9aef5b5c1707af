"""Class probabilities of every validation picture, averaged over the views of a scheme."""

from __future__ import annotations

import dataclasses
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
from builder.system.cpu import parallel_calls

BATCH = 128
"""The number of pictures that go through the network at once."""
WAITING = 256
"""The number of pictures that may wait for others of the same size."""

Classify = Callable[[tf.Tensor], tf.Tensor]
"""From pictures, uint8 (batch, height, width, channels), to logarithms of class probabilities (batch, classes)."""


@dataclass(frozen=True)
class Scores:
    """The predictions of a network for every validation picture.

    Attributes:
        labels: int64 (pictures,).
        log_probabilities: the logarithm of the mean probability over all views, float32 (pictures, classes).
    """

    labels: np.ndarray
    log_probabilities: np.ndarray


def score(
    model: keras.Model, graph: Graph, normalisation: Normalisation, data: Data, recipe: Train, scheme: Scheme
) -> Scores:
    """Tests a run's model on the validation pictures.

    Args:
        model: from pictures, uint8 (batch, height, width, channels), to logits (batch, classes).
        graph: the graph of its network.
        normalisation: the normalisation of pixels inside it.
        data: the data set.
        recipe: the recipe it was trained with.
        scheme: the views to average over.

    Raises:
        UserError: a scale is too small, or the scheme is `dense` and the network takes pictures of one size only.
    """
    scheme.check(data.shape, recipe.resizing)
    if scheme.is_validation:
        return _validated(_compiled(model), data, recipe)
    if scheme.crops == "dense":
        model = from_pixels(dense_network(graph, model), normalisation)
    classify = _compiled(model)
    labels = np.zeros(data.validation_count, np.int64)
    found: list[np.ndarray] = []
    for side in scheme.sides(data.shape, recipe.resizing):
        found.append(np.zeros((data.validation_count, len(data.class_names)), np.float32))
        most = _batch_size(data.shape, scheme, side)
        for numbers, theirs, pictures in _by_size(elements(data, scheme, side), most):
            flat = classify(tf.constant(pictures.reshape(-1, *pictures.shape[2:]))).numpy()
            flat = flat.reshape(len(numbers), scheme.views, -1)
            labels[numbers], found[-1][numbers] = theirs, averaged(flat, axis=1)
    return Scores(labels, averaged(np.stack(found), axis=0))


def _batch_size(shape: Shape, scheme: Scheme, side: int) -> int:
    """The number of pictures in a batch that takes no more memory than BATCH of the network's input."""
    area = shape[0] * shape[1]
    larger = max(area, side * side) if scheme.crops == "dense" else area
    return max(1, BATCH * area // (larger * scheme.views))


def elements(data: Data, scheme: Scheme, side: int) -> tf.data.Dataset:
    """The number, label and views of each validation picture at one scale, in order."""
    split = data.validation

    def element(number: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        if isinstance(split, Arrays):
            picture, label = split.pictures[number], split.labels[number]
        else:
            contents, label = split.read(number)
            picture = decoded(contents, data.shape[2], is_checked=True)
        return number, label, views(picture, data.shape, scheme, side)

    numbers = tf.data.Dataset.range(split.count)
    return numbers.map(tf.autograph.experimental.do_not_convert(element), parallel_calls(), deterministic=True)


def _validated(classify: Classify, data: Data, recipe: Train) -> Scores:
    """The predictions for exactly the batches that training validates with; imported weights have none, if their recipe
    leaves the size open."""
    if recipe.is_automatic:
        recipe = dataclasses.replace(recipe, batch_size=BATCH)
    size = next(size for size in range(min(BATCH, recipe.global_batch), 0, -1) if recipe.global_batch % size == 0)
    labels, found = [], []
    for pictures, theirs, weights in validation_batches(data, recipe, size):
        real = weights.numpy() > 0
        labels.append(theirs.numpy()[real])
        found.append(classify(pictures).numpy()[real])
    return Scores(np.concatenate(labels), np.concatenate(found))


def _by_size(dataset: tf.data.Dataset, most: int) -> Iterator[tuple[list[int], list[int], np.ndarray]]:
    """Numbers, labels and views (batch, views, height, width, channels), in batches of one size.

    At most WAITING pictures wait for others of their size.
    """
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


def _compiled(model: keras.Model) -> Classify:
    shape = (None, *model.input.shape[1:])

    @tf.function(input_signature=[tf.TensorSpec(shape, tf.uint8)])
    def classify(pictures: tf.Tensor) -> tf.Tensor:
        return tf.nn.log_softmax(tf.cast(model(pictures, training=False), tf.float32))

    return classify

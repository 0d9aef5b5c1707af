"""The loss of each picture, and whether it was classified correctly, for labels that are classes or shares of
classes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from archspec.recipe import Train

PictureLoss = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
"""From labels and logits (batch, classes) to the loss of each picture, float32 (batch)."""


def loss(recipe: Train) -> PictureLoss:
    """The recipe's loss: the cross-entropy of labels and logits (batch, classes), in that order, as float32 (batch).

    Labels are classes (batch), or shares of classes (batch, classes) that sum to 1, as mixup and cutmix make them.
    Label smoothing puts `1 - smoothing` of the label in place, and `smoothing / classes` on every class (Szegedy et al.
    2015, arXiv:1512.00567, section 7). It does not include the L2 penalty, whose gradient the optimizer adds.
    """
    smoothing = recipe.label_smoothing

    def losses(labels: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
        logits = tf.cast(logits, tf.float32)
        classes = logits.shape[-1]
        if not smoothing and not _are_shares(labels):
            return tf.nn.sparse_softmax_cross_entropy_with_logits(tf.cast(labels, tf.int64), logits)
        shares = labels if _are_shares(labels) else tf.one_hot(tf.cast(labels, tf.int64), classes)
        shares = tf.cast(shares, tf.float32) * (1 - smoothing) + smoothing / classes
        return tf.nn.softmax_cross_entropy_with_logits(shares, logits)

    return losses


def weighted(losses: PictureLoss, weights: np.ndarray | None) -> PictureLoss:
    """A loss times the weight of each picture's class.

    Args:
        losses: the loss of each picture.
        weights: float32 (classes,); None leaves the loss as it is.
    """
    if weights is None:
        return losses
    return lambda labels, logits: picture_weights(labels, weights) * losses(labels, logits)


def picture_weights(labels: tf.Tensor, weights: np.ndarray) -> tf.Tensor:
    """The weight of each picture's class, float32 (batch); for shares of classes, the mean of their weights."""
    table = tf.constant(weights, tf.float32)
    if _are_shares(labels):
        return tf.linalg.matvec(tf.cast(labels, tf.float32), table)
    return tf.gather(table, tf.cast(labels, tf.int64))


def correct(labels: tf.Tensor, logits: tf.Tensor, k: int = 1) -> tf.Tensor:
    """Whether the label is among the k classes with the highest logits: float32 (batch), 1 or 0.

    Among equal logits the first counts as the highest. Labels are as for `loss`; for shares, the class with the largest
    one counts. With k classes or fewer every picture counts as correct.
    """
    classes = tf.argmax(labels, -1) if _are_shares(labels) else tf.cast(labels, tf.int64)
    highest = tf.math.top_k(logits, min(k, logits.shape[-1])).indices
    return tf.reduce_max(tf.cast(tf.cast(highest, tf.int64) == classes[:, tf.newaxis], tf.float32), -1)


def _are_shares(labels: tf.Tensor) -> bool:
    return len(labels.shape) == 2

"""The metrics of an evaluation, from labels and probabilities: arrays in, numbers out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Metrics:
    """The metrics of a classifier.

    Attributes:
        pictures: the number of pictures it was tested on.
        top1: the share of pictures whose class is the most probable one, from 0 to 1.
        top5: the share of pictures whose class is among the five most probable, from 0 to 1. A vote has none.
        loss: the mean cross-entropy in nats, with the recipe's label smoothing: training's `val_loss`. A vote has none.
    """

    pictures: int
    top1: float
    top5: float | None
    loss: float | None


@dataclass(frozen=True)
class ClassMetrics:
    """The metrics of one class.

    Attributes:
        name: the name of the class.
        pictures: the number of pictures of this class.
        recall: the share of them that were recognised, from 0 to 1; None if there are no such pictures.
        precision: of the pictures taken for this class, the share that belong to it, from 0 to 1; None if there are no
            such pictures.
        f1: the harmonic mean of the two, from 0 to 1; None if there are no such pictures.
        mistaken_for: the class that its pictures were most often wrongly taken for, and how often; None if there are no
            mistakes.
    """

    name: str
    pictures: int
    recall: float | None
    precision: float | None
    f1: float | None
    mistaken_for: tuple[str, int] | None


@dataclass(frozen=True)
class Macro:
    """Means over the classes that have pictures, in which a class of few counts as much as one of many.

    Attributes:
        classes: the number of these classes.
        recall: the mean share of a class that was recognised, from 0 to 1; also called balanced accuracy.
        precision: the mean precision, from 0 to 1; that of a class that no picture was taken for counts as 0.
        f1: the mean F1, from 0 to 1.
    """

    classes: int
    recall: float
    precision: float
    f1: float


def macro(classes: Sequence[ClassMetrics]) -> Macro:
    """The means over classes."""
    known = [one for one in classes if one.pictures]

    def mean(name: str) -> float:
        return float(np.mean([getattr(one, name) or 0.0 for one in known])) if known else 0.0

    return Macro(len(known), mean("recall"), mean("precision"), mean("f1"))


def metrics(labels: np.ndarray, log_probabilities: np.ndarray, smoothing: float = 0.0) -> Metrics:
    """Top-1, top-5 and loss. Among equal probabilities, the class with the lower number counts as the more probable.

    Args:
        labels: int64 (pictures,).
        log_probabilities: float32 (pictures, classes).
        smoothing: the recipe's label smoothing.
    """
    rows = np.arange(len(labels))
    own = log_probabilities[rows, labels]
    losses = -(1 - smoothing) * own - smoothing * log_probabilities.mean(1) if smoothing else -own
    rank = ranks(labels, log_probabilities)
    return Metrics(
        len(labels), float((rank < 1).mean()), float((rank < 5).mean()), float(losses.mean(dtype=np.float64))
    )


def ranks(labels: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """The number of classes that rank above the picture's own, int64 (pictures,)."""
    own = scores[np.arange(len(labels)), labels][:, np.newaxis]
    earlier = np.arange(scores.shape[1]) < labels[:, np.newaxis]
    return ((scores > own) | ((scores == own) & earlier)).sum(1)


def confusion(labels: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """The number of pictures of the row's class that were taken for the column's, int64 (classes, classes)."""
    return np.bincount(labels * classes + predicted, minlength=classes * classes).reshape(classes, classes)


def by_class(matrix: np.ndarray, names: Sequence[str]) -> list[ClassMetrics]:
    """The metrics of each class, from a confusion matrix."""
    right, real, taken = matrix.diagonal(), matrix.sum(1), matrix.sum(0)
    wrong = matrix - np.diag(right)
    return [
        ClassMetrics(
            name,
            int(real[index]),
            float(right[index] / real[index]) if real[index] else None,
            float(right[index] / taken[index]) if taken[index] else None,
            float(2 * right[index] / (real[index] + taken[index])) if real[index] else None,
            (names[most], int(wrong[index, most])) if wrong[index, most := int(wrong[index].argmax())] else None,
        )
        for index, name in enumerate(names)
    ]


def confused_pairs(matrix: np.ndarray, most: int) -> list[tuple[int, int, int]]:
    """The most frequent mistakes: class, class it was taken for, number of pictures."""
    wrong = matrix - np.diag(matrix.diagonal())
    order = np.argsort(-wrong, axis=None, kind="stable")[:most]
    pairs = (divmod(int(flat), len(matrix)) for flat in order)
    return [(row, column, int(wrong[row, column])) for row, column in pairs if wrong[row, column]]


def confident_mistakes(labels: np.ndarray, log_probabilities: np.ndarray, most: int) -> list[int]:
    """The numbers of at most `most` wrongly classified pictures, those with the most confident predictions first."""
    highest = log_probabilities.max(1)
    wrong = np.flatnonzero(log_probabilities.argmax(1) != labels)
    return wrong[np.argsort(-highest[wrong], kind="stable")][:most].tolist()


# -- ensembles -------------------------------------------------------------------------------------------------------


def mean_of(members: Sequence[np.ndarray]) -> np.ndarray:
    """The logarithm of the members' mean probability, float32 (pictures, classes)."""
    return averaged(np.stack(members), axis=0)


def averaged(log_probabilities: np.ndarray, axis: int) -> np.ndarray:
    """The logarithm of the mean probability over an axis, computed on logarithms throughout."""
    return np.logaddexp.reduce(log_probabilities, axis) - np.log(np.float32(log_probabilities.shape[axis]))


def vote(members: Sequence[np.ndarray]) -> np.ndarray:
    """The class that most members predict, int64 (pictures,). A tie goes to the class that the mean ranks higher."""
    votes = np.zeros(members[0].shape, np.int64)
    for member in members:
        votes[np.arange(len(member)), member.argmax(1)] += 1
    tied = votes == votes.max(1, keepdims=True)
    return np.where(tied, mean_of(members), -np.inf).argmax(1)

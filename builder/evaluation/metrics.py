"""Numbers of an evaluation, from labels and probabilities: arrays in, numbers out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Metrics:
    """Of a classifier on so many pictures. Shares are from 0 to 1; of a vote there is no top-5 and no loss.

    Attributes:
        loss: mean cross-entropy, in nats, with the recipe's label smoothing: training's `val_loss`.
    """

    pictures: int
    top1: float
    top5: float | None
    loss: float | None


@dataclass(frozen=True)
class ClassMetrics:
    """Of one class.

    Attributes:
        pictures: that are of it.
        recall: the share of them that was recognised; None where there are none.
        precision: the share of what was taken for it that is; None where nothing was.
        mistaken_for: the class that most of its pictures were wrongly taken for, and how many; None without mistakes.
    """

    name: str
    pictures: int
    recall: float | None
    precision: float | None
    mistaken_for: tuple[str, int] | None


def metrics(labels: np.ndarray, log_probabilities: np.ndarray, smoothing: float = 0.0) -> Metrics:
    """Top-1, top-5 and loss. Of equal probabilities the class with the lower number counts as higher."""
    rows = np.arange(len(labels))
    own = log_probabilities[rows, labels]
    losses = -(1 - smoothing) * own - smoothing * log_probabilities.mean(1) if smoothing else -own
    rank = ranks(labels, log_probabilities)
    return Metrics(
        len(labels), float((rank < 1).mean()), float((rank < 5).mean()), float(losses.mean(dtype=np.float64))
    )


def ranks(labels: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """How many classes are ahead of the label's, (pictures,)."""
    own = scores[np.arange(len(labels)), labels][:, np.newaxis]
    earlier = np.arange(scores.shape[1]) < labels[:, np.newaxis]
    return ((scores > own) | ((scores == own) & earlier)).sum(1)


def confusion(labels: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """int64 (classes, classes): how many pictures of the row's class were taken for the column's."""
    return np.bincount(labels * classes + predicted, minlength=classes * classes).reshape(classes, classes)


def by_class(matrix: np.ndarray, names: Sequence[str]) -> list[ClassMetrics]:
    """A row for each class."""
    right, real, taken = matrix.diagonal(), matrix.sum(1), matrix.sum(0)
    wrong = matrix - np.diag(right)
    return [
        ClassMetrics(
            name,
            int(real[index]),
            float(right[index] / real[index]) if real[index] else None,
            float(right[index] / taken[index]) if taken[index] else None,
            (names[most], int(wrong[index, most])) if wrong[index, most := int(wrong[index].argmax())] else None,
        )
        for index, name in enumerate(names)
    ]


def confused_pairs(matrix: np.ndarray, most: int) -> list[tuple[int, int, int]]:
    """(class, taken for, how many) of the most frequent mistakes."""
    wrong = matrix - np.diag(matrix.diagonal())
    order = np.argsort(-wrong, axis=None, kind="stable")[:most]
    pairs = (divmod(int(flat), len(matrix)) for flat in order)
    return [(row, column, int(wrong[row, column])) for row, column in pairs if wrong[row, column]]


def confident_mistakes(labels: np.ndarray, log_probabilities: np.ndarray, most: int) -> list[int]:
    """The numbers of wrongly classified pictures, the most confident first."""
    highest = log_probabilities.max(1)
    wrong = np.flatnonzero(log_probabilities.argmax(1) != labels)
    return wrong[np.argsort(-highest[wrong], kind="stable")][:most].tolist()


# -- ensembles -------------------------------------------------------------------------------------------------------


def mean_of(members: Sequence[np.ndarray]) -> np.ndarray:
    """The logarithm of the members' mean probability, (pictures, classes)."""
    return averaged(np.stack(members), axis=0)


def averaged(log_probabilities: np.ndarray, axis: int) -> np.ndarray:
    """The logarithm of the mean probability, without leaving logarithms."""
    return np.logaddexp.reduce(log_probabilities, axis) - np.log(np.float32(log_probabilities.shape[axis]))


def vote(members: Sequence[np.ndarray]) -> np.ndarray:
    """The class that most members name, (pictures,); of those with as many votes, the more probable by the mean."""
    votes = np.zeros(members[0].shape, np.int64)
    for member in members:
        votes[np.arange(len(member)), member.argmax(1)] += 1
    tied = votes == votes.max(1, keepdims=True)
    return np.where(tied, mean_of(members), -np.inf).argmax(1)

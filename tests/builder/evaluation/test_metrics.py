"""Scikit-learn's figures, and small cases by hand."""

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, log_loss, precision_recall_fscore_support, top_k_accuracy_score

from builder.evaluation import metrics

GENERATOR = np.random.default_rng(0)
LABELS = GENERATOR.integers(0, 8, 300)
LOGITS = GENERATOR.normal(size=(300, 8)) + 1.5 * np.eye(8)[LABELS]
LOG = (LOGITS - np.logaddexp.reduce(LOGITS, 1)[:, np.newaxis]).astype(np.float32)


def test_metrics_are_those_of_scikit_learn():
    found = metrics.metrics(LABELS, LOG)
    assert found.pictures == 300
    assert found.top1 == pytest.approx((LOG.argmax(1) == LABELS).mean())
    assert found.top5 == pytest.approx(top_k_accuracy_score(LABELS, LOG, k=5))
    shares = np.exp(LOGITS) / np.exp(LOGITS).sum(1, keepdims=True)
    assert found.loss == pytest.approx(log_loss(LABELS, shares), rel=1e-5)


def test_classes_are_those_of_scikit_learn():
    predicted = LOG.argmax(1)
    matrix = metrics.confusion(LABELS, predicted, 8)
    np.testing.assert_array_equal(matrix, confusion_matrix(LABELS, predicted))
    precision, recall, f1, support = precision_recall_fscore_support(LABELS, predicted)
    rows = metrics.by_class(matrix, "abcdefgh")
    assert [row.precision for row in rows] == pytest.approx(precision)
    assert [row.recall for row in rows] == pytest.approx(recall)
    assert [row.f1 for row in rows] == pytest.approx(f1)
    assert [row.pictures for row in rows] == support.tolist()


@pytest.mark.parametrize("labels", [LABELS, LABELS % 5, np.where(LABELS < 6, 0, LABELS)], ids=["8", "5", "uneven"])
def test_macro_averages_are_those_of_scikit_learn(labels):
    predicted = np.where(LOG.argmax(1) == 3, 0, LOG.argmax(1))  # class 3 is never predicted
    found = metrics.macro(metrics.by_class(metrics.confusion(labels, predicted, 8), "abcdefgh"))
    known = np.unique(labels)
    expected = precision_recall_fscore_support(labels, predicted, labels=known, average="macro", zero_division=0)
    assert (found.precision, found.recall, found.f1) == pytest.approx(expected[:3])
    assert found.classes == len(known)


def test_classes_without_pictures_have_no_recall():
    empty, taken, never = metrics.by_class(np.array([[0, 0, 0], [0, 3, 2], [0, 4, 0]]), ("a", "b", "c"))
    assert (empty.recall, empty.precision, empty.f1, empty.mistaken_for) == (None, None, None, None)
    assert (taken.recall, taken.precision, taken.mistaken_for) == (3 / 5, 3 / 7, ("c", 2))
    assert (never.recall, never.f1, never.mistaken_for) == (0.0, 0.0, ("b", 4))
    assert metrics.confused_pairs(np.array([[0, 0, 0], [0, 3, 2], [0, 4, 0]]), 9) == [(2, 1, 4), (1, 2, 2)]


def test_a_mean_is_of_probabilities_and_a_tied_vote_goes_to_the_more_probable():
    members = [np.log([[0.6, 0.3, 0.1]]), np.log([[0.1, 0.8, 0.1]]), np.log([[0.45, 0.1, 0.45 - 1e-9]])]
    np.testing.assert_allclose(np.exp(metrics.mean_of(members)), [[0.383333, 0.4, 0.216667]], rtol=1e-5)
    assert metrics.vote(members).tolist() == [0]  # two of three, although the mean says 1
    assert metrics.vote(members[:2]).tolist() == [1]  # one vote each


def test_mistakes_come_by_confidence():
    log = np.log([[0.9, 0.1], [0.7, 0.3], [0.2, 0.8], [0.95, 0.05]])
    assert metrics.confident_mistakes(np.array([1, 1, 1, 1]), log, 2) == [3, 0]

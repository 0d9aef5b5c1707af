"""Weights of classes against scikit-learn's, and an order in which every class comes equally often."""

import numpy as np
import pytest
import tensorflow as tf
from sklearn.utils.class_weight import compute_class_weight

import archspec
from archspec.errors import Where
from archspec.recipe import Train
from archspec.recipe.data import Npz
from builder.data import load_data
from builder.data.balance import balanced_order, class_weights
from builder.data.batches import training_batches
from builder.training.losses import loss, weighted

LABELS = np.repeat([0, 1, 2], [60, 9, 3])
WHERE = Where("train.class_weight")


@pytest.fixture
def data(tmp_path):
    """Three classes of 60, 9 and 3 training pictures, which are all different."""
    pictures = np.arange(72, dtype=np.uint8)[:, np.newaxis, np.newaxis] * np.ones((4, 4), np.uint8)
    names = np.array(["many", "some", "few"])
    arrays = {"x_train": pictures, "y_train": LABELS, "x_val": pictures, "y_val": LABELS, "class_names": names}
    np.savez(tmp_path / "a.npz", **arrays)
    return load_data(Npz(path=str(tmp_path / "a.npz")), (4, 4, 1))


def recipe(**fields):
    return Train(data=Npz(path=""), **{"batch_size": 12, "epochs": 3, **fields})


def test_balanced_weights_are_scikit_learns(data):
    expected = compute_class_weight("balanced", classes=np.arange(3), y=LABELS)
    found = class_weights(data, recipe(class_weight="balanced"), WHERE)
    assert found.tolist() == pytest.approx(expected.tolist())
    assert np.mean(found[LABELS]) == pytest.approx(1)


def test_weights_are_by_name_and_1_by_default(data):
    assert class_weights(data, recipe(class_weight=(("few", 8.0),)), WHERE).tolist() == [1, 1, 8]
    assert class_weights(data, recipe(), WHERE) is None
    with pytest.raises(archspec.SpecError) as caught:
        class_weights(data, recipe(class_weight=(("fwe", 8.0), ("some", 2.0))), WHERE)
    assert str(caught.value) == "train.class_weight: a.npz has no class 'fwe'; did you mean 'few'?"


def test_a_weighted_loss_is_that_of_repeated_pictures():
    logits = tf.constant(np.random.default_rng(0).normal(size=(6, 3)), tf.float32)
    labels = tf.constant([0, 1, 2, 2, 1, 0])
    plain = loss(recipe(label_smoothing=0.1))
    one_by_one = plain(labels, logits).numpy()
    found = weighted(plain, np.array([1, 3, 0.5], np.float32))
    assert np.allclose(found(labels, logits), one_by_one * [1, 3, 0.5, 0.5, 3, 1])
    shares = tf.constant([[0.25, 0.75, 0]] * 6)
    assert np.allclose(found(shares, logits), plain(shares, logits).numpy() * 2.5)
    assert weighted(plain, None) is plain


def test_a_balanced_epoch_has_every_class_equally_often(data):
    seen = []
    for pictures, labels in training_batches(data, recipe(sampler="balanced"), 12).as_numpy_iterator():
        assert (data.train.labels.numpy()[pictures[:, 0, 0, 0]] == labels).all()
        seen.append(pictures[:, 0, 0, 0])
    epochs = np.concatenate(seen).reshape(3, 72)
    for epoch in epochs:
        assert np.bincount(LABELS[epoch]).tolist() == [24, 24, 24]
        assert np.unique(epoch[epoch < 60]).size == 24, "none of many is repeated"
        assert np.bincount(epoch)[60:69].min() >= 2 and np.bincount(epoch)[69:].tolist() == [8, 8, 8]
    assert not np.array_equal(epochs[0], epochs[1]) and set(epochs[0][epochs[0] < 60]) != set(epochs[1][epochs[1] < 60])
    runs = np.abs(np.diff(LABELS[epochs.ravel()])).astype(bool).mean()
    assert 0.5 < runs < 0.8, "classes follow one another at random"


def test_a_balanced_order_resumes_and_divides_as_others_do(data):
    how = recipe(sampler="balanced")
    whole = [pictures for pictures, _ in training_batches(data, how, 12).as_numpy_iterator()]
    later = [pictures for pictures, _ in training_batches(data, how, 12, step=7).as_numpy_iterator()]
    assert np.array_equal(np.concatenate(whole[7:]), np.concatenate(later))
    halves = [list(training_batches(data, how, 6, shard=(i, 2)).as_numpy_iterator()) for i in (0, 1)]
    joined = [np.concatenate([first[0], second[0]]) for first, second in zip(*halves, strict=True)]
    assert np.array_equal(np.concatenate(whole), np.concatenate(joined))


def test_classes_without_pictures_are_left_out_of_an_order():
    labels = np.array([0, 3, 3, 3, 0, 3])
    order = balanced_order(labels, tf.constant([1, 2], tf.int64), tf.constant([3, 4], tf.int64)).numpy()
    assert np.bincount(labels[order]).tolist() == [3, 0, 0, 3]

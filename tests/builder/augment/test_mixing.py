"""Mixup and cutmix of real and of uniform pictures: shares, labels and partners."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from archspec.recipe.augment import Cutmix, Mixup
from builder.augment import augmented, numbers_needed
from tests.photos import LABELS, PHOTOS, applied, assert_close, drawn


@pytest.mark.parametrize("alpha", [0.2, 1.0, 5.0])
def test_mixup_averages_neighbours_by_a_share_that_is_beta_distributed(alpha):
    pictures = np.stack([np.full((2, 2, 1), value, np.uint8) for value in (0, 200)] * 1000)
    options = Mixup(alpha=alpha)
    found, labels = applied(options, pictures, drawn(options, 2000), np.array([0, 1] * 1000), classes=3)
    own = labels[np.arange(2000), np.arange(2000) % 2]
    assert labels.dtype == np.float32 and labels.shape == (2000, 3) and (labels[:, 2] == 0).all()
    np.testing.assert_allclose(labels.sum(1), 1, atol=1e-6)
    expected = np.where(np.arange(2000) % 2, 200 * own, 200 * (1 - own))
    assert abs(found.reshape(2000, -1) - expected[:, np.newaxis]).max() <= 0.51
    assert stats.kstest(own, stats.beta(alpha, alpha).cdf).pvalue > 0.01


@pytest.mark.parametrize("probability", [0.0, 0.3])
@pytest.mark.parametrize("kind", [Mixup, Cutmix])
def test_mixing_leaves_some_pictures_alone(kind, probability):
    options = kind(alpha=50.0, probability=probability)
    photos = np.concatenate([PHOTOS] * 50)
    found, labels = applied(options, photos, drawn(options, 200))
    alone = labels.max(1) == 1
    assert abs(alone.mean() - (1 - probability)) < 0.1
    assert np.array_equal(found[alone], photos[alone]) and (found[~alone] != photos[~alone]).any((1, 2, 3)).all()


def test_cutmix_puts_in_a_rectangle_of_the_neighbour_as_large_as_the_labels_say():
    options = Cutmix()
    pictures = np.stack([np.full((24, 36, 1), value, np.uint8) for value in (1, 2)] * 200)
    found, labels = applied(options, pictures, drawn(options, 400), np.array([0, 1] * 200), classes=2)
    np.testing.assert_allclose(labels.sum(1), 1, atol=1e-6)
    for picture, label, own in zip(found[..., 0], labels, [0, 1] * 200, strict=True):
        other = picture != own + 1
        assert other.mean() == pytest.approx(label[1 - own], abs=1e-6)
        rows, columns = np.flatnonzero(other.any(1)), np.flatnonzero(other.any(0))
        assert other.sum() == len(rows) * len(columns), "not a rectangle"
    assert 0.2 < labels[::2, 1].mean() < 0.5  # half of it, but for what stands out of the picture


def test_cutmix_in_the_middle_has_the_share_that_was_drawn():
    for number in (0.1, 0.36, 0.9):
        share = applied(Cutmix(alpha=1.0), PHOTOS, [0, number, 0.5, 0.5])[1][0, 0]  # Beta(1, 1) is uniform
        assert share == pytest.approx(number, abs=0.04)


def test_a_picture_is_mixed_by_one_of_mixup_and_cutmix():
    chain = (Mixup(alpha=50.0, probability=0.5), Cutmix(alpha=50.0))
    numbers = np.random.default_rng(0).random((400, numbers_needed(chain)), np.float32)
    pictures = np.stack([np.full((8, 8, 1), value, np.uint8) for value in (0, 200)] * 200)
    found, labels = augmented(chain, pictures, np.array([0, 1] * 200), numbers, 2)
    np.testing.assert_allclose(labels.numpy().sum(1), 1, atol=1e-6)
    mixed_up = (found.numpy() == found.numpy()[:, :1, :1]).all((1, 2, 3))
    assert np.array_equal(mixed_up, numbers[:, 0] < 0.5) and (labels.numpy().max(1) < 1).all()


def test_the_last_picture_of_an_odd_batch_is_mixed_with_the_first():
    found, labels = applied(Mixup(alpha=1.0), PHOTOS[:3], [0, 0.25], LABELS[:3])
    assert_close(found[2], np.round(0.25 * PHOTOS[2].astype(float) + 0.75 * PHOTOS[0]))
    np.testing.assert_allclose(labels[2], [0.75, 0, 0.25, 0], atol=1e-3)

"""Augmentations on real pictures, each against a plain computation with NumPy, Pillow, SciPy or `colorsys`."""

from __future__ import annotations

import colorsys
import math
import time
from collections import Counter

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageEnhance, ImageOps
from scipy import stats
from sklearn.datasets import load_digits, load_sample_images

from archspec.recipe import AUGMENTATIONS
from archspec.recipe.augment import (
    CROPS,
    ColorJitter,
    Cutmix,
    HorizontalFlip,
    Mixup,
    PcaColor,
    RandAugment,
    RandomCrop,
    RandomErasing,
    ResizedCrop,
)
from builder.augment import MIXING, PICTURE, augmented, numbers_needed
from builder.augment.rand_augment import operations

CHINA, FLOWER = load_sample_images().images
HEIGHT, WIDTH = 48, 60
PHOTOS = np.stack(
    [photo[y : y + HEIGHT, x : x + WIDTH] for photo in (CHINA, FLOWER) for y, x in ((60, 90), (200, 300))]
)
DIGITS = load_digits().images[:4, :, :, np.newaxis].astype(np.uint8) * 15
LABELS = np.arange(4)
ALL = [
    RandomCrop(pad=4),
    HorizontalFlip(),
    PcaColor(),
    ColorJitter(hue=0.1),
    RandAugment(),
    RandomErasing(probability=0.9),
    Mixup(),
    Cutmix(),
]
"""One of each that is not carried out where pictures are read."""
FOR_GREY = [ColorJitter(saturation=0), *(options for options in ALL if not isinstance(options, PcaColor | ColorJitter))]


def name(options):
    return type(options).__name__


def drawn(options, count, seed=0):
    """Random numbers for so many pictures."""
    return np.random.default_rng(seed).random((count, numbers_needed([options])), np.float32)


def applied(options, pictures, numbers, labels=None, classes=4):
    """Pictures and labels after one augmentation, as arrays. One row of numbers is for all pictures."""
    numbers = np.broadcast_to(np.array(numbers, np.float32), (len(pictures), numbers_needed([options])))
    labels = np.arange(len(pictures)) % classes if labels is None else labels
    new_pictures, new_labels = augmented(
        (options,), tf.constant(pictures), tf.constant(labels), tf.constant(numbers), classes
    )
    return new_pictures.numpy(), new_labels.numpy()


def changed(options, pictures, numbers):
    return applied(options, pictures, numbers)[0]


def assert_close(found, expected, levels=1):
    """Equal up to rounding."""
    assert abs(found.astype(int) - expected.astype(int)).max() <= levels


# -- all of them -----------------------------------------------------------------------------------------------------


def test_every_augmentation_of_the_language_is_carried_out():
    assert {*PICTURE, *MIXING, *CROPS} == {record.build for record in AUGMENTATIONS.values()}
    assert {*map(type, ALL)} == {*PICTURE, *MIXING}


@pytest.mark.parametrize("options", ALL, ids=name)
def test_the_same_numbers_give_the_same_picture_and_others_another(options):
    photos = np.concatenate([PHOTOS] * 4)
    first, again, other = (changed(options, photos, drawn(options, 16, seed)) for seed in (0, 0, 1))
    assert np.array_equal(first, again) and not np.array_equal(first, other)
    assert first.dtype == np.uint8 and first.shape == photos.shape and not np.array_equal(first, photos)


@pytest.mark.parametrize("options", FOR_GREY, ids=name)
def test_grey_pictures_stay_grey_pictures(options):
    found = changed(options, DIGITS, drawn(options, 4))
    assert found.dtype == np.uint8 and found.shape == DIGITS.shape and found.any()


@pytest.mark.parametrize("options", ALL, ids=name)
@pytest.mark.parametrize("number", [0.0, 0.999999, np.nextafter(np.float32(1), np.float32(0))])
def test_the_least_and_the_greatest_numbers_are_numbers_like_others(options, number):
    found, labels = applied(options, PHOTOS, [number] * numbers_needed([options]))
    assert found.shape == PHOTOS.shape and np.isfinite(labels).all()
    assert found.std(axis=(1, 2, 3)).min() > 1, "a picture is blank"


@pytest.mark.parametrize("options", [options for options in ALL if type(options) in PICTURE], ids=name)
def test_a_picture_does_not_depend_on_the_others_of_its_batch(options):
    numbers = drawn(options, 4)
    together = changed(options, PHOTOS, numbers)
    alone = np.concatenate([changed(options, PHOTOS[i : i + 1], numbers[i : i + 1]) for i in range(4)])
    assert np.array_equal(together, alone)


@pytest.mark.parametrize("options", [Mixup(), Cutmix()], ids=name)
def test_a_batch_is_mixed_the_same_in_even_parts(options):
    numbers = drawn(options, 4)
    pictures, labels = applied(options, PHOTOS, numbers)
    parts = [applied(options, PHOTOS[i : i + 2], numbers[i : i + 2], LABELS[i : i + 2]) for i in (0, 2)]
    assert np.array_equal(pictures, np.concatenate([part[0] for part in parts]))
    assert np.array_equal(labels, np.concatenate([part[1] for part in parts]))


def test_a_list_is_its_augmentations_one_after_another():
    chain = (RandomCrop(pad=4), HorizontalFlip(), ColorJitter(), RandomErasing(), Cutmix(probability=0.5), Mixup())
    numbers = np.random.default_rng(3).random((4, numbers_needed(chain)), np.float32)
    found, labels = augmented(chain, PHOTOS, LABELS, numbers, 4)
    expected, used = PHOTOS, 0
    for options in chain[:4]:
        count = numbers_needed([options])
        expected = changed(options, expected, numbers[:, used : used + count])
        used += count
    expected, shares = (part.numpy() for part in augmented(chain[4:], expected, LABELS, numbers[:, used:], 4))
    assert np.array_equal(found, expected) and np.array_equal(labels, shares)


def test_crops_to_the_networks_size_are_done_by_now():
    chain = (ResizedCrop(side=64), HorizontalFlip(probability=1.0))
    assert numbers_needed(chain) == 1
    assert np.array_equal(augmented(chain, PHOTOS, LABELS, np.zeros((4, 1), np.float32), 4)[0], PHOTOS[:, :, ::-1])


def test_without_augmentations_nothing_happens():
    pictures, labels = augmented((), PHOTOS, LABELS, np.zeros((4, 0), np.float32), 4)
    assert pictures is PHOTOS and labels is LABELS


def test_batches_of_a_pipeline_may_end_in_a_smaller_one():
    def augment(pictures, labels, numbers):
        return augmented((HorizontalFlip(), Mixup()), pictures, labels, numbers, 4)

    source = tf.data.Dataset.from_tensor_slices((PHOTOS, LABELS, np.full((4, 3), 0.75, np.float32)))
    pictures, labels = zip(*source.batch(3).map(augment, num_parallel_calls=2).as_numpy_iterator(), strict=True)
    assert [len(part) for part in pictures] == [3, 1] and [part.shape for part in labels] == [(3, 4), (1, 4)]


@pytest.mark.parametrize("options", ALL, ids=name)
def test_other_numbers_do_not_compile_anew(options):
    pictures = PHOTOS[:, :20]  # a shape of this test's own
    seconds = []
    for seed in range(5):
        numbers = drawn(options, 4, seed)
        start = time.perf_counter()
        changed(options, pictures, numbers)
        seconds.append(time.perf_counter() - start)
    assert min(seconds[1:]) < seconds[0] / 5


# -- moving pixels ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fill", [0, 77])
def test_random_crop_takes_each_window_of_the_padded_picture_as_often(fill):
    picture = np.arange(1, 21, dtype=np.uint8).reshape(4, 5, 1)
    padded = np.pad(picture, ((1, 1), (1, 1), (0, 0)), constant_values=fill)
    windows = {padded[y : y + 4, x : x + 5].tobytes(): (y, x) for y in range(3) for x in range(3)}
    options = RandomCrop(pad=1, fill=fill)
    counts = Counter(
        windows[crop.tobytes()] for crop in changed(options, np.stack([picture] * 400), drawn(options, 400))
    )
    assert len(counts) == 9 and min(counts.values()) > 20


def test_horizontal_flip_mirrors_the_share_it_is_told_to():
    for probability, least, most in ((0.5, 150, 250), (0.1, 20, 70), (0.0, 0, 0), (1.0, 400, 400)):
        options = HorizontalFlip(probability=probability)
        found = changed(options, np.stack([PHOTOS[0]] * 400), drawn(options, 400))
        mirrored = sum(np.array_equal(one, PHOTOS[0, :, ::-1]) for one in found)
        assert least <= mirrored <= most
        assert mirrored + sum(np.array_equal(one, PHOTOS[0]) for one in found) == 400


def test_flipping_twice_changes_nothing():
    options = HorizontalFlip(probability=1.0)
    assert np.array_equal(changed(options, changed(options, PHOTOS, [0.3]), [0.3]), PHOTOS)


def test_random_erasing_covers_a_rectangle_with_noise():
    options = RandomErasing(probability=0.6)
    pictures = np.zeros((400, 40, 40, 1), np.uint8)
    found = changed(options, pictures, drawn(options, 400))[..., 0]
    erased = [picture for picture in found if picture.any()]
    assert 200 < len(erased) < 280
    areas, ratios, noise = [], [], []
    for picture in erased:
        rows, columns = np.flatnonzero(picture.any(1)), np.flatnonzero(picture.any(0))
        box = picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        assert (box > 0).mean() > 0.9, "not a rectangle full of noise"  # one in 256 of the noise is black
        areas.append(box.size / 1600)
        ratios.append(box.shape[0] / box.shape[1])
        noise.append(box.ravel())
    assert 0.015 < min(areas) < 0.05 and 0.28 < max(areas) < 0.36
    assert min(ratios) < 0.4 and max(ratios) > 2.6 and abs(np.mean(np.array(ratios) > 1) - 0.5) < 0.12
    values = np.concatenate(noise)
    assert stats.chisquare(np.bincount(values, minlength=256)).pvalue > 1e-4
    assert abs(np.corrcoef(values[:-1], values[1:])[0, 1]) < 0.02
    assert len({box[:16].tobytes() for box in noise if len(box) >= 16}) > 0.95 * len(noise)


def test_random_erasing_keeps_what_is_outside():
    found = changed(RandomErasing(probability=1.0), PHOTOS, [0, 0.5, 0.5, 0.5, 0.5, 0.3])
    rows, columns = np.nonzero((found != PHOTOS).any((0, 3)))
    # area (0.02 + 1/3) / 2 of 48 x 60, about as high as wide, in the middle
    side = math.sqrt((0.02 + 1 / 3) / 2 * HEIGHT * WIDTH)
    assert abs(np.ptp(rows) + 1 - side) < 2 and abs(np.ptp(columns) + 1 - side) < 2
    assert abs(rows.mean() - HEIGHT / 2) < 2 and abs(columns.mean() - WIDTH / 2) < 2


# -- colours ---------------------------------------------------------------------------------------------------------


def test_pca_color_adds_one_color_drawn_from_three_normal_distributions():
    options = PcaColor(std=0.2)
    picture = np.full((1, 2, 2, 3), 128, np.uint8)
    numbers = drawn(options, 2000)
    found = changed(options, np.repeat(picture, 2000, 0), numbers)
    assert (found == found[:, :1, :1]).all()
    published = np.array([[-0.5675, 0.7192, 0.4009], [-0.5808, -0.0045, -0.8140], [-0.5836, -0.6948, 0.4203]])
    amounts = stats.norm.ppf(numbers.astype(float)) * 0.2 * 255 * np.array([0.2175, 0.0188, 0.0045])
    assert_close(found[:, 0, 0], np.clip(np.round(128 + amounts @ published.T), 0, 255))


def test_pca_color_goes_no_further_than_0_and_255():
    assert (changed(PcaColor(std=10.0), PHOTOS, [0.0, 0.5, 0.5]) == 255).all()
    assert (changed(PcaColor(std=10.0), PHOTOS, [0.999999, 0.5, 0.5]) == 0).all()


ENHANCE = {"brightness": ImageEnhance.Brightness, "contrast": ImageEnhance.Contrast, "saturation": ImageEnhance.Color}
NONE = {"brightness": 0.0, "contrast": 0.0, "saturation": 0.0, "hue": 0.0}


@pytest.mark.parametrize("number", [0.0, 0.2, 0.9])
@pytest.mark.parametrize("field", ENHANCE)
def test_color_jitter_is_pillows_enhancement(field, number):
    found = changed(ColorJitter(**{**NONE, field: 0.6}), PHOTOS, [number] * 4)
    enhancers = [ENHANCE[field](Image.fromarray(photo)) for photo in PHOTOS]
    expected = np.stack([np.array(one.enhance(1 + 0.6 * (2 * number - 1))) for one in enhancers])
    assert_close(found, expected, levels=2)  # Pillow rounds greys first


def test_color_jitter_turns_hues():
    found = changed(ColorJitter(**{**NONE, "hue": 0.25}), PHOTOS[:, ::4, ::4], [0.5, 0.5, 0.5, 0.9])
    angle = 2 * math.pi * 0.25 * 0.8
    for old, new in zip(PHOTOS[:, ::4, ::4].reshape(-1, 3), found.reshape(-1, 3), strict=True):
        y, i, q = colorsys.rgb_to_yiq(*(old / 255))
        i, q = i * math.cos(angle) - q * math.sin(angle), i * math.sin(angle) + q * math.cos(angle)
        assert_close(new, np.round(255 * np.array(colorsys.yiq_to_rgb(y, i, q))), levels=3)  # its constants are rounded


def test_color_jitter_does_all_at_once_as_one_after_another():
    photos = PHOTOS // 2 + 64  # nothing is cut to 0 or 255 on the way
    options = ColorJitter(brightness=0.2, contrast=0.2, saturation=0.2, hue=0.1)
    for numbers in drawn(options, 3):
        together = changed(options, photos, numbers)
        for order in (["brightness", "contrast", "saturation", "hue"], ["hue", "saturation", "contrast", "brightness"]):
            apart = photos
            for field in order:
                apart = changed(ColorJitter(**{**NONE, field: getattr(options, field)}), apart, numbers)
            assert_close(together, apart, levels=3)


# -- RandAugment -----------------------------------------------------------------------------------------------------


def pil(name, picture, strength, sign):
    """The operation as the paper's authors had it, by Pillow; identity for those that have no place in it."""
    image = Image.fromarray(picture)
    shear, factor, grey = sign * 0.3 * strength, 1 + sign * 0.9 * strength, (128, 128, 128)
    shift = sign * 150 / 331 * strength

    def affine(*values):
        return image.transform(image.size, Image.Transform.AFFINE, values, Image.Resampling.NEAREST, fillcolor=grey)

    made = {
        "identity": lambda: image,
        "auto_contrast": lambda: ImageOps.autocontrast(image),
        "equalize": lambda: ImageOps.equalize(image),
        "rotate": lambda: image.rotate(sign * 30 * strength, fillcolor=grey),
        "solarize": lambda: ImageOps.solarize(image, 256 * (1 - strength)),
        "color": lambda: ImageEnhance.Color(image).enhance(factor),
        "posterize": lambda: ImageOps.posterize(image, 8 - round(4 * strength)),
        "contrast": lambda: ImageEnhance.Contrast(image).enhance(factor),
        "brightness": lambda: ImageEnhance.Brightness(image).enhance(factor),
        "sharpness": lambda: ImageEnhance.Sharpness(image).enhance(factor),
        "shear_x": lambda: affine(1, shear, 0, 0, 1, 0),
        "shear_y": lambda: affine(1, 0, 0, shear, 1, 0),
        "translate_x": lambda: affine(1, 0, shift * WIDTH, 0, 1, 0),
        "translate_y": lambda: affine(1, 0, 0, 0, 1, shift * HEIGHT),
    }
    return np.array(made[name]())


NAMES = list(operations(HEIGHT, WIDTH, 0.5, 1))


def numbers_for(name, sign):
    """The number that draws an operation."""
    return (2 * NAMES.index(name) + (sign < 0) + 0.5) / (2 * len(NAMES))


@pytest.mark.parametrize("magnitude", [9, 30])
def test_rand_augment_has_the_papers_operations(magnitude):
    assert len(NAMES) == 14
    for operation in NAMES:
        for sign in (1, -1):
            found = changed(RandAugment(layers=1, magnitude=magnitude), PHOTOS, [numbers_for(operation, sign)])
            expected = np.stack([pil(operation, photo, magnitude / 30, sign) for photo in PHOTOS])
            far = (abs(found.astype(int) - expected.astype(int)) > 2).any(-1).mean()
            allowed = 0.01 if operation in ("rotate", "shear_x", "shear_y") else 0  # where a pixel lies on an edge
            assert far <= allowed, operation
            assert operation == "identity" or not np.array_equal(found, PHOTOS), operation


def test_rand_augment_at_magnitude_0_moves_nothing():
    kept = [name for name in NAMES if name not in ("auto_contrast", "equalize")]
    for operation in kept:
        found = changed(RandAugment(layers=1, magnitude=0), PHOTOS, [numbers_for(operation, -1)])
        assert np.array_equal(found, PHOTOS), operation


def test_rand_augment_applies_its_layers_in_order():
    numbers = [numbers_for(operation, 1) for operation in ("translate_x", "solarize", "rotate")]
    expected = PHOTOS
    for number in numbers:
        expected = changed(RandAugment(layers=1, magnitude=10), expected, [number])
    assert np.array_equal(changed(RandAugment(layers=3, magnitude=10), PHOTOS, numbers), expected)


def test_a_picture_of_one_value_survives_what_stretches_values():
    flat = np.full((2, HEIGHT, WIDTH, 3), 90, np.uint8)
    for operation in ("auto_contrast", "equalize"):
        assert np.array_equal(changed(RandAugment(layers=1), flat, [numbers_for(operation, 1)]), flat)


# -- mixing ----------------------------------------------------------------------------------------------------------


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

"""Augmentations of real pictures, each against a plain computation with NumPy, Pillow, SciPy or `colorsys`."""

from __future__ import annotations

import colorsys
import math
from collections import Counter

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps
from scipy import ndimage, stats

from archspec.recipe.augment import (
    Affine,
    AugMix,
    Blur,
    ColorJitter,
    Grayscale,
    HorizontalFlip,
    PcaColor,
    RandAugment,
    RandomCrop,
    RandomErasing,
    Rotation,
    TrivialAugment,
    VerticalFlip,
)
from builder.augment.rand_augment import LONGEST_CHAIN, MAGNITUDES, MIXED, operations
from tests.photos import HEIGHT, PHOTOS, WIDTH, assert_close, changed, drawn

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


def test_horizontal_flip_mirrors_the_given_share():
    for probability, least, most in ((0.5, 150, 250), (0.1, 20, 70), (0.0, 0, 0), (1.0, 400, 400)):
        options = HorizontalFlip(probability=probability)
        found = changed(options, np.stack([PHOTOS[0]] * 400), drawn(options, 400))
        mirrored = sum(np.array_equal(one, PHOTOS[0, :, ::-1]) for one in found)
        assert least <= mirrored <= most
        assert mirrored + sum(np.array_equal(one, PHOTOS[0]) for one in found) == 400


def test_flipping_twice_changes_nothing():
    options = HorizontalFlip(probability=1.0)
    assert np.array_equal(changed(options, changed(options, PHOTOS, [0.3]), [0.3]), PHOTOS)


def test_vertical_flip_mirrors_top_to_bottom():
    found = changed(VerticalFlip(probability=0.4), PHOTOS[:2], np.array([[0.39], [0.41]], np.float32))
    assert np.array_equal(found[0], PHOTOS[0, ::-1]) and np.array_equal(found[1], PHOTOS[1])


def by_scipy(picture, matrix, offset, fill):
    """A picture whose pixel (row, column) is taken from matrix @ (row, column) + offset, bilinearly."""
    channels = [
        ndimage.affine_transform(
            picture[..., channel].astype(float), matrix, offset, order=1, mode="grid-constant", cval=fill
        )
        for channel in range(picture.shape[-1])
    ]
    return np.stack(channels, -1)


CENTRE = np.array([(HEIGHT - 1) / 2, (WIDTH - 1) / 2])


@pytest.mark.parametrize("number", [0.0, 0.5, 0.81])
@pytest.mark.parametrize("fill", [0, 200])
def test_rotation_turns_about_the_centre(number, fill):
    found = changed(Rotation(degrees=70, fill=fill), PHOTOS, [number])
    angle = math.radians(70 * (2 * number - 1))
    matrix = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    expected = np.stack([by_scipy(photo, matrix, CENTRE - matrix @ CENTRE, fill) for photo in PHOTOS])
    assert_close(found, expected)


def test_rotation_by_a_positive_angle_is_pillows():
    square = PHOTOS[:, :, :HEIGHT]
    found = changed(Rotation(degrees=90), square, [0.9999999])
    assert_close(found, np.stack([np.array(Image.fromarray(one).rotate(90)) for one in square]))


@pytest.mark.parametrize("seed", range(3))
def test_affine_shears_scales_turns_and_moves(seed):
    options = Affine(degrees=40, translate=0.2, scale=(0.6, 1.5), shear=20, fill=90)
    numbers = drawn(options, 1, seed)[0]
    found = changed(options, PHOTOS, numbers)
    angle, slope = math.radians(40 * (2 * numbers[0] - 1)), math.tan(math.radians(20 * (2 * numbers[1] - 1)))
    scale = 0.6 + 0.9 * numbers[2]
    shift = 0.2 * (2 * numbers[3:].astype(float) - 1) * [HEIGHT, WIDTH]
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])  # rows, columns
    forth = turn @ (scale * np.eye(2)) @ np.array([[1, 0], [slope, 1]])
    back = np.linalg.inv(forth)
    expected = np.stack([by_scipy(photo, back, CENTRE - back @ (CENTRE + shift), 90) for photo in PHOTOS])
    assert_close(found, expected, levels=2)


def test_affine_of_nothing_changes_nothing():
    options = Affine(degrees=0, translate=0, scale=(1.0, 1.0), shear=0)
    assert np.array_equal(changed(options, PHOTOS, [0.1, 0.2, 0.3, 0.4, 0.5]), PHOTOS)


@pytest.mark.parametrize("number", [0.0, 0.4, 0.999])
def test_blur_is_scipys_gaussian_with_the_weights_outside_given_to_those_inside(number):
    found = changed(Blur(sigma=(0.1, 4.0)), PHOTOS, [0.3, number])
    sigma = 0.1 + 3.9 * number

    def filtered(values):
        return ndimage.gaussian_filter(values.astype(float), (0, sigma, sigma, 0), mode="constant", truncate=10)

    assert_close(found, filtered(PHOTOS) / filtered(np.ones_like(PHOTOS)))
    assert np.array_equal(changed(Blur(), PHOTOS, [0.6, number]), PHOTOS)


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


def test_grayscale_is_pillows():
    found = changed(Grayscale(probability=0.3), PHOTOS, [0.2])
    greys = [np.array(Image.fromarray(photo).convert("L").convert("RGB")) for photo in PHOTOS]
    assert_close(found, np.stack(greys))
    assert np.array_equal(changed(Grayscale(probability=0.3), PHOTOS, [0.31]), PHOTOS)


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


def test_color_jitter_at_once_equals_its_steps_in_order():
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
    """The paper's operation in Pillow; the identity for those that Pillow does not have."""
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
    """Compares exactly where Pillow does not round intermediate results."""
    assert len(NAMES) == 14
    for operation in NAMES:
        for sign in (1, -1):
            found = changed(RandAugment(layers=1, magnitude=magnitude), PHOTOS, [numbers_for(operation, sign)])
            expected = np.stack([pil(operation, photo, magnitude / 30, sign) for photo in PHOTOS])
            levels = {"color": 2, "contrast": 2, "brightness": 1, "sharpness": 2, "auto_contrast": 1}.get(operation, 0)
            far = (abs(found.astype(int) - expected.astype(int)) > levels).any(-1).mean()
            allowed = 0.01 if operation in ("rotate", "shear_x", "shear_y") else 0  # where a pixel lies on an edge
            assert far <= allowed, operation
            assert operation == "identity" or not np.array_equal(found, PHOTOS), operation


def test_rand_augment_at_magnitude_0_moves_no_pixel():
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


@pytest.mark.parametrize("magnitude", [0, 9, 30])
@pytest.mark.parametrize("name", ["rotate", "solarize", "translate_y", "brightness"])
def test_trivial_augment_is_one_operation_at_any_magnitude(name, magnitude):
    found = changed(TrivialAugment(), PHOTOS, [numbers_for(name, -1), (magnitude + 0.5) / MAGNITUDES])
    expected = changed(RandAugment(layers=1, magnitude=magnitude), PHOTOS, [numbers_for(name, -1)])
    assert np.array_equal(found, expected)
    by_pillow = np.stack([pil(name, photo, magnitude / 30, -1) for photo in PHOTOS])
    assert (abs(found.astype(int) - by_pillow.astype(int)) > 1).any(-1).mean() < 0.01


def test_aug_mix_averages_chains_and_the_picture():
    """Against NumPy's mean of Pillow's results."""
    options = AugMix(severity=10.0, width=2)
    chains = [(0.3, ["translate_x", "solarize"]), (0.6, ["equalize", "translate_y", "posterize"])]
    level, share, numbers, expected = 20, 0.7, [0.7], (1 - 0.7) * PHOTOS.astype(float)
    weights = -np.log([weight for weight, _ in chains])
    for (weight, names), own in zip(chains, weights / weights.sum(), strict=True):
        numbers += [weight, (len(names) - 0.5) / LONGEST_CHAIN]
        pictures = PHOTOS
        for name in [*names, *["rotate"] * (LONGEST_CHAIN - len(names))]:
            numbers += [(2 * MIXED.index(name) + 0.5) / (2 * len(MIXED)), (level + 0.5) / MAGNITUDES]
        for name in names:
            pictures = np.stack([pil(name, picture, (level + 1) / MAGNITUDES, 1) for picture in pictures])
        expected += share * own * pictures
    assert_close(changed(options, PHOTOS, numbers), expected, levels=1)


def test_a_picture_of_one_value_survives_what_stretches_values():
    flat = np.full((2, HEIGHT, WIDTH, 3), 90, np.uint8)
    for operation in ("auto_contrast", "equalize"):
        assert np.array_equal(changed(RandAugment(layers=1), flat, [numbers_for(operation, 1)]), flat)

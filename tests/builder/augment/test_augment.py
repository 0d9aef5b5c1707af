"""Properties that all augmentations share."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from archspec.recipe import AUGMENTATIONS
from archspec.recipe.augment import ColorJitter, Cutmix, HorizontalFlip, Mixup, RandomCrop, RandomErasing, VerticalFlip
from archspec.recipe.crops import CROPS, ResizedCrop
from builder.augment import MIXING, PICTURE, augmented, numbers_needed
from builder.augment.moves import MOVES
from tests.photos import ALL, DIGITS, FOR_GREY, LABELS, PHOTOS, applied, changed, drawn, name


def test_every_augmentation_of_the_language_is_carried_out():
    assert {*MOVES, *PICTURE, *MIXING, *CROPS} == {record.build for record in AUGMENTATIONS.values()}
    assert {*map(type, ALL)} == {*MOVES, *PICTURE, *MIXING}


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
def test_the_smallest_and_the_largest_random_numbers_work(options, number):
    found, labels = applied(options, PHOTOS, [number] * numbers_needed([options]))
    assert found.shape == PHOTOS.shape and np.isfinite(labels).all()
    assert found.std(axis=(1, 2, 3)).min() > 1, "a picture is blank"


@pytest.mark.parametrize("options", [options for options in ALL if type(options) not in MIXING], ids=name)
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


def test_a_list_applies_its_augmentations_in_order():
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


@pytest.mark.parametrize(
    "chain",
    [
        (RandomCrop(pad=4, fill=7), HorizontalFlip(), VerticalFlip()),
        (VerticalFlip(), RandomCrop(pad=4), HorizontalFlip()),
        (RandomCrop(pad=2, fill=7), HorizontalFlip(), RandomCrop(pad=3, fill=200), VerticalFlip(), RandomErasing()),
        (ColorJitter(), HorizontalFlip(), RandomCrop(pad=70), ColorJitter()),
    ],
    ids=lambda chain: " ".join(map(name, chain)),
)
def test_crops_and_flips_in_a_row_do_what_each_does_after_the_other(chain):
    photos = np.concatenate([PHOTOS] * 8)
    numbers = np.random.default_rng(5).random((len(photos), numbers_needed(chain)), np.float32)
    found, _ = augmented(chain, photos, np.zeros(len(photos)), numbers, 4)
    expected, used = photos, 0
    for options in chain:
        count = numbers_needed([options])
        expected = changed(options, expected, numbers[:, used : used + count])
        used += count
    assert np.array_equal(found, expected)


def test_crops_to_the_networks_size_are_left_out():
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
def test_other_numbers_need_no_further_compilation(options):
    """A value that XLA needs as a constant would stand in its program, which it would compile again for every other."""

    @tf.function(jit_compile=True, autograph=False)
    def augment(pictures, labels, numbers):
        return augmented((options,), pictures, labels, numbers, 4)

    batches = [(tf.constant(PHOTOS), tf.constant(LABELS), tf.constant(drawn(options, 4, seed))) for seed in range(3)]
    programs = {augment.experimental_get_compiler_ir(*batch)(stage="hlo") for batch in batches}
    assert len(programs) == 1
    assert augment.experimental_get_tracing_count() == 1

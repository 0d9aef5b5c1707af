"""Data sets and batches: the digits, the order of an epoch, augmentation, and what a wrong source says."""

import pkgutil
from collections import Counter

import numpy as np
import pytest
import tensorflow as tf
from sklearn.datasets import load_digits

import archspec
from archspec.recipe import Train
from archspec.recipe.augment import HorizontalFlip, RandomCrop
from archspec.recipe.data import Digits, Tfds
from builder.batches import steps_per_epoch, training_batches, validation_batches
from builder.data import check_fits, load_data
from tests.strategies import load


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    return load_data(Digits(), tmp_path_factory.mktemp("data"))


def arrays(dataset):
    pictures, labels = zip(*dataset.as_numpy_iterator(), strict=True)
    return np.stack(pictures), np.stack(labels)


def flat(batches):
    pictures, labels = zip(*batches.as_numpy_iterator(), strict=True)
    return np.concatenate(pictures), np.concatenate(labels)


def recipe(**fields):
    return Train(**{"data": Digits(), "batch_size": 100, "epochs": 3, **fields})


# -- digits ----------------------------------------------------------------------------------------------------------


def test_digits_are_scikit_learns_split_in_two(digits):
    train, train_labels = arrays(digits.train)
    test, test_labels = arrays(digits.validation)
    assert train.shape == (1437, 8, 8, 1) and train.dtype == np.uint8 and test.shape == (360, 8, 8, 1)
    assert (digits.train_count, digits.validation_count) == (1437, 360)
    assert digits.shape == (8, 8, 1) and digits.class_names == tuple("0123456789")

    source = load_digits()
    expected = counted(source.images.astype(np.uint8), source.target)
    assert counted(train, train_labels) + counted(test, test_labels) == expected


def counted(pictures, labels):
    return Counter((picture.tobytes(), int(label)) for picture, label in zip(pictures, labels, strict=True))


def test_a_fifth_of_every_class_is_held_out(digits):
    held_out = np.bincount(arrays(digits.validation)[1], minlength=10)
    all_of_it = np.bincount(load_digits().target)
    assert (abs(held_out - all_of_it / 5) < 1).all()


def test_preparing_twice_gives_the_same_pictures_in_the_same_order(digits, tmp_path):
    again = load_data(Digits(), tmp_path)
    for split in ("train", "validation"):
        for one, other in zip(arrays(getattr(digits, split)), arrays(getattr(again, split)), strict=True):
            assert np.array_equal(one, other)
    assert again.fingerprint == digits.fingerprint and again.pixels == digits.pixels


@pytest.mark.parametrize("place", ["builder.data._supervised", "builder.digits.Digits._split_generators"])
def test_another_process_may_finish_preparing_at_any_moment(place, digits, tmp_path):
    patch = pytest.MonkeyPatch()
    module, _, name = place.rpartition(".")
    original = getattr(pkgutil.resolve_name(module), name)

    def with_another_first(*arguments):
        patch.undo()
        load_data(Digits(), tmp_path)
        return original(*arguments)

    patch.setattr(place, with_another_first)
    assert load_data(Digits(), tmp_path).fingerprint == digits.fingerprint
    assert [path.name for path in (tmp_path / "digits").iterdir()] == ["1.0.0"]


def test_pixels_have_mean_0_and_deviation_1(digits):
    pictures, _ = arrays(digits.train)
    normal = digits.pixels.layer()(pictures).numpy()
    assert normal.mean() == pytest.approx(0, abs=1e-6) and normal.std() == pytest.approx(1, abs=1e-6)


def test_splits_may_be_slices(digits, tmp_path):
    data = load_data(Tfds(name="digits", train="train[:50%]", validation="train[50%:]"), tmp_path)
    assert (data.train_count, data.validation_count) == (718, 719)
    assert data.fingerprint != digits.fingerprint
    joined = np.concatenate([arrays(data.train)[0], arrays(data.validation)[0]])
    assert np.array_equal(joined, arrays(digits.train)[0])


# -- batches ---------------------------------------------------------------------------------------------------------

CROP_AND_FLIP = (RandomCrop(pad=2), HorizontalFlip())


def test_seed_and_epoch_decide_everything(digits):
    batches = training_batches(digits, recipe(augment=CROP_AND_FLIP))
    first, labels = flat(batches)
    tf.random.set_seed(123)  # another state of the process makes no difference
    again, labels_again = flat(training_batches(digits, recipe(augment=CROP_AND_FLIP)))
    assert np.array_equal(first, again) and np.array_equal(labels, labels_again)

    epochs = np.split(labels, 3)
    assert not np.array_equal(epochs[0], epochs[1]) and not np.array_equal(epochs[1], epochs[2])
    other_seed = flat(training_batches(digits, recipe(augment=CROP_AND_FLIP, seed=1)))[1]
    assert not np.array_equal(labels, other_seed)


def test_epochs_may_start_anywhere(digits):
    whole = flat(training_batches(digits, recipe(augment=CROP_AND_FLIP)))[0]
    rest = flat(training_batches(digits, recipe(augment=CROP_AND_FLIP), first_epoch=2))[0]
    assert np.array_equal(rest, np.split(whole, 3)[2])


def test_an_epoch_has_each_picture_at_most_once_in_full_batches(digits):
    batches = list(training_batches(digits, recipe(epochs=1)).as_numpy_iterator())
    assert [len(labels) for _, labels in batches] == [100] * 14
    assert steps_per_epoch(digits, recipe()) == 14
    drawn = Counter(picture.tobytes() for pictures, _ in batches for picture in pictures)
    assert drawn <= Counter(picture.tobytes() for picture in arrays(digits.train)[0])


def test_what_an_epoch_leaves_out_changes(digits):
    epochs = np.split(flat(training_batches(digits, recipe()))[0], 3)
    drawn = [frozenset(picture.tobytes() for picture in epoch) for epoch in epochs]
    assert len(set(drawn)) == 3


def test_a_pictures_augmentation_does_not_depend_on_the_batch_size(digits):
    small = flat(training_batches(digits, recipe(epochs=1, augment=CROP_AND_FLIP, batch_size=50)))[0]
    large = flat(training_batches(digits, recipe(epochs=1, augment=CROP_AND_FLIP, batch_size=200)))[0]
    assert np.array_equal(small[: len(large)], large)


def test_validation_has_every_picture_once(digits):
    batches = list(validation_batches(digits, 100).as_numpy_iterator())
    assert [len(labels) for _, labels in batches] == [100, 100, 100, 60]
    assert np.array_equal(np.concatenate([pictures for pictures, _ in batches]), arrays(digits.validation)[0])


def test_a_split_that_does_not_fit_in_memory_is_read_from_disk(digits, monkeypatch):
    monkeypatch.setattr("builder.batches.CACHE_BYTES", 0)
    monkeypatch.setattr("builder.batches.SHUFFLE_BYTES", 64 * 200)
    pictures, _ = flat(training_batches(digits, recipe(epochs=2)))
    first, second = np.split(pictures, 2)
    assert not np.array_equal(first, second)
    assert Counter(p.tobytes() for p in first) <= Counter(p.tobytes() for p in arrays(digits.train)[0])


# -- wrong sources ---------------------------------------------------------------------------------------------------


def problem(source, tmp_path):
    with pytest.raises(archspec.SpecError) as caught:
        load_data(source, tmp_path)
    return str(caught.value)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (Tfds(name="cifra10"), "train.data: TFDS has no data set 'cifra10'; did you mean 'cifar10'?"),
        (Tfds(name="digits", train="trian"), "train.data: digits/1.0.0 has no split 'trian'; did you mean 'train'?"),
        (Tfds(name="ag_news_subset"), "train.data: 'ag_news_subset' is not a data set of pictures with one label each"),
        (
            Tfds(name="tf_flowers"),
            "train.data: the pictures of 'tf_flowers' are ?x?x3 uint8; expected uint8 of one size",
        ),
    ],
)
def test_a_wrong_source_says_what_is_wrong(source, expected, tmp_path):
    assert problem(source, tmp_path) == expected


def test_a_version_that_is_not_there_is_a_problem_of_the_spec(tmp_path):
    assert problem(Tfds(name="cifar10:9.9.9"), tmp_path).startswith("train.data: TFDS cannot load 'cifar10:9.9.9': ")


def test_a_place_that_cannot_hold_data_is_a_problem_of_the_spec(tmp_path):
    file = tmp_path / "file"
    file.write_text("not a directory")
    assert "cannot be prepared in" in problem(Digits(), file)


def network(shape, units):
    layers = [{"conv": {"filters": 2, "kernel": 1}}, "global_avg_pool", {"dense": units}]
    return load({"name": "network", "model": {"input": shape, "layers": layers}}).graph


def test_all_that_does_not_fit_the_network_is_said_at_once(digits):
    with pytest.raises(archspec.SpecError) as caught:
        check_fits(digits, network([28, 28, 3], 5), recipe(batch_size=2000))
    assert str(caught.value).splitlines() == [
        "train.data: the pictures of digits/1.0.0 are 8x8x1, and the network takes 28x28x3; "
        "set model.input to [8, 8, 1]",
        "train.data: digits/1.0.0 has 10 classes, and the network's output is 5; end it with a dense layer of 10 units",
        "train.data: a batch of 2000 is more than the 1437 pictures to train on; set train.batch_size to at most 1437",
    ]


def test_what_fits_is_accepted(digits):
    check_fits(digits, network([8, 8, 1], 10), recipe(batch_size=1437))

"""The digits of scikit-learn, and what all sources have in common."""

import dataclasses
from collections import Counter

import numpy as np
import pytest
from sklearn.datasets import load_digits

import archspec
from archspec.recipe import Train
from archspec.recipe.data import Digits
from builder.data import check_fits, load_data
from builder.data.sources import digits
from tests.strategies import load

SHAPE = (8, 8, 1)


def counted(pictures, labels):
    return Counter((picture.tobytes(), int(label)) for picture, label in zip(pictures, labels, strict=True))


def test_digits_are_scikit_learns_split_in_two():
    data, source = load_data(Digits(), SHAPE), load_digits()
    assert (data.train_count, data.validation_count) == (1437, 360)
    assert data.shape == SHAPE and data.class_names == tuple("0123456789") and data.name == "digits"
    parts = [counted(part.pictures.numpy(), part.labels.numpy()) for part in (data.train, data.validation)]
    pictures = np.rint(source.images * 255 / 16).astype(np.uint8)[..., np.newaxis]
    assert parts[0] + parts[1] == counted(pictures, source.target) and data.pixel_range == (0, 255)


def test_a_fifth_of_every_class_is_held_out():
    held_out = np.bincount(load_data(Digits(), SHAPE).validation.labels, minlength=10)
    assert (abs(held_out - np.bincount(load_digits().target) / 5) < 1).all()


def test_loading_again_gives_the_same():
    first, again = load_data(Digits(), SHAPE), load_data(Digits(), SHAPE)
    assert again.fingerprint == first.fingerprint and again.normalisation == first.normalisation
    assert np.array_equal(again.train.pictures, first.train.pictures)


def test_pixels_have_mean_0_and_deviation_1():
    data = load_data(Digits(), SHAPE)
    normal = data.normalisation.layer()(data.train.pictures.numpy()).numpy()
    assert normal.mean() == pytest.approx(0, abs=1e-6) and normal.std() == pytest.approx(1, abs=1e-6)


def test_a_network_of_other_channels_is_refused():
    with pytest.raises(archspec.SpecError) as caught:
        load_data(Digits(), (8, 8, 4))
    expected = "train.data: the pictures of digits have 1 channel, and the network takes 4 channels; "
    assert str(caught.value) == expected + "set the channels of model.input to 1"


def network(units):
    layers = [{"conv": {"filters": 2, "kernel": 1}}, "global_avg_pool", {"dense": units}]
    return load({"name": "network", "model": {"input": list(SHAPE), "layers": layers}})


def test_all_mismatches_with_the_network_are_reported_at_once():
    with pytest.raises(archspec.SpecError) as caught:
        check_fits(load_data(Digits(), SHAPE), network(5), Train(data=Digits(), batch_size=2000))
    assert str(caught.value).splitlines() == [
        "<mapping>: train.data: digits has 10 classes, and the network's output is 5; set it with --set "
        "'model.layers[-1].dense.units=10'",
        "<mapping>: train.batch_size: a batch of 2000 is more than digits has to train on, 1,437 pictures; set it to "
        "at most 1437",
    ]


@pytest.mark.parametrize(
    ("layers", "params", "mend"),
    [
        (["flatten", {"dense": "${classes}"}], {"classes": 5}, "set it with --set classes=10"),
        (["flatten", {"dense": {"units": 5}}], {}, "set it with --set 'model.layers[-1].dense.units=10'"),
        (["flatten", {"dense": 5}, "flatten"], {}, "end it with a dense layer of 10 units"),
    ],
)
def test_how_to_get_as_many_outputs_as_classes(layers, params, mend):
    spec = load({"name": "network", "params": params, "model": {"input": list(SHAPE), "layers": layers}})
    with pytest.raises(archspec.SpecError) as caught:
        check_fits(load_data(Digits(), SHAPE), spec, Train(data=Digits(), batch_size=8))
    assert str(caught.value).endswith(f"train.data: digits has 10 classes, and the network's output is 5; {mend}")


def test_a_single_class_is_refused():
    data = dataclasses.replace(load_data(Digits(), SHAPE), class_names=("cat",))
    with pytest.raises(archspec.SpecError, match="digits has 1 class, and a classifier needs at least 2"):
        check_fits(data, network(1), Train(data=Digits(), batch_size=8))


def test_what_fits_is_accepted():
    check_fits(load_data(Digits(), SHAPE), network(10), Train(data=Digits(), batch_size=1437))


def test_the_digits_of_a_scikit_learn_that_keeps_its_file_elsewhere_are_the_same(monkeypatch):
    expected = load_data(Digits(), SHAPE)
    monkeypatch.setattr(digits, "FILE", "elsewhere.csv.gz")
    found = load_data(Digits(), SHAPE)
    assert found.fingerprint == expected.fingerprint
    assert np.array_equal(found.train.pictures, expected.train.pictures)

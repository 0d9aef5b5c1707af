"""Loading data from a spec or a source."""

import dataclasses

import pytest
import yaml

import archspec
from archspec import SpecError
from archspec.recipe import DATA
from archspec.recipe.data import Digits
from builder.data import load_data
from builder.data.loading import LOADERS
from builder.pictures.normalisation import Normalisation
from tests.processes import ROOT
from tests.small import SPEC, written

DIGITS = ROOT / "specs" / "digits.yaml"


def test_every_source_of_the_language_has_a_loader():
    assert LOADERS.keys() == {record.build for record in DATA.values()}


def test_a_spec_is_loaded_as_its_source_is():
    source = load_data(Digits(), (8, 8, 1))
    for spec in (DIGITS, str(DIGITS), archspec.load(DIGITS)):
        data = load_data(spec)
        assert (data.shape, data.train_count, data.validation_count) == ((8, 8, 1), 1437, 360)
        assert data.fingerprint == source.fingerprint


def test_the_normalisation_is_the_one_that_the_recipe_names(tmp_path):
    assert load_data(written(tmp_path / "a.yaml", normalisation="unit")).normalisation == Normalisation(
        (0.0,), (255.0,)
    )
    own = load_data(written(tmp_path / "b.yaml", normalisation="data")).normalisation
    assert own == load_data(Digits(), (8, 8, 1)).normalisation
    with pytest.raises(SpecError, match=r"train\.normalisation: torchvision is for 3 channels"):
        load_data(written(tmp_path / "c.yaml", normalisation="torchvision"))


def test_a_source_needs_the_shape_of_the_input():
    with pytest.raises(TypeError, match=r"shape \(height, width, channels\) of the network's input"):
        load_data(Digits())


def test_data_that_do_not_fit_the_spec_are_refused_at_their_address(tmp_path):
    path = written(tmp_path / "small.yaml", batch_size=2000)
    with pytest.raises(SpecError, match=r"train\.batch_size: a batch of 2000 is more than digits has to train on"):
        load_data(path)
    path.write_text(yaml.safe_dump({"name": "net", "model": SPEC["model"]}))
    with pytest.raises(SpecError, match=r"train: there is no 'train' section"):
        load_data(path)


def test_data_are_frozen():
    data = load_data(Digits(), (8, 8, 1))
    with pytest.raises(dataclasses.FrozenInstanceError):
        data.name = "other"

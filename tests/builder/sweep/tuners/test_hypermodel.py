"""A spec as keras-tuner's hypermodel."""

import numpy as np

import archspec
import builder
from tests.builder.sweep.searches import write


def test_the_hypermodel_of_a_spec(tmp_path):
    import keras_tuner

    model = builder.hypermodel(write(tmp_path, 1, budget={}))
    tuner = keras_tuner.RandomSearch(model, "val_accuracy", max_trials=1, directory=tmp_path, overwrite=True)
    tuner.search(verbose=0)
    assert set(tuner.get_best_hyperparameters()[0].values) == {"width", "rate"}
    assert 0 < tuner.oracle.get_best_trials()[0].score <= 1


def test_a_searched_normalisation_is_that_of_each_candidate():
    import keras_tuner

    spec = archspec.load("digits").with_values({"n": 1, "width": 4}).to_yaml()
    data = archspec.loads(spec).tree.plain()
    data["search"] = {"space": {"train.normalisation": {"choice": ["data", "unit"]}}}
    model, own = builder.hypermodel(data), builder.load_data("digits").normalisation
    for name, mean, std in (("data", own.mean[0], own.std[0]), ("unit", 0, 255)):
        hp = keras_tuner.HyperParameters()
        hp.Choice("train.normalisation", ["data", "unit"])
        hp.values["train.normalisation"] = name
        pixels = model.build(hp).get_layer("pixels")
        np.testing.assert_allclose(pixels(np.array([[51.0]])), [[(51 - mean) / std]], rtol=1e-5)

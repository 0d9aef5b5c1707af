"""A spec as keras-tuner's hypermodel."""

import builder
from tests.builder.sweep.searches import write


def test_the_hypermodel_of_a_spec(tmp_path):
    import keras_tuner

    model = builder.hypermodel(write(tmp_path, 1, budget={}))
    tuner = keras_tuner.RandomSearch(model, "val_accuracy", max_trials=1, directory=tmp_path, overwrite=True)
    tuner.search(verbose=0)
    assert set(tuner.get_best_hyperparameters()[0].values) == {"width", "rate"}
    assert 0 < tuner.oracle.get_best_trials()[0].score <= 1

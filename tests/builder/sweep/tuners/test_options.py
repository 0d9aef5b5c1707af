"""The tuners of specs against those of keras-tuner: names and defaults of options, and the rounds of Hyperband."""

import inspect

import keras_tuner
import pytest
from keras_tuner.oracles import HyperbandOracle

from archspec.search.tuners import TUNERS, Hyperband
from tests.builder.sweep.searches import TUNER_CASES

NOT_OURS = {"hypermodel", "objective", "hyperparameters", "tune_new_entries", "allow_new_entries", "self", "kwargs"}
OTHERWISE = {"seed": 0, "max_epochs": None}
"""Without a seed a search could not be repeated; the epochs are those of `train` unless `max_epochs` is given."""


@pytest.mark.parametrize("name", TUNERS)
def test_options_and_their_defaults(name: str):
    theirs = dict(inspect.signature(keras_tuner.Tuner.__init__).parameters)
    common = {"executions_per_trial": theirs["executions_per_trial"].default}
    parameters = inspect.signature(TUNER_CASES[name].theirs.__init__).parameters
    expected = common | {key: one.default for key, one in parameters.items() if key not in NOT_OURS}
    expected |= {key: value for key, value in OTHERWISE.items() if key in expected}
    assert {field.name: field.default for field in TUNERS[name].fields.values()} == expected


@pytest.mark.parametrize(("epochs", "factor"), [(1, 3), (9, 3), (10, 3), (15, 2), (81, 3), (100, 4), (164, 3)])
def test_the_rounds_of_hyperband(epochs: int, factor: int):
    oracle = HyperbandOracle(objective="val_loss", max_epochs=epochs, factor=factor)
    expected = [
        [
            (oracle._get_size(bracket, number), oracle._get_epochs(bracket, number))
            for number in range(oracle._get_num_rounds(bracket))
        ]
        for bracket in reversed(range(oracle._get_num_brackets()))
    ]
    assert list(Hyperband(factor=factor).brackets(epochs)) == expected

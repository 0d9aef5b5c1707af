"""What is special about each tuner: its number of trials, its epochs, and what may change in a resumed search."""

import pytest

from archspec.search import TUNERS, Tuner, tuner_name
from archspec.search.tuners import Bayesian, GridSearch, Hyperband, RandomSearch


@pytest.mark.parametrize("name", TUNERS)
def test_every_tuner_answers_what_a_search_asks(name: str) -> None:
    tuner: Tuner = TUNERS[name].build()
    assert tuner_name(tuner) == name
    assert list(tuner.trainings(9, 100))
    assert set(tuner.free_on_resume) <= vars(tuner).keys()
    assert tuner.oracle_options(9).keys() == vars(tuner).keys() - {"executions_per_trial"}
    assert None not in {tuner.oracle_options(9).get("max_epochs", 0), tuner.planned(9, 100)}


def test_how_many_trials_are_planned() -> None:
    assert RandomSearch(max_trials=20).planned(9, None) == 20
    assert RandomSearch(max_trials=20).planned(9, 7) == 7
    assert GridSearch().planned(9, None) is None
    assert Hyperband(factor=3, executions_per_trial=2).planned(9, 7) == 9 + 3 + 1 + 5 + 2 + 3


def test_the_number_of_trials_is_an_option_of_all_tuners_but_hyperband() -> None:
    assert Bayesian(beta=1.0).with_trials(40) == Bayesian(beta=1.0, max_trials=40)
    with pytest.raises(ValueError, match="hyperband's number of trials follows from max_epochs"):
        Hyperband().with_trials(40)


def test_the_epochs_of_a_training_are_those_of_train_unless_hyperband_has_its_own() -> None:
    assert RandomSearch().own_epochs is Hyperband().own_epochs is None
    assert Hyperband(max_epochs=4).own_epochs == Hyperband(max_epochs=4).oracle_options(9)["max_epochs"] == 4
    assert Hyperband().oracle_options(9)["max_epochs"] == 9

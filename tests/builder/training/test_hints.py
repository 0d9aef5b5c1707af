"""What is said before a training that will probably disappoint."""

import pytest

import archspec
from archspec import report
from builder.data import load_data
from builder.distribution.strategy import choose_strategy
from builder.training import hints, memory
from builder.training.setup import set_up
from tests.small import SPEC, written

CONV, *OTHERS = SPEC["model"]["layers"]


@pytest.fixture
def setup(tmp_path):
    """Sets up the training of a small network."""

    def setup(momentum=0.9, **train):
        model = {"layers": [CONV, *OTHERS], "defaults": {"batch_norm": {"momentum": momentum}}}
        spec = archspec.load(written(tmp_path / "small.yaml", model, **train))
        placement = choose_strategy(spec.train, lambda field: field)
        return set_up(spec, spec.train, load_data(spec), placement, True, lambda line: None)

    return setup


def test_an_ordinary_training_gets_none(setup):
    assert hints.hints(setup()) == []


def test_statistics_that_lag_behind(setup):
    assert hints.hints(setup(0.99, batch_size=256)) == [
        "batch_norm's momentum of 0.99 averages over about 100 steps, and an epoch has 5: validation will lag behind "
        "by 20 epochs; a lower one, such as --set model.defaults.batch_norm.momentum=0.9, follows sooner"
    ]
    assert hints.hints(setup(0.9, batch_size=1024)) == [
        "batch_norm's momentum of 0.9 averages over about 10 steps, and an epoch has 1: validation will lag behind "
        "by 10 epochs; a lower one, such as --set model.defaults.batch_norm.momentum=0.5, follows sooner"
    ]
    assert hints.hints(setup(0.99, batch_size=256, trainable={"*": False, "dense": True})) == []


def test_a_momentum_of_pytorch(setup):
    made = setup(0.1)
    assert hints.hints(made) == list(report.summarise(made.spec).hints) != []


@pytest.mark.parametrize(
    ("free", "advice"), [(1_000_000, "train.batch_size=64 would fit"), (9, "not even one picture")]
)
def test_memory_that_does_not_suffice(free, advice, setup, monkeypatch):
    made = setup(batch_size=256)
    monkeypatch.setattr(memory, "free_memory", lambda: free)
    (hint,) = hints.hints(made)
    assert hint.startswith("a step of 256 pictures takes about ") and advice in hint

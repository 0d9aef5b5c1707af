"""The check of the fast lowering's choices: what it measures, and when it calls a choice wrong."""

import itertools
import time

import pytest
import tensorflow as tf

import benchmarks.__main__ as runner
from benchmarks import lowerings
from builder.network.choices import CHOICES


def test_every_choice_is_measured():
    assert {case.choice.name for case in lowerings.CASES} == {choice.name for choice in CHOICES}


def taking(milliseconds):
    return lambda: time.sleep(milliseconds / 1000)


def unsupported():
    raise tf.errors.UnimplementedError(None, None, "grouped convolutions")


def test_a_choice_that_is_as_fast_as_the_others_passes():
    row = lowerings._row("layer", {"chosen": taking(4), "other": taking(8), "stock Keras": taking(20)})
    assert not row.missed and row.other.startswith("other")
    assert 1.5 < row.ratio < 2.5


def test_a_slower_choice_is_missed_with_the_name_of_the_faster_option():
    row = lowerings._row("layer", {"chosen": taking(8), "other": taking(12), "stock Keras": taking(4)})
    assert row.missed and row.other.startswith("stock Keras")
    assert row.ratio == pytest.approx(0.5, abs=0.15)


def test_a_far_slower_choice_is_missed_too():
    row = lowerings._row("layer", {"chosen": taking(8), "other": taking(1), "stock Keras": taking(30)})
    assert row.missed and row.other.startswith("other")


def test_a_choice_whose_rounds_differ_too_much_is_undecided():
    turns = itertools.cycle([1, 12, 12, 12, 12, 1, 1])  # 4 of 7 rounds are slower than the other option's
    row = lowerings._row("layer", {"chosen": lambda: taking(next(turns))(), "stock Keras": taking(6)})
    assert row.ratio < 0.95 and not row.missed
    assert row.note == "undecided: the rounds differ too much to say that it is below 0.95x"


def test_an_option_that_this_device_lacks_is_named():
    row = lowerings._row("layer", {"chosen": taking(2), "together": unsupported, "stock Keras": taking(4)})
    assert not row.missed
    assert row.note == "together: not possible here"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--check"], "--check belongs to one benchmark: python -m benchmarks lowerings --check"),
        (["steps", "--check"], "--check belongs to one benchmark: python -m benchmarks lowerings --check"),
        (
            ["lowerings", "--check", "--publish"],
            "--publish takes whole measurements; leave --quick and --check out",
        ),
    ],
)
def test_mistaken_arguments(arguments, message, capsys):
    with pytest.raises(SystemExit) as stopped:
        runner.main(arguments)
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err

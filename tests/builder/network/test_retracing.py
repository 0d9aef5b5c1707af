"""TensorFlow's warning of repeated tracing, which loops over networks do not deserve."""

import logging

import pytest

import builder.network.model  # noqa: F401  # which suppresses the warnings

WARNING = "5 out of the last 5 calls to <function %s at 0x7f4d> triggered tf.function retracing. Tracing is expensive"


@pytest.mark.parametrize(
    ("function", "is_shown"),
    [
        ("TensorFlowTrainer._make_function.<locals>.multi_step_on_iterator", False),
        ("evaluation_steps.<locals>.steps", False),
        ("training_steps.<locals>.steps", False),
        ("my_step", True),
        ("mine.<locals>.training_steps.step", True),
    ],
)
def test_only_what_every_network_has_of_its_own_is_suppressed(function, is_shown):
    record = logging.makeLogRecord({"msg": WARNING % function})
    assert bool(logging.getLogger("tensorflow").filter(record)) == is_shown

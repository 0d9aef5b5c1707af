"""Explanations of the errors that TensorFlow raises in a training."""

from types import SimpleNamespace

import pytest
import tensorflow as tf

import archspec
from archspec import SpecError
from builder.data.splits import Data
from builder.distribution.strategy import one_device
from builder.pictures.normalisation import Normalisation
from builder.pictures.pixel_range import ANY
from builder.training.failures import explained

LAST_CHECKPOINT = "there is no checkpoint yet"
DATA = Data("none", None, None, (1, 1, 1), ("0", "1"), Normalisation((0.0,), (1.0,)), ANY, "")


@pytest.fixture
def setup():
    spec = archspec.load("specs/digits.yaml")
    return SimpleNamespace(spec=spec, recipe=spec.train, data=DATA, placement=one_device())


def test_too_little_memory_is_reported_at_the_batch_size(setup):
    error = tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor with shape[256,64,112,112]")
    explanation = explained(error, setup, LAST_CHECKPOINT)
    assert isinstance(explanation, SpecError)
    first, line = str(explanation).splitlines()[:2]
    assert first.endswith(
        "specs/digits.yaml:26:15: train.batch_size: a step of 64 pictures needs more memory than there is; "
        "train.batch_size=32 should fit, or train.rematerialize=true, or train.accumulate=2, which computes the same "
        "batch in parts; there is no checkpoint yet"
    )
    assert line.endswith("batch_size: 64")


def test_a_full_disk_is_not_taken_for_short_memory(setup):
    error = tf.errors.ResourceExhaustedError(None, None, "events.out; No space left on device")
    assert explained(error, setup, LAST_CHECKPOINT) is error

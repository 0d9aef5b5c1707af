"""Explanations of the errors that TensorFlow raises in a training."""

import tensorflow as tf

import archspec
from archspec import SpecError
from archspec.errors import Where
from archspec.spec.addresses import address
from builder.data.splits import Data
from builder.pictures.normalisation import Normalisation
from builder.pictures.pixel_range import ANY
from builder.training.failures import explained

LAST_CHECKPOINT = "there is no checkpoint yet"
DATA = Data("none", None, None, (1, 1, 1), ("0", "1"), Normalisation((0.0,), (1.0,)), ANY, "")


def test_too_little_memory_is_reported_at_the_batch_size():
    error = tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor with shape[256,64,112,112]")
    where = address(archspec.load("specs/digits.yaml"), "train", "batch_size")
    explanation = explained(error, DATA, where, False, LAST_CHECKPOINT)
    assert isinstance(explanation, SpecError)
    first, line = str(explanation).splitlines()[:2]
    assert first.endswith(
        "specs/digits.yaml:26:15: train.batch_size: a step needs more memory than there is; set a lower batch_size, or "
        "accumulate to go in parts; there is no checkpoint yet"
    )
    assert line.endswith("batch_size: 64")


def test_a_full_disk_is_not_taken_for_short_memory():
    error = tf.errors.ResourceExhaustedError(None, None, "events.out; No space left on device")
    assert explained(error, DATA, Where("train.batch_size"), False, LAST_CHECKPOINT) is error

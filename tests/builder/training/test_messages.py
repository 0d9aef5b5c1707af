"""What a training says at its start."""

import pytest
import tensorflow as tf

from builder.distribution.strategy import one_device
from builder.training.messages import devices_of


@pytest.mark.parametrize(("gpus", "words"), [(0, ""), (1, ", on 1 GPU"), (2, ", on 2 GPUs")])
def test_gpus_are_named_where_there_are_any(gpus, words, monkeypatch):
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind: ["GPU"] * gpus if kind == "GPU" else ["CPU"])
    assert devices_of(one_device()) == words

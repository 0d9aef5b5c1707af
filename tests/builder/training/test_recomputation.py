"""`train.rematerialize`: the steps of a training that keeps less are those of one that keeps all."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from archspec.network import as_spec
from archspec.recipe import Train
from archspec.recipe.data import Digits
from builder.network.model import build, freeze
from builder.training import optimizers
from builder.training.averaging import Ema
from builder.training.recomputation import recomputing
from builder.training.steps import training_steps

BRANCHES = [
    [{"conv": {"filters": 4, "kernel": 1, "norm": "batch", "activation": "relu"}}],
    [{"conv": {"filters": 4, "kernel": 3, "groups": 2}}, {"dropout": 0.3}],
]
SPEC = {
    "name": "everything",
    "model": {
        "input": [12, 12, 3],
        "layers": [
            {"conv": {"filters": 8, "kernel": 3, "norm": "batch", "activation": "relu"}},
            {"local_response_norm": {"radius": 2, "name": "lrn"}},
            {"stages": {"block": "basic", "depths": [2, 2], "widths": [8, 16]}},
            {"dropout": 0.25},
            {"parallel": {"branches": BRANCHES, "merge": "concat"}},
            {"conv": {"filters": 8, "kernel": 3, "name": "head", "norm": "layer", "activation": "gelu"}},
            "global_avg_pool",
            {"dropout": 0.5},
            {"dense": 10},
        ],
    },
    "train": {"data": "digits", "batch_size": 16, "learning_rate": 0.05, "weight_decay": 1e-3},
}
RANDOM = np.random.default_rng(0)
PICTURES, LABELS = RANDOM.standard_normal((16, 12, 12, 3)).astype(np.float32), np.arange(16) % 10
STEPS = 3


def after_steps(is_rematerialized, lowering="fast", **fields):
    """The sums that steps report, and all variables afterwards in order, as the names of random states differ: Keras
    counts them from one network to the next."""
    spec = as_spec(SPEC).with_values({f"train.{name}": value for name, value in fields.items()})
    recipe = spec.train
    keras.utils.set_random_seed(1)
    network = build(spec, lowering, recipe.precision)
    freeze(network, recipe.trains)
    optimizer = optimizers.optimizer(recipe)
    optimizer.build(network.trainable_variables)
    ema = Ema(network, recipe.ema) if recipe.ema else None
    forward = recomputing(network, spec.graph, recipe.xla == "on") if is_rematerialized else None
    steps = training_steps(network, optimizer, ema, recipe, tf.distribute.get_strategy(), forward=forward)
    batches = iter(tf.data.Dataset.from_tensors((PICTURES, LABELS)).repeat())
    sums = steps(batches, [0.05] * STEPS, 0.0).numpy()
    variables = [*network.variables, *optimizer.variables, *(ema.variables if ema else [])]
    return sums, [(variable.path, variable.numpy()) for variable in variables]


CASES = {
    "float32": {},
    "in_parts": {"accumulate": 2, "ema": 0.9, "clip_norm": 1.0},
    "frozen": {"trainable": {"*": True, "conv1": False, "stage1": False, "stage2.block1": False}},
    "stock_layers": {"lowering": "portable"},
    "bfloat16": {"precision": "mixed_bfloat16"},
    "float16": {"precision": "mixed_float16"},
    "xla": {"xla": "on"},
}


@pytest.mark.parametrize("fields", CASES.values(), ids=CASES)
def test_steps_losses_and_all_variables_are_the_same(fields):
    """Moving averages change once a step, and dropout drops the same elements in both computations: otherwise averages,
    random states or losses would differ."""
    (sums, variables), (expected_sums, expected) = after_steps(True, **fields), after_steps(False, **fields)
    half = fields.get("precision", "float32") != "float32"
    tolerance = {"rtol": 5e-2, "atol": 2e-2} if half else {"rtol": 1e-4, "atol": 2e-6}
    np.testing.assert_allclose(sums, expected_sums, **tolerance)
    for (_, found), (name, value) in zip(variables, expected, strict=True):
        if value.dtype.kind in "ui":
            np.testing.assert_array_equal(found, value, err_msg=name)
        else:
            np.testing.assert_allclose(found, value, **tolerance, err_msg=name)


def test_a_step_holds_less_memory():
    """Measured, as TensorFlow might join the second computation with the first and keep its results."""
    layers = [{"conv": {"filters": 16, "kernel": 3, "norm": "batch", "activation": "relu"}}] * 12
    spec = as_spec({"name": "deep", "model": {"input": [64, 64, 3], "layers": [*layers, "global_avg_pool"]}})
    recipe = Train(data=Digits(), batch_size=128)
    rows = tf.data.Dataset.from_tensors((np.zeros((128, 64, 64, 3), np.float32), np.zeros(128, np.int64))).repeat()

    def grown(is_rematerialized):
        network = build(spec)
        optimizer = optimizers.optimizer(recipe)
        optimizer.build(network.trainable_variables)
        forward = recomputing(network, spec.graph) if is_rematerialized else None
        steps = training_steps(network, optimizer, None, recipe, tf.distribute.get_strategy(), forward=forward)
        batches = iter(rows)
        Path("/proc/self/clear_refs").write_text("5")  # the peak is what it is now
        before = resident("VmRSS")
        steps(batches, [0.01], 0.0).numpy()
        return resident("VmHWM") - before

    assert grown(True) < 0.6 * grown(False)


def resident(field):
    """A field of this process's memory, in kilobytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field))

"""Recipes against the formulas and against stock Keras: optimizers, L2, decay, clipping, averages, and the loss."""

import json
import math
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from archspec.recipe import OPTIMIZERS, Train
from archspec.recipe.data import Digits
from archspec.recipe.optimizers import Adam, Adamw, Lamb, Lion, Muon, Rmsprop, Sgd
from archspec.recipe.train import L2
from builder.training import losses as loss_functions
from builder.training import optimizers
from builder.training.averaging import Ema
from builder.training.losses import correct
from builder.training.steps import training_steps

ROOT = Path(__file__).parents[3]
PICTURES = np.random.default_rng(0).standard_normal((8, 4, 4, 2)).astype(np.float32)
LABELS = np.arange(8) % 5
RATES = (0.1, 0.05, 0.025)


def train(**fields):
    return Train(data=Digits(), **fields)


def small_model():
    keras.utils.set_random_seed(1)
    layers = [
        keras.Input((4, 4, 2)),
        keras.layers.Conv2D(3, 3, bias_initializer="ones"),
        keras.layers.DepthwiseConv2D(2),
        keras.layers.BatchNormalization(
            gamma_initializer=keras.initializers.Constant(2.0), beta_initializer=keras.initializers.Constant(0.5)
        ),
        keras.layers.Flatten(),
        keras.layers.Dense(5, bias_initializer="ones"),
    ]
    return keras.Sequential(layers)


def gradients_like(variables, step=0, scale=1.0):
    random = np.random.default_rng(step)
    return [tf.constant(scale * random.standard_normal(variable.shape), tf.float32) for variable in variables]


def after_steps(optimizer, variables, scale=1.0):
    """The variables after a step at each rate, with gradients that are always the same."""
    for step, rate in enumerate(RATES):
        optimizer.learning_rate = rate
        optimizer.apply(gradients_like(variables, step, scale), variables)
    return [variable.numpy() for variable in variables]


# -- optimizers ----------------------------------------------------------------------------------------------------


def stock(kind, **options):
    made = kind(0.1, **options)
    made.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return made


KERAS = keras.optimizers
PAIRS = [
    (Sgd(), lambda: stock(KERAS.SGD, momentum=0.9)),
    (Sgd(momentum=0.5, nesterov=True), lambda: stock(KERAS.SGD, momentum=0.5, nesterov=True)),
    (Adam(epsilon=1e-3), lambda: stock(KERAS.Adam, epsilon=1e-3)),
    (Adamw(decay=0.2, beta_1=0.8), lambda: stock(KERAS.AdamW, weight_decay=0.2, beta_1=0.8)),
    (Rmsprop(momentum=0.9, centered=True), lambda: stock(KERAS.RMSprop, momentum=0.9, centered=True)),
    (Lion(decay=0.3), lambda: stock(KERAS.Lion, weight_decay=0.3)),
    (Lamb(decay=0.1, beta_2=0.9), lambda: stock(KERAS.Lamb, weight_decay=0.1, beta_2=0.9)),
]


def test_every_optimizer_of_the_language_is_there():
    assert set(optimizers.OPTIMIZERS) == {record.build for record in OPTIMIZERS.values()}
    assert {type(ours) for ours, _ in PAIRS} | {Muon} == set(optimizers.OPTIMIZERS)


@pytest.mark.parametrize(("ours", "theirs"), PAIRS, ids=[type(ours).__name__ for ours, _ in PAIRS])
def test_optimizers_are_keras_s_own_with_decay_of_kernels_alone(ours, theirs):
    found = after_steps(optimizers.optimizer(train(optimizer=ours)), small_model().trainable_variables)
    expected = after_steps(theirs(), small_model().trainable_variables)
    for result, wanted in zip(found, expected, strict=True):
        np.testing.assert_allclose(result, wanted, rtol=2e-5, atol=1e-6)


def dense_variables():
    keras.utils.set_random_seed(1)
    return keras.Sequential(
        [keras.Input((6,)), *(keras.layers.Dense(size, name=f"dense{size}") for size in (8, 4, 3))]
    ).trainable_variables


def test_muon_is_keras_s_for_hidden_dense_kernels():
    found = after_steps(optimizers.optimizer(train(optimizer=Muon(decay=0.1))), dense_variables())
    keras_muon = stock(KERAS.Muon, weight_decay=0.1, adam_weight_decay=0.1, exclude_layers=["dense8/", "dense3/"])
    for result, wanted in zip(found, after_steps(keras_muon, dense_variables()), strict=True):
        np.testing.assert_allclose(result, wanted, rtol=2e-5, atol=1e-6)


def test_muon_takes_a_hidden_convolution_s_kernel_as_a_matrix():
    """Its step has the singular values of an orthogonal matrix, to the accuracy of five iterations, times the rate and
    0.2 * sqrt(18); AdamW's first step, of the other kernels, is the rate everywhere."""
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(2, 3),
            layers.Conv2D(4, 3),
            layers.DepthwiseConv2D(2),
            layers.Flatten(),
            layers.Dense(5),
        ]
    )
    variables = [variable for variable in model.trainable_variables if variable.name == "kernel"]
    before = [variable.numpy() for variable in variables]
    optimizer = optimizers.optimizer(train(optimizer=Muon()))
    optimizer.learning_rate = 0.1
    optimizer.apply(gradients_like(variables), variables)
    first, hidden, depthwise, last = (a - variable.numpy() for a, variable in zip(before, variables, strict=True))
    values = np.linalg.svd(hidden.reshape(18, 4), compute_uv=False) / (0.1 * 0.2 * math.sqrt(18))
    assert ((values > 0.6) & (values < 1.3)).all()
    for step in (first, depthwise, last):
        np.testing.assert_allclose(abs(step), 0.1, rtol=1e-3)


def test_the_learning_rate_is_a_variable_that_starts_at_the_base():
    for precision in ("float32", "mixed_float16"):
        optimizer = optimizers.optimizer(train(learning_rate=0.25, precision=precision))
        assert float(optimizer.learning_rate.numpy()) == 0.25
        optimizer.learning_rate.assign(0.125)
        assert float(optimizer.learning_rate.numpy()) == 0.125


@pytest.mark.parametrize("precision", ["float32", "mixed_float16"])
def test_a_second_training_of_a_process_names_its_variables_as_the_first(precision):
    """A checkpoint knows them by their names, and another process may resume it."""

    def names():
        optimizer = optimizers.optimizer(train(optimizer=Adam(), precision=precision))
        keras.utils.set_random_seed(1)
        model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(3, name="dense")], name="network")
        optimizer.build(model.trainable_variables)
        return [variable.path for variable in optimizer.variables]

    assert names() == names()


# -- multipliers of the learning rate ------------------------------------------------------------------------------


def layer_of(variable):
    return variable.path.split("/")[-2]


@pytest.mark.parametrize("precision", ["float32", "mixed_float16"])
@pytest.mark.parametrize("ours", [*(ours for ours, _ in PAIRS), Muon(decay=0.1)], ids=lambda ours: type(ours).__name__)
def test_a_multiplier_is_of_the_rate_and_of_the_decay(ours, precision):
    """The layer's variables end as with the rates times 0.25, all others as without a multiplier."""

    def ends(chosen=None, scale=1.0):
        variables = small_model().trainable_variables
        multipliers = () if chosen is None else ((layer_of(variables[chosen]), 0.25),)
        optimizer = optimizers.optimizer(
            train(optimizer=ours, precision=precision, learning_rate_multipliers=multipliers)
        )
        optimizer.build(variables)
        grown = float(optimizer.scale_loss(1.0)) if precision == "mixed_float16" else 1.0
        for step, rate in enumerate(RATES):
            optimizer.learning_rate = scale * rate
            optimizer.apply(gradients_like(variables, step, grown), variables)
        named = multipliers and multipliers[0][0]
        return [(layer_of(variable) == named, variable.numpy()) for variable in variables]

    found, whole, slow = ends(chosen=2), ends(), ends(scale=0.25)
    assert 0 < sum(chosen for chosen, _ in found) < len(found)
    for (chosen, value), (_, fast), (_, slower) in zip(found, whole, slow, strict=True):
        assert not np.array_equal(fast, slower)
        np.testing.assert_allclose(value, slower if chosen else fast, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(
    ("ours", "step", "decay"),
    [
        (Sgd(momentum=0.0), lambda gradient: gradient, 0.0),
        (Adam(epsilon=1e-12), np.sign, 0.0),
        (Adamw(decay=0.5, epsilon=1e-12), np.sign, 0.5),
        (Lion(decay=0.5), np.sign, 0.5),
    ],
    ids=["Sgd", "Adam", "Adamw", "Lion"],
)
def test_the_first_step_with_multipliers_worked_out_by_hand(ours, step, decay):
    """w - rate * multiplier * (step(g) + decay * w); of Adam and Lion step(g) is the sign of g, whatever its size."""
    variables = dense_variables()
    kernels = [variable for variable in variables if variable.name == "kernel"]
    rates = dict(zip(map(layer_of, kernels), (0.1, 1.0, 10.0), strict=True))
    optimizer = optimizers.optimizer(train(optimizer=ours, learning_rate_multipliers=tuple(rates.items())))
    optimizer.learning_rate = 0.01
    before, gradients = [variable.numpy() for variable in variables], gradients_like(variables)
    optimizer.apply(gradients, variables)
    for variable, start, gradient in zip(variables, before, gradients, strict=True):
        shrunk = decay * start if variable.name == "kernel" else 0.0
        wanted = start - 0.01 * rates[layer_of(variable)] * (step(gradient.numpy()) + shrunk)
        np.testing.assert_allclose(variable.numpy(), wanted, rtol=1e-4, atol=1e-6)


def test_the_norm_is_that_of_all_gradients_before_multipliers():
    """A step of the trainer: two parts of a batch, clipped to a norm, each layer at its rate, then the average."""
    recipe = train(
        batch_size=8, optimizer=Sgd(momentum=0.0), clip_norm=0.1, weight_decay=0.2, ema=0.5, accumulate=2,
        learning_rate_multipliers=(("slow", 0.1), ("fast", 10.0)),
    )  # fmt: skip
    keras.utils.set_random_seed(1)
    layers = [keras.layers.Dense(units, name=name) for name, units in (("slow", 3), ("plain", 4), ("fast", 5))]
    model = keras.Sequential([keras.Input((4, 4, 2)), keras.layers.Flatten(), *layers])
    values = [variable.value for variable in model.trainable_variables]
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(loss_functions.loss(recipe)(LABELS, model(PICTURES)))
    gradients = [gradient.numpy() for gradient in tape.gradient(loss, values)]
    norm = math.sqrt(sum(float(np.sum(np.square(gradient))) for gradient in gradients))
    assert norm > 0.1
    before = [value.numpy() for value in values]
    expected = []
    for variable, start, gradient in zip(model.trainable_variables, before, gradients, strict=True):
        rate = 0.5 * {"slow": 0.1, "plain": 1.0, "fast": 10.0}[layer_of(variable)]
        penalty = 0.2 * start if variable.name == "kernel" else 0.0
        expected.append(start - rate * (gradient * 0.1 / norm + penalty))

    optimizer, ema = optimizers.optimizer(recipe), Ema(model, recipe.ema)
    optimizer.build(model.trainable_variables)
    steps = training_steps(model, optimizer, ema, recipe, tf.distribute.get_strategy())
    batches = tf.data.Dataset.from_tensors((PICTURES, LABELS.astype(np.int64)))
    steps(iter(batches), tf.constant([0.5]), tf.constant(0.0))
    after = [variable.numpy() for variable in model.trainable_variables]
    with ema.swapped():
        averages = [variable.numpy() for variable in model.trainable_variables]
    for start, one, average, wanted in zip(before, after, averages, expected, strict=True):
        np.testing.assert_allclose(one, wanted, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(average, 0.1 * start + 0.9 * wanted, rtol=1e-4, atol=1e-6)


# -- penalty and clipping ------------------------------------------------------------------------------------------

NAMES = {"kernels": {"kernel"}, "biases": {"kernel", "bias"}, "all": {"kernel", "bias", "gamma", "beta"}}
PENALTIES = {
    "kernels": 0.1,
    "biases": L2(factor=0.1, biases=True),
    "all": L2(factor=0.1, biases=True, norms=True),
}


@pytest.mark.parametrize("precision", ["float32", "mixed_float16"])
@pytest.mark.parametrize("which", PENALTIES)
def test_weight_decay_is_the_gradient_of_the_penalty(which, precision):
    recipe = train(optimizer=Sgd(momentum=0.0), weight_decay=PENALTIES[which], precision=precision)
    model = small_model()
    values = [variable.value for variable in model.trainable_variables]
    losses = loss_functions.loss(recipe)
    with tf.GradientTape(persistent=True) as tape:
        loss = tf.reduce_mean(losses(LABELS, model(PICTURES, training=True)))
        penalised = [variable for variable in model.trainable_variables if variable.name in NAMES[which]]
        whole = loss + 0.1 / 2 * sum(tf.reduce_sum(tf.square(variable)) for variable in penalised)
    expected = [value - 0.5 * gradient for value, gradient in zip(values, tape.gradient(whole, values), strict=True)]

    optimizer = optimizers.optimizer(recipe)
    optimizer.build(model.trainable_variables)
    optimizer.learning_rate = 0.5
    scale = float(optimizer.scale_loss(1.0)) if precision == "mixed_float16" else 1.0
    optimizer.apply([scale * gradient for gradient in tape.gradient(loss, values)], model.trainable_variables)
    for variable, wanted in zip(model.trainable_variables, expected, strict=True):
        np.testing.assert_allclose(variable.numpy(), wanted.numpy(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("norm", "clipped"), [(0.5, True), (1e6, False)])
def test_all_gradients_together_are_scaled_down_to_the_norm_before_the_penalty(norm, clipped):
    recipe = train(optimizer=Sgd(momentum=0.0), clip_norm=norm, weight_decay=0.1)
    variables = small_model().trainable_variables
    before, gradients = [variable.numpy() for variable in variables], gradients_like(variables)
    whole = math.sqrt(sum(float(np.sum(np.square(gradient))) for gradient in gradients))
    factor = norm / whole if clipped else 1.0
    optimizer = optimizers.optimizer(recipe)
    optimizer.learning_rate = 1.0
    optimizer.apply(gradients, variables)
    for variable, start, gradient in zip(variables, before, gradients, strict=True):
        penalty = 0.1 * start if variable.name == "kernel" else 0.0
        np.testing.assert_allclose(variable.numpy(), start - factor * gradient.numpy() - penalty, rtol=1e-4, atol=1e-5)


def test_a_step_whose_gradients_overflow_is_left_out():
    optimizer = optimizers.optimizer(train(precision="mixed_float16", weight_decay=0.1))
    variables = small_model().trainable_variables
    optimizer.build(variables)
    scale, before = float(optimizer.scale_loss(1.0)), [variable.numpy() for variable in variables]
    gradients = gradients_like(variables)
    optimizer.apply([gradients[0] * math.inf, *gradients[1:]], variables)
    assert all(np.array_equal(variable.numpy(), start) for variable, start in zip(variables, before, strict=True))
    assert float(optimizer.scale_loss(1.0)) == scale / 2


def test_two_replicas_take_the_steps_of_one():
    """With clipping, penalty, decay, averages and, in one case, loss scaling; and batches in parts, without and with
    statistics over all replicas. Dropout is another one on each replica."""
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("replicated_steps.py"))],
        env={"PYTHONPATH": str(ROOT), "PATH": "", "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]
    assert len(found) == len(optimizers.OPTIMIZERS) + 3
    assert all(difference < 1e-5 for _, *differences in found for difference in differences), found


# -- average of the weights ----------------------------------------------------------------------------------------


def test_the_average_is_the_formula_s_and_holds_statistics_too():
    model, random = small_model(), np.random.default_rng(0)
    ema = Ema(model, 0.25)
    expected = [weight.numpy() for weight in model.weights]
    for decay in (0.1, 2 / 11, 0.25, 0.25):  # (1 + n) / (10 + n) until that is more than 0.25
        values = [random.standard_normal(weight.shape).astype(np.float32) for weight in model.weights]
        model.set_weights(values)
        ema.update()
        expected = [decay * average + (1 - decay) * value for average, value in zip(expected, values, strict=True)]
    assert "moving_variance" in {weight.name for weight in model.weights}
    with ema.swapped():
        for weight, average in zip(model.weights, expected, strict=True):
            np.testing.assert_allclose(weight.numpy(), average, rtol=1e-5, atol=1e-6)
    assert all(np.array_equal(weight.numpy(), value) for weight, value in zip(model.weights, values, strict=True))


def test_the_weights_come_back_after_an_error():
    model = small_model()
    ema, before = Ema(model, 0.9), model.get_weights()
    model.set_weights([value + 1 for value in before])

    def evaluate():
        with ema.swapped():
            assert np.array_equal(model.get_weights()[0], before[0])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate()
    assert np.array_equal(model.get_weights()[0], before[0] + 1)


def test_an_average_resumes_from_its_variables():
    def run(steps, state=None):
        model = small_model()
        ema = Ema(model, 0.9)
        if state is not None:
            for variable, value in zip(ema.variables, state, strict=True):
                variable.assign(value)
        for step in steps:
            model.set_weights([np.full(weight.shape, float(step)) for weight in model.weights])
            ema.update()
        return [variable.numpy() for variable in ema.variables]

    whole = run(range(5))
    for value, resumed in zip(whole, run(range(3, 5), state=run(range(3))), strict=True):
        assert np.array_equal(value, resumed)


# -- loss ----------------------------------------------------------------------------------------------------------

LOGITS = np.array([[2.0, 0.0, -1.0, 0.5], [0.0, 3.0, 1.0, 0.0]], np.float32)
LOG_P = LOGITS - np.log(np.exp(LOGITS).sum(-1, keepdims=True))


def losses(labels, **fields):
    return loss_functions.loss(train(**fields))(tf.constant(labels), tf.constant(LOGITS)).numpy()


def test_loss_of_each_picture():
    np.testing.assert_allclose(losses([1, 2]), [-LOG_P[0, 1], -LOG_P[1, 2]], rtol=1e-6)
    shares = [[0.25, 0.75, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]]
    np.testing.assert_allclose(losses(shares), [-(0.25 * LOG_P[0, 0] + 0.75 * LOG_P[0, 1]), -LOG_P[1, 2]], rtol=1e-6)


def test_label_smoothing_moves_a_share_of_the_label_to_all_classes():
    expected = [-(0.8 * LOG_P[row, label] + 0.2 * LOG_P[row].mean()) for row, label in ((0, 1), (1, 2))]
    np.testing.assert_allclose(losses([1, 2], label_smoothing=0.2), expected, rtol=1e-6)
    shares = np.eye(4, dtype=np.float32)[[1, 2]]
    np.testing.assert_allclose(losses(shares, label_smoothing=0.2), expected, rtol=1e-6)


def test_loss_of_half_precision_logits_is_computed_in_float32():
    found = loss_functions.loss(train())(tf.constant([1, 2]), tf.constant(LOGITS, tf.bfloat16))
    assert found.dtype == tf.float32
    np.testing.assert_allclose(found.numpy(), [-LOG_P[0, 1], -LOG_P[1, 2]], rtol=1e-6)


def test_correct_among_the_highest():
    logits = tf.constant(LOGITS)
    assert [correct(tf.constant([3, 1]), logits, k).numpy().tolist() for k in (1, 2)] == [[0, 1], [1, 1]]
    shares = tf.constant([[0.2, 0.1, 0.0, 0.7], [0.3, 0.7, 0.0, 0.0]])
    assert [correct(shares, logits, k).numpy().tolist() for k in (1, 2)] == [[0, 1], [1, 1]]
    assert correct(tf.constant([2, 3]), logits, 5).numpy().tolist() == [1, 1]
    assert correct(tf.constant([0, 1]), tf.zeros([2, 4])).numpy().tolist() == [1, 0], "equal logits"

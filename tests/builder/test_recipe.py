"""Recipes against the formulas: learning rates by step, the L2 penalty, and label smoothing."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from archspec.recipe import OPTIMIZERS, SCHEDULES, Train
from archspec.recipe.data import Digits
from archspec.recipe.optimizers import Adam, Sgd
from archspec.recipe.schedules import Constant, Cosine, Step
from builder import recipe as recipes


def rates(schedule, steps, epochs=4, steps_per_epoch=10):
    train = Train(data=Digits(), epochs=epochs, learning_rate=schedule)
    rate = recipes.LearningRate(train, steps_per_epoch)
    return [float(rate(step)) for step in steps]


def test_every_schedule_and_optimizer_of_the_language_is_there():
    assert set(recipes.RATES) == {record.build for record in SCHEDULES.values()}
    assert set(recipes.OPTIMIZERS) == {record.build for record in OPTIMIZERS.values()}


def test_a_number_is_a_constant_rate():
    assert rates(0.5, [0, 7, 39]) == [0.5, 0.5, 0.5]


def test_warmup_rises_to_the_whole_rate_in_its_last_step():
    found = rates(Constant(base=0.4, warmup=0.5), [0, 1, 3, 4, 5, 39])
    assert found == pytest.approx([0.08, 0.16, 0.32, 0.4, 0.4, 0.4])


def test_step_drops_at_the_first_step_of_an_epoch():
    schedule = Step(base=1.0, drop=((1, 0.1), (3, 0.01)))
    assert rates(schedule, [0, 9, 10, 29, 30, 39]) == pytest.approx([1.0, 1.0, 0.1, 0.1, 0.01, 0.01])


def test_cosine_falls_from_the_end_of_warmup_to_the_last_step():
    schedule = Cosine(base=1.0, final=0.2, warmup=1)
    at_middle, at_third = 0.6, 0.2 + 0.8 * 0.75  # cos(90) = 0, cos(60) = 1/2
    assert rates(schedule, [4, 9, 10, 20, 25, 40]) == pytest.approx([0.5, 1.0, 1.0, at_third, at_middle, 0.2])


def test_training_shorter_than_its_warmup_only_rises():
    assert rates(Cosine(base=1.0, warmup=8), [0, 39], epochs=4) == pytest.approx([1 / 80, 40 / 80])


# -- weight decay ----------------------------------------------------------------------------------------------------


def small_model():
    keras.utils.set_random_seed(1)
    layers = [
        keras.Input((4, 4, 2)),
        keras.layers.Conv2D(3, 3, bias_initializer="ones"),
        keras.layers.DepthwiseConv2D(2),
        keras.layers.BatchNormalization(gamma_initializer=keras.initializers.Constant(2.0)),
        keras.layers.Flatten(),
        keras.layers.Dense(5, bias_initializer="ones"),
    ]
    return keras.Sequential(layers)


PICTURES = np.random.default_rng(0).standard_normal((8, 4, 4, 2)).astype(np.float32)
LABELS = np.arange(8) % 5


def one_step(train, model):
    model.compile(recipes.optimizer(train, 10), recipes.loss(train), auto_scale_loss=False)
    model.train_on_batch(PICTURES, LABELS)
    return [weight.numpy() for weight in model.trainable_weights]


@pytest.mark.parametrize("precision", ["float32", "mixed_float16"])
def test_weight_decay_is_the_gradient_of_the_penalty(precision):
    recipe = Train(data=Digits(), optimizer=Sgd(momentum=0.0), learning_rate=0.5, weight_decay=0.1, precision=precision)
    found = one_step(recipe, small_model())

    model = small_model()
    kernels = [layer.kernel for layer in model.layers if hasattr(layer, "kernel")]
    assert len(kernels) == 3
    with tf.GradientTape() as tape:
        penalty = 0.1 / 2 * sum(tf.reduce_sum(tf.square(kernel)) for kernel in kernels)
        loss = recipes.loss(recipe)(LABELS, model(PICTURES, training=True)) + penalty
    gradients = tape.gradient(loss, [weight.value for weight in model.trainable_weights])
    for weight, gradient, result in zip(model.trainable_weights, gradients, found, strict=True):
        np.testing.assert_allclose(result, weight.numpy() - 0.5 * gradient.numpy(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("optimizer", [Sgd(nesterov=True), Adam(epsilon=1e-3)])
def test_without_weight_decay_the_optimizer_is_keras_s_own(optimizer):
    found = one_step(Train(data=Digits(), optimizer=optimizer, learning_rate=0.1), small_model())
    stock = (
        keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True)
        if isinstance(optimizer, Sgd)
        else keras.optimizers.Adam(0.1, epsilon=1e-3)
    )
    model = small_model()
    model.compile(stock, keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.train_on_batch(PICTURES, LABELS)
    for weight, result in zip(model.trainable_weights, found, strict=True):
        np.testing.assert_allclose(result, weight.numpy(), rtol=1e-6)


# -- loss ------------------------------------------------------------------------------------------------------------


def test_label_smoothing_moves_a_share_of_the_label_to_all_classes():
    logits = np.array([[2.0, 0.0, -1.0, 0.5]], np.float32)
    log_p = logits[0] - math.log(sum(math.exp(x) for x in logits[0]))
    smoothed = recipes.loss(Train(data=Digits(), label_smoothing=0.2))
    expected = -(0.8 * log_p[1] + 0.2 * log_p.mean())
    assert float(smoothed(np.array([1]), logits)) == pytest.approx(expected, rel=1e-6)
    plain = recipes.loss(Train(data=Digits()))
    assert float(plain(np.array([1]), logits)) == pytest.approx(-log_p[1], rel=1e-6)
